"""The tests that can notice the change, on the fix and on production's version."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

from hotfix.analysis.test_selection.budget import within_budget
from hotfix.analysis.test_selection.outcomes import Comparison, belongs, compare, merged
from hotfix.analysis.test_selection.select import ChangedPath, select_tests
from hotfix.analysis.test_selection.source_tree import SourceTree
from hotfix.analysis.test_selection.test_configuration import ConfigurationChange, configuration_changes
from hotfix.domain.diagnosis import Verdict
from hotfix.domain.document import Sha
from hotfix.domain.fix import Fix
from hotfix.domain.incident import Incident
from hotfix.domain.service import ServiceProfile
from hotfix.domain.testing import Outcome, SelectedTest, TestHistory, TestReport, TestRun
from hotfix.ports.artefacts import ArtefactStore
from hotfix.ports.bug_database import BugDatabase
from hotfix.ports.repository import Repository
from hotfix.ports.test_runner import TestRunner
from hotfix.steps.critical_tests_report import Findings, report_of
from hotfix.steps.production_settings import put_back, within_reach
from hotfix.steps.settled_run import settled_run

# A test that fails is tried this often in all before its failure counts.
TRIES = 3
# More failures than these are no chance, and trying them again would take the time that a person needs.
RETRIED = 40
# Seconds. Another Python process with its plugins takes about one to start, on a busy machine more.
QUICK = 5.0


def run_critical_tests(
    incident: Incident,
    profile: ServiceProfile,
    fix: Fix,
    *,
    repository: Repository,
    runner: TestRunner,
    bug_database: BugDatabase,
    artefacts: ArtefactStore,
    progress: Callable[[str], None],
) -> TestReport:
    """What the change broke, fixed, and what was broken before. Nothing run is never a pass."""
    repository.fetch()
    changes = changed_paths(repository, fix.base, fix.commit)
    history = bug_database.test_history(profile.name, tuple(change.path for change in changes))
    configuration = configuration_changes(changes)
    gate = _Gate(profile, runner, bug_database, progress)
    executed = runner.test_map(fix.base)
    if profile.tests.maps:
        progress("production's version has a test map" if executed else "production's version has no test map")
    with repository.checkout(fix.commit) as tree:
        functions = profile.commands.tests_with_pytest
        selection = select_tests(
            SourceTree(tree), changes, profile.tests, functions=functions, history=history, executed=executed
        )
        chosen, left_out = within_budget(selection.tests, history, profile.tests.budget)
        progress(f"{len(chosen)} tests selected{f', {len(left_out)} left out for time' if left_out else ''}")
        gate.parallel = profile.tests.parallel and not _quick(chosen, history)
        configuration = within_reach(tree, configuration)
        put_back(tree, [change for change in configuration if not change.is_code])
        reproducer = gate.reproduce(tree, fix.commit) if incident.has_reproducer else ""
        on_fix, unfinished = gate.run(tree, chosen)
    progress(f"on the fix: {_counts(on_fix)}")
    if on_fix.remark:
        progress(on_fix.remark)
    silent = _silent(chosen, unfinished, on_fix)
    with repository.checkout(fix.base) as tree:
        there = _present(SourceTree(tree), chosen)
        on_production = gate.run_production(tree, fix.base, there)
        progress(f"on production's version: {_counts(on_production)}")
        comparison = compare(on_fix, on_production)
        flaky = {*on_fix.flaky, *on_production.flaky} | gate.flaky(tree, there, comparison.fixed)
    with repository.checkout(fix.commit) as tree:
        put_back(tree, [change for change in configuration if not change.is_code])
        flaky |= gate.flaky(tree, chosen, [case.id for case in comparison.without(flaky).broken])
        conftests = [change for change in configuration if change.is_code]
        with_old = gate.with_old_conftests(tree, conftests, chosen) if conftests else None
    comparison = comparison.without(flaky)
    _remember(bug_database, incident, changes, chosen, on_fix, comparison)
    return report_of(
        Findings(selection, chosen, (*unfinished, *left_out), silent, configuration, reproducer, on_fix, on_production,
                 comparison, tuple(sorted(flaky)), with_old),
        profile,
        artefacts,
    )  # fmt: skip


def changed_paths(repository: Repository, base: Sha, head: Sha) -> tuple[ChangedPath, ...]:
    """What differs between two commits, with both texts."""
    return tuple(
        ChangedPath(change.path, repository.read_file(base, change.path), repository.read_file(head, change.path))
        for change in repository.changes(base, head)
    )


class _Gate:
    """Runs of one gate; what they take together is held against the budget."""

    def __init__(
        self, profile: ServiceProfile, runner: TestRunner, bug_database: BugDatabase, progress: Callable[[str], None]
    ) -> None:
        self._profile = profile
        self._runner = runner
        self._bug_database = bug_database
        self._progress = progress
        self.parallel = profile.tests.parallel

    def reproduce(self, tree: Path, sha: Sha) -> str:
        """``passed``, ``failed``, ``flaky`` or ``not run``. Passing once is no proof: it must pass every time."""
        verdicts = []
        for _ in range(TRIES):
            verdicts.append(self._runner.reproduce(tree, sha).verdict)
            if verdicts[-1] is Verdict.UNTESTABLE:
                return "not run"
        good = verdicts.count(Verdict.GOOD)
        said = "passed" if good == TRIES else "failed" if good == 0 else "flaky"
        self._progress(f"reproducer: {said} ({good} of {TRIES} runs pass)")
        return said

    def run(self, tree: Path, chosen: Sequence[SelectedTest]) -> tuple[TestRun, tuple[SelectedTest, ...]]:
        """The critical tests, then the others in what time is left; and those for which there was none."""
        critical = tuple(test for test in chosen if test.critical)
        others = tuple(test for test in chosen if not test.critical)
        runs = [self._once(tree, critical)] if critical else []
        left = self._profile.tests.budget - sum(run.seconds for run in runs)
        if others and left < 1:
            return merged(runs), others
        if others:
            runs.append(self._once(tree, others, left))
        return merged(runs) if runs else _nothing(), ()

    def run_production(self, tree: Path, version: Sha, chosen: Sequence[SelectedTest]) -> TestRun:
        """The same on production's version, which another attempt may have run already."""
        if not chosen:
            return _nothing()
        names = "\0".join(sorted(test.path for test in chosen))
        commands = self._profile.commands.model_dump_json()
        key = sha256(f"{commands}\0{names}".encode("utf-8", "surrogatepass")).hexdigest()
        if known := self._bug_database.test_baseline(self._profile.name, version, key):
            self._progress("production's version was run with these tests before")
            return known
        run, unfinished = self.run(tree, chosen)
        if not run.problem and not unfinished:
            self._bug_database.keep_test_baseline(self._profile.name, version, key, run)
        return run

    def flaky(self, tree: Path, chosen: Sequence[SelectedTest], failing: Sequence[str]) -> set[str]:
        """Those of ``failing`` that pass when they are run again, one process, nothing beside them."""
        if not failing or len(failing) > RETRIED:
            return set()
        again = tuple(test for test in chosen if any(belongs(case, test.path) for case in failing)) or tuple(chosen)
        found: set[str] = set()
        for _ in range(TRIES - 1):
            run = self._runner.rerun(tree, tuple(test.path for test in again), tuple(failing))
            found |= {case.id for case in run.with_outcome(Outcome.PASSED)} & set(failing)
        return found

    def with_old_conftests(
        self, tree: Path, changes: Sequence[ConfigurationChange], chosen: Sequence[SelectedTest]
    ) -> TestRun:
        put_back(tree, changes)
        self._progress("once more with production's conftest.py")
        return self.run(tree, _present(SourceTree(tree), chosen))[0]

    def _once(self, tree: Path, chosen: Sequence[SelectedTest], seconds: float | None = None) -> TestRun:
        names = tuple(test.path for test in chosen)
        most = self._profile.tests.time_limit
        limit = most if seconds is None else max(1, int(min(seconds, most)))
        if self.parallel:
            return settled_run(self._runner, tree, names, limit, self._progress)
        return self._runner.run(tree, names, time_limit=limit)


