"""Two runs of the same tests beside each other."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from hotfix.analysis.test_selection.junit_document import one_document
from hotfix.domain.testing import Outcome, TestCase, TestRun

BAD = (Outcome.FAILED, Outcome.ERROR)


@dataclass(frozen=True)
class Comparison:
    """Ids of tests that the change fixed, cases that it broke, ids that fail with and without it."""

    fixed: tuple[str, ...]
    broken: tuple[TestCase, ...]
    already_broken: tuple[str, ...]

    def without(self, flaky: Collection[str]) -> Comparison:
        return Comparison(
            tuple(name for name in self.fixed if name not in flaky),
            tuple(case for case in self.broken if case.id not in flaky),
            self.already_broken,
        )


def compare(on_fix: TestRun, on_production: TestRun) -> Comparison:
    """A run on production's version that cannot be trusted excuses nothing."""
    before = {} if on_production.problem else {case.id: case.outcome for case in on_production.cases}
    failed = on_fix.with_outcome(*BAD)
    return Comparison(
        fixed=tuple(case.id for case in on_fix.with_outcome(Outcome.PASSED) if before.get(case.id) in BAD),
        broken=tuple(case for case in failed if before.get(case.id) not in BAD),
        already_broken=tuple(case.id for case in failed if before.get(case.id) in BAD),
    )


def merged(runs: Sequence[TestRun]) -> TestRun:
    """Several runs on one version as one; a doubt about one is a doubt about all."""
    if len(runs) == 1:
        return runs[0]
    worst: dict[str, TestCase] = {}
    for run in runs:
        for case in run.cases:
            if case.id not in worst or case.outcome in BAD:
                worst[case.id] = case
    codes = [run.exit_code for run in runs]
    return TestRun(
        cases=tuple(worst.values()),
        exit_code=None if None in codes else max((code for code in codes if code is not None), default=None),
        seconds=sum(run.seconds for run in runs),
        output="\n".join(run.output for run in runs),
        problem="; ".join(run.problem for run in runs if run.problem),
        junit=one_document([run.junit for run in runs if run.junit]),
        parallel=any(run.parallel for run in runs),
        remark=next((run.remark for run in runs if run.remark), ""),
        only_in_parallel=tuple(name for run in runs for name in run.only_in_parallel),
        flaky=tuple(name for run in runs for name in run.flaky),
    )


def belongs(case: str, test: str) -> bool:
    """Whether a test case is part of a selected file, folder, class or function.

    JUnit names it by its path (``path::Class::name[parameters]``), or by dots and without a suffix.
    """
    plain, test = case.split("[", 1)[0], test.rstrip("/")
    if plain == test or plain.startswith((f"{test}::", f"{test}/")):
        return True
    path, *inner = test.split("::")
    dotted = ".".join([*PurePosixPath(path).with_suffix("").parts, *inner])
    return plain == dotted or plain.startswith(f"{dotted}.")
