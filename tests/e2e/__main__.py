"""``make e2e``: all tests of this folder, in two processes at a time.

Tests with the cluster have to come one after the other and mostly wait for it. Those without it mostly compute, so they
run beside; what they print comes when the others have ended.

They run at the priority of the others: some of them give a server a few seconds.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.beside import beside

PYTEST = (sys.executable, "-m", "pytest", "-q", str(Path(__file__).parent))

if __name__ == "__main__":
    sys.exit(beside([*PYTEST, "-m", "cluster"], [*PYTEST, "-m", "not cluster"]))