def _quick(chosen: Sequence[SelectedTest], history: TestHistory) -> bool:
    """Whether they are known to end before further processes would have started."""
    known = [history.seconds.get(test.path) for test in chosen]
    return None not in known and sum(seconds or 0 for seconds in known) < QUICK


def _silent(
    chosen: Sequence[SelectedTest], unfinished: Sequence[SelectedTest], run: TestRun
) -> tuple[SelectedTest, ...]:
    """Selected tests that were to run and of which the report holds nothing, where its names can be told apart."""
    asked = [test for test in chosen if test not in unfinished]
    silent = tuple(test for test in asked if not any(belongs(case.id, test.path) for case in run.cases))
    return silent if len(silent) < len(asked) else ()


def _present(tree: SourceTree, chosen: Sequence[SelectedTest]) -> tuple[SelectedTest, ...]:
    """The tests that a version has; of a function that is new, nothing is asked of the old one."""
    return tuple(test for test in chosen if tree.has_test(test.path))


def _remember(
    bug_database: BugDatabase,
    incident: Incident,
    changes: Sequence[ChangedPath],
    chosen: Sequence[SelectedTest],
    run: TestRun,
    comparison: Comparison,
) -> None:
    """For the next change of the same files, and for the order of the next run."""
    seconds: dict[str, float] = {}
    failed: set[str] = set()
    broken: set[str] = set()
    for test in chosen:
        cases = [case for case in run.cases if belongs(case.id, test.path)]
        if cases:
            seconds[test.path] = round(sum(case.seconds for case in cases), 3)
        if any(case.outcome in (Outcome.FAILED, Outcome.ERROR) for case in cases):
            failed.add(test.path)
        if any(belongs(case.id, test.path) for case in comparison.broken):
            broken.add(test.path)
    bug_database.remember_tests(
        incident, tuple(change.path for change in changes), tuple(sorted(broken)), seconds, frozenset(failed)
    )


def _nothing() -> TestRun:
    return TestRun(cases=(), exit_code=None, seconds=0, output="", problem="no test was selected")


def _counts(run: TestRun) -> str:
    return run.problem or ", ".join(
        f"{len(run.with_outcome(outcome))} {outcome.value}" for outcome in Outcome if run.with_outcome(outcome)
    )
