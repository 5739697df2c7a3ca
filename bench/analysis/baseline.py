"""What everybody does today: ``git bisect run``, then ``git revert``."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.analysis.case import Case, quoted

_SCRIPT = """#!/bin/sh
mkdir -p "$(dirname {destination})" && cp {reproducer} {destination}
{command} > /dev/null 2>&1
code=$?
rm -f {destination}
echo run >> {count}
case $code in 0|1) exit $code ;; *) exit 125 ;; esac
"""


@dataclass(frozen=True)
class Bisected:
    """``runs`` between the two ends; ``seconds`` with the verification of both."""

    culprit: str | None
    runs: int
    seconds: float


def bisect(case: Case, python: Path, ini: Path) -> Bisected:
    """``git bisect run`` in a clone, with the same command in the same versions."""
    with _clone(case) as tree:
        script, count = tree.parent / "run.sh", tree.parent / "count"
        script.write_text(
            _SCRIPT.format(
                destination=shlex.quote(case.destination),
                reproducer=shlex.quote(str(case.reproducer)),
                command=quoted(case.command(python, ini)),
                count=shlex.quote(str(count)),
            )
        )
        script.chmod(0o755)
        started = time.monotonic()
        for version, expected in ((case.bad, 1), (case.good, 0)):
            _git(tree, "checkout", "-qf", version)
            found = subprocess.run([str(script)], cwd=tree, check=False).returncode
            if found != expected:
                raise RuntimeError(f"{case.name}: {version[:10]} exits with {found}, not with {expected}")
        _git(tree, "bisect", "start", case.bad, case.good)
        count.write_text("")
        _git(tree, "bisect", "run", str(script), check=False)
        seconds = time.monotonic() - started
        runs = count.read_text().count("run")
        found_sha = _git(tree, "rev-parse", "refs/bisect/bad")
    return Bisected(found_sha, runs, seconds)


def revert_conflicts(case: Case) -> tuple[str, ...]:
    """The paths in which ``git revert`` of the culprit conflicts at the bad version."""
    with _clone(case) as tree:
        _git(tree, "checkout", "-qf", case.bad)
        _git(tree, "revert", "--no-commit", case.culprit, check=False)
        return tuple(line for line in _git(tree, "diff", "--name-only", "--diff-filter=U").splitlines() if line)


@contextmanager
def _clone(case: Case) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        tree = Path(folder) / "tree"
        clone = ["git", "clone", "-q", "--shared", "--no-checkout", str(case.repository), str(tree)]
        subprocess.run(clone, check=True, stderr=subprocess.DEVNULL)
        yield tree


def _git(tree: Path, *arguments: str, check: bool = True) -> str:
    identity = {f"GIT_{who}_{what}": "bench@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(
        ["git", *arguments], cwd=tree, capture_output=True, text=True, check=check, env={**os.environ, **identity}
    )
    return done.stdout.strip()
