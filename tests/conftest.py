"""Settings for all tests."""

from __future__ import annotations

import os
import signal

from hypothesis import settings

# No test may depend on how fast the machine is, nor on luck: whether a change is good is not found by dice. They are for
# HYPOTHESIS_PROFILE=explore, once a week in CI, and for "make fuzz".
settings.register_profile("default", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

# A shell has what it starts in the background ignore Ctrl-C, and so would the programs that are tested.
signal.signal(signal.SIGINT, signal.default_int_handler)
