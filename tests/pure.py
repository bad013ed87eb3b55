"""The tests of wire/ and usage/, which are pure functions: every line and branch of them has a test."""

from __future__ import annotations

import subprocess
import sys

FOLDERS = ("tests/wire", "tests/usage")
_CODE = "kubectl_metrics/wire/*,kubectl_metrics/usage/*"
_COVERAGE = (sys.executable, "-m", "coverage")


def main() -> int:
    """A status that is 0 if all are green and nothing is left out."""
    subprocess.run([*_COVERAGE, "erase"], check=True)
    status = subprocess.run([*_COVERAGE, "run", "-m", "pytest", "-q", *FOLDERS], check=False).returncode
    if status:
        return status
    report = [*_COVERAGE, "report", f"--include={_CODE}", "--fail-under=100", "--show-missing"]
    if subprocess.run(report, check=False).returncode:
        print("wire/ and usage/ are pure functions: every line and branch of them has a test", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
