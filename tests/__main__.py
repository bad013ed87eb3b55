"""``make test``: all tests that need no cluster. Those of the pure parts, which count lines, run beside the others."""

from __future__ import annotations

import sys

from tests import pure
from tests.beside import beside

_OTHERS = [word for folder in pure.FOLDERS for word in ("--ignore", folder)]

if __name__ == "__main__":
    others = [sys.executable, "-m", "pytest", "-q", "--numprocesses", "5", *_OTHERS]
    sys.exit(beside(others, [sys.executable, "-m", "tests.pure"]))
