"""``python -m release VERSION``: everything that a release consists of, if all agrees and everything is green.

It tags nothing and uploads nothing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence

from release import agreement, checksums, collect, dist, project, sbom, validate
from release.project import DIST, ROOT, Failed

_CHOICES = ("MAKE", "MFLAGS", "PYTEST_", "E2E_", "MATRIX", "KREW_", "CLUSTER_", "FUZZ", "BENCH_")


def build() -> None:
    """Builds all artifacts into an emptied dist/.

    Raises:
        release.project.Failed: one of them cannot be built, or is not what it should be.
    """
    shutil.rmtree(DIST, ignore_errors=True)
    sdist, wheel = dist.build()
    problems = [*validate.contents(sdist, wheel, project.files()), *validate.for_an_index(sdist, wheel)]
    if problems:
        raise Failed("\n".join(problems))
    sbom.write(wheel, DIST)
    _make("krew")
    collect.collect()


def _make(target: str) -> None:
    if subprocess.run(["make", target], cwd=ROOT, env=whole(os.environ), check=False).returncode != 0:
        raise Failed(f"'make {target}' has failed; what it says is above")


def whole(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without what would leave something out of the tests, or hand make's own flags on to them."""
    return {name: value for name, value in environment.items() if not name.startswith(_CHOICES)}


def green() -> None:
    """Runs everything that has to hold, with the whole matrix.

    Raises:
        release.project.Failed: not all of it holds.
    """
    done = subprocess.run(["bash", ".ci/run"], cwd=ROOT, env={**whole(os.environ), "MATRIX": ""}, check=False)
    if done.returncode != 0:
        raise Failed("'bash .ci/run' has failed; what it says is above")


def main(arguments: Sequence[str]) -> int:
    """Refuses with status 1, and all reasons at once."""
    parser = argparse.ArgumentParser(prog="release", description=__doc__)
    parser.add_argument("version", help="for example 1.2.3")
    version = parser.parse_args(arguments).version
    refusals = agreement.refusals(version)
    if refusals:
        print(*refusals, sep="\n", file=sys.stderr)
        return 1
    try:
        commit = project.git("rev-parse", "HEAD")
        green()
        build()
        if project.git("status", "--porcelain") or project.git("rev-parse", "HEAD") != commit:
            raise Failed("git: the checkout has changed meanwhile; start again")
    except Failed as failed:
        print(failed, file=sys.stderr)
        return 1
    print(f"\n{(DIST / checksums.FILE).read_text('utf-8')}\ndist/ is what would be released. To release it:\n")
    print(f"git tag --annotate v{version} --message 'kubectl metrics {version}' {commit}")
    print(f"git push origin v{version}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
