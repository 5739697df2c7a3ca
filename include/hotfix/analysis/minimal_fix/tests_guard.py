"""How many affected tests a change breaks, compared with production's version."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from hotfix.domain.document import Sha
from hotfix.domain.testing import Outcome, TestRun
from hotfix.ports.repository import Repository

Select = Callable[[Path, Sequence[str]], Sequence[str]]
RunTests = Callable[[Path, tuple[str, ...]], TestRun]


@dataclass(frozen=True)
class Broken:
    """Ids of tests that pass on production's version and not with a change. ``problem``: it cannot be told."""

    tests: tuple[str, ...]
    problem: str = ""


@dataclass
class AffectedTests:
    """The tests that ``changed`` files of ``production`` affect. One run each version; ``runs`` counts them.

    ``select`` names the affected test files of a checkout, ``run`` runs some of them there.
    """

    repository: Repository
    production: Sha
    changed: Sequence[str]
    select: Select
    run: RunTests
    runs: int = 0
    _passing: frozenset[str] | None = None
    _reported: frozenset[str] = frozenset()
    _selected: tuple[str, ...] = ()
    _known: dict[Sha, Broken] = field(default_factory=dict)
    problem: str = ""

    def prepare(self) -> str:
        """Run them on production's version. The result says why they cannot judge a change; empty when they can."""
        if self._passing is None and not self.problem:
            with self.repository.checkout(self.production) as tree:
                self._selected = tuple(self.select(tree, self.changed))
                if not self._selected:
                    self.problem = "no test is affected by the change"
                    return self.problem
                self.runs += 1
                done = self.run(tree, self._selected)
            self._reported = frozenset(case.id for case in done.cases)
            self._passing = frozenset(case.id for case in done.with_outcome(Outcome.PASSED))
            if not self._passing:
                self.problem = f"no affected test passes on production's version ({done.problem or 'all fail'})"
        return self.problem

    def broken(self, sha: Sha) -> Broken:
        """Of the tests that pass on production's version, those that do not with ``sha``; a missing one counts."""
        if sha not in self._known:
            self._known[sha] = self._broken(sha)
        return self._known[sha]

    def _broken(self, sha: Sha) -> Broken:
        assert self._passing is not None
        with self.repository.checkout(sha) as tree:
            there = tuple(path for path in self._selected if (tree / path.split("::")[0]).exists())
            # Tests whose file the change takes away are not broken by it.
            gone = tuple(path for path in self._selected if path not in there)
            self.runs += 1
            done = self.run(tree, there) if there else None
        if done is None:
            return Broken((), "")
        passed = {case.id for case in done.with_outcome(Outcome.PASSED)}
        skipped = {case.id for case in done.with_outcome(Outcome.SKIPPED)}
        lost = self._passing - passed - skipped
        there_now = {case.id for case in done.cases}
        lost -= _under_other_names(lost - there_now, (passed | skipped) - self._reported)
        kept = tuple(sorted(test for test in lost if not any(_in_file(test, path) for path in gone)))
        return Broken(kept, done.problem if not passed else "")


def _under_other_names(lost: Set[str], new: Set[str]) -> set[str]:
    """Those of ``lost`` for which one of ``new`` stands: parameters may be called by the time of day, or an address.

    ``lost`` ids are not reported any more, ``new`` ones were not before.
    """
    there = Counter(_function(test) for test in new if "[" in test)
    found = set()
    for test in sorted(test for test in lost if "[" in test):
        if there[_function(test)]:
            there[_function(test)] -= 1
            found.add(test)
    return found


def _function(test: str) -> str:
    return test.split("[", 1)[0]


def _in_file(test: str, path: str) -> bool:
    file = path.split("::")[0]
    return test.startswith((f"{file}::", f"{file.removesuffix('.py').replace('/', '.')}."))
