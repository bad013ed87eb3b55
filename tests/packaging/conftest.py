"""Where these tests make sense."""

from __future__ import annotations

from pathlib import Path

# They are about the repository, of which an sdist has no .git and no .github.
collect_ignore_glob = [] if (Path(__file__).parents[2] / ".git").exists() else ["test_*.py"]
