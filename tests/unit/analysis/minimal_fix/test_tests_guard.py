"""A test that passes on production's version and not with a change is broken, whatever it is called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from hotfix.analysis.minimal_fix.tests_guard import AffectedTests
from hotfix.domain.testing import Outcome, TestCase, TestRun
from hotfix.ports.repository import Repository

PRODUCTION, CHANGE = "a" * 40, "b" * 40
PASSED, FAILED, SKIPPED = Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED


def broken(folder: Path, before: dict[str, Outcome], after: dict[str, Outcome]) -> tuple[str, ...]:
    (folder / "test_a.py").touch()

    class Checkouts:
        @contextmanager
        def checkout(self, sha: str) -> Iterator[Path]:
            runs.append(before if sha == PRODUCTION else after)
            yield folder

    def run(_: Path, __: tuple[str, ...]) -> TestRun:
        cases = tuple(TestCase(id=name, outcome=outcome, seconds=0) for name, outcome in runs[-1].items())
        return TestRun(cases=cases, exit_code=0, seconds=0, output="")

    runs: list[dict[str, Any]] = []
    guard = AffectedTests(cast(Repository, Checkouts()), PRODUCTION, (), lambda *_: ("test_a.py",), run)
    assert guard.prepare() == ""
    return guard.broken(CHANGE).tests


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"t.x": PASSED}, {"t.x": FAILED}, ("t.x",)),
        ({"t.x": PASSED, "t.y": PASSED}, {"t.y": PASSED}, ("t.x",)),
        ({"t.x": PASSED}, {"t.x": SKIPPED}, ()),
        ({"t.x[05:59]": PASSED}, {"t.x[06:00]": PASSED}, ()),
        ({"t.x[05:59]": PASSED}, {"t.x[06:00]": FAILED}, ("t.x[05:59]",)),
        ({"t.x[1]": PASSED, "t.x[2]": PASSED}, {"t.x[3]": PASSED}, ("t.x[2]",)),
        ({"t.x[1]": PASSED}, {"t.y[2]": PASSED}, ("t.x[1]",)),
        # Another parameter that passes now makes up for nothing.
        ({"t.x[1]": PASSED, "t.x[2]": FAILED}, {"t.x[1]": FAILED, "t.x[2]": PASSED}, ("t.x[1]",)),
        ({"t.x[1]": PASSED}, {"t.x[1]": FAILED, "t.x[3]": PASSED}, ("t.x[1]",)),
        ({"t.x[1]": PASSED, "t.x[2]": FAILED}, {"t.x[2]": PASSED}, ("t.x[1]",)),
    ],
)
def test_what_counts_as_broken(
    tmp_path: Path, before: dict[str, Outcome], after: dict[str, Outcome], expected: tuple[str, ...]
) -> None:
    assert broken(tmp_path, before, after) == expected
