"""Settings for all tests."""

from __future__ import annotations

import signal

from hypothesis import settings

# No test may depend on how fast the machine is.
settings.register_profile("default", deadline=None)
settings.load_profile("default")

# A shell has what it starts in the background ignore Ctrl-C, and so would the programs that are tested.
signal.signal(signal.SIGINT, signal.default_int_handler)
