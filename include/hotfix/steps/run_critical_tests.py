"""The tests that can notice the change, on the fix and on production's version."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from hotfix.analysis.test_selection.budget import within_budget
from hotfix.analysis.test_selection.outcomes import Comparison, belongs, compare, merged
from hotfix.analysis.test_selection.select import ChangedPath, Selection, select_tests
from hotfix.analysis.test_selection.source_tree import SourceTree
from hotfix.analysis.test_selection.test_configuration import ConfigurationChange, configuration_changes
from hotfix.domain.diagnosis import Verdict
from hotfix.domain.document import XCOM_LIMIT_BYTES, Sha
from hotfix.domain.fix import Fix
from hotfix.domain.incident import Incident
from hotfix.domain.service import ServiceProfile
from hotfix.domain.testing import Outcome, SelectedTest, TestReport, TestRun, TestVerdict
from hotfix.ports.artefacts import ArtefactStore
from hotfix.ports.bug_database import BugDatabase
from hotfix.ports.repository import Repository
from hotfix.ports.test_runner import TestRunner
from hotfix.steps.production_settings import put_back, within_reach

LISTED = 20
# A test that fails is tried this often in all before its failure counts.
TRIES = 3
# More failures than these are no chance, and trying them again would take the time that a person needs.
RETRIED = 40


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
        configuration = within_reach(tree, configuration)
        put_back(tree, [change for change in configuration if not change.is_code])
        reproducer = gate.reproduce(tree, fix.commit) if incident.has_reproducer else ""
        on_fix, unfinished = gate.run(tree, chosen)
    progress(f"on the fix: {_counts(on_fix)}")
    with repository.checkout(fix.base) as tree:
        there = _present(SourceTree(tree), chosen)
        on_production = gate.run_production(tree, fix.base, there)
        progress(f"on production's version: {_counts(on_production)}")
        comparison = compare(on_fix, on_production)
        flaky = gate.flaky(tree, there, comparison.fixed)
    with repository.checkout(fix.commit) as tree:
        put_back(tree, [change for change in configuration if not change.is_code])
        flaky |= gate.flaky(tree, chosen, [case.id for case in comparison.broken])
        conftests = [change for change in configuration if change.is_code]
        with_old = gate.with_old_conftests(tree, conftests, chosen) if conftests else None
    comparison = comparison.without(flaky)
    _remember(bug_database, incident, changes, chosen, on_fix, comparison)
    return _report(
        _Findings(selection, chosen, (*unfinished, *left_out), configuration, reproducer, on_fix, on_production,
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


@dataclass(frozen=True)
class _Findings:
    selection: Selection
    chosen: tuple[SelectedTest, ...]
    not_run: tuple[SelectedTest, ...]
    configuration: tuple[ConfigurationChange, ...]
    reproducer: str
    on_fix: TestRun
    on_production: TestRun
    comparison: Comparison
    flaky: tuple[str, ...]
    with_old_conftests: TestRun | None


class _Gate:
    """Runs of one gate; what they take together is held against the budget."""

    def __init__(
        self, profile: ServiceProfile, runner: TestRunner, bug_database: BugDatabase, progress: Callable[[str], None]
    ) -> None:
        self._profile = profile
        self._runner = runner
        self._bug_database = bug_database
        self._progress = progress

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
            run = self._once(tree, again, parallel=False)
            found |= {case.id for case in run.with_outcome(Outcome.PASSED)} & set(failing)
        return found

    def with_old_conftests(
        self, tree: Path, changes: Sequence[ConfigurationChange], chosen: Sequence[SelectedTest]
    ) -> TestRun:
        put_back(tree, changes)
        self._progress("once more with production's conftest.py")
        return self.run(tree, _present(SourceTree(tree), chosen))[0]

    def _once(
        self, tree: Path, chosen: Sequence[SelectedTest], seconds: float | None = None, parallel: bool = True
    ) -> TestRun:
        names = tuple(test.path for test in chosen)
        limit = None if seconds is None else max(1, int(min(seconds, self._profile.tests.time_limit)))
        return self._runner.run(tree, names, time_limit=limit, parallel=parallel and self._profile.tests.parallel)


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


def _report(found: _Findings, profile: ServiceProfile, artefacts: ArtefactStore) -> TestReport:
    passed = tuple(case for case in found.on_fix.with_outcome(Outcome.PASSED) if case.id not in found.flaky)
    verdict, why = _verdict(found, profile, len(passed))
    junit = tuple(
        artefacts.put(name, run.junit)
        for name, run in (("junit-fix.xml", found.on_fix), ("junit-production.xml", found.on_production))
        if run.junit
    )
    report = TestReport(
        verdict=verdict,
        why=why,
        selected=found.chosen[:LISTED],
        ran=len(found.on_fix.cases),
        passed=len(passed),
        skipped=len(found.on_fix.with_outcome(Outcome.SKIPPED)),
        fixed=found.comparison.fixed[:LISTED],
        broken=found.comparison.broken[:LISTED],
        already_broken=found.comparison.already_broken[:LISTED],
        seconds=round(found.on_fix.seconds + found.on_production.seconds, 1),
        output=artefacts.put("tests.json", _details(found)),
        flaky=found.flaky[:LISTED],
        not_run=tuple(test.path for test in found.not_run[:LISTED]),
        not_run_total=len(found.not_run),
        widened=found.selection.widened[:LISTED],
        configuration=tuple(_said(change) for change in found.configuration[:LISTED]),
        reproducer=found.reproducer,
        junit=junit,
    )
    return _within_limit(report)


def _verdict(found: _Findings, profile: ServiceProfile, passed: int) -> tuple[TestVerdict, str]:
    broken = found.comparison.broken
    if broken:
        names = ", ".join(case.id for case in broken[:5])
        return TestVerdict.FAILED, f"{_tests(len(broken))} broken by the change: {names}"[:1000]
    if found.reproducer == "failed":
        return TestVerdict.FAILED, "the reproducer fails on the fix"
    if doubts := _doubts(found, profile, passed):
        return TestVerdict.INCONCLUSIVE, doubts[0][:1000]
    already, flaky = len(found.comparison.already_broken), len(found.flaky)
    notes = [
        *([f"{already} fail on production's version too"] if already else []),
        *([f"{flaky} are flaky"] if flaky else []),
        *([f"{len(found.not_run)} were left out for time"] if found.not_run else []),
        *([f"{len(found.configuration)} changes of the tests' settings"] if found.configuration else []),
    ]
    return TestVerdict.PASSED, "; ".join([f"{passed} passed, none broken by the change", *notes]).replace("; ", ", ")


def _doubts(found: _Findings, profile: ServiceProfile, passed: int) -> list[str]:
    """Why the run shows too little, the weightiest first."""
    run, missing = found.on_fix, found.selection.missing
    old = found.with_old_conftests
    doubts = [
        *([f"critical tests of the profile are not in the repository: {', '.join(missing)}"] if missing else []),
        *(change.problem for change in found.configuration if change.problem),
        *([f"the reproducer is {found.reproducer} on the fix"] if found.reproducer not in ("", "passed") else []),
        *([run.problem] if run.problem else []),
        *(["no test passed: nothing was shown"] if not passed else []),
    ]
    if passed and not run.problem:
        doubts += [f"the critical test {name} did not pass anything" for name in _unshown(found)]
    if old is not None:
        without = {case.id for case in old.with_outcome(Outcome.PASSED)}
        only = [c.id for c in run.with_outcome(Outcome.PASSED) if c.id not in without and c.id not in found.flaky]
        if old.problem or only:
            what = old.problem or f"with production's conftest.py these do not pass: {', '.join(only[:5])}"
            doubts.append(f"the change edits conftest.py: {what}")
    return doubts


def _unshown(found: _Findings) -> list[str]:
    """Critical tests of which nothing passed, as far as the report's names can be told apart."""
    critical = [test.path for test in found.chosen if test.critical]
    cases = {name: [case for case in found.on_fix.cases if belongs(case.id, name)] for name in critical}
    if not any(cases.values()):
        return []
    return [
        name
        for name, own in cases.items()
        if not any(case.outcome is Outcome.PASSED and case.id not in found.flaky for case in own)
        # What production has broken too is excused, as everywhere.
        and not (own and all(case.id in found.comparison.already_broken for case in own))
    ]


def _said(change: ConfigurationChange) -> str:
    if change.problem:
        return change.problem
    done = "run with the change's and with production's" if change.is_code else "production's settings were used"
    return f"{change.path} decides how tests run: {done}"


def _tests(count: int) -> str:
    return f"{count} test{'' if count == 1 else 's'} {'is' if count == 1 else 'are'}"


def _within_limit(report: TestReport) -> TestReport:
    """Shorten the longest list until the document may travel; the artefact keeps everything."""
    while len(report.model_dump_json().encode()) > XCOM_LIMIT_BYTES - 1024:
        lists = ("selected", "broken", "fixed", "already_broken", "flaky", "not_run", "widened", "configuration")
        sizes = {name: len(str(getattr(report, name))) for name in lists}
        longest = max(lists, key=lambda name: sizes[name])
        report = report.model_copy(update={longest: getattr(report, longest)[:-1]})
    return report


def _nothing() -> TestRun:
    return TestRun(cases=(), exit_code=None, seconds=0, output="", problem="no test was selected")


def _counts(run: TestRun) -> str:
    return run.problem or ", ".join(
        f"{len(run.with_outcome(outcome))} {outcome.value}" for outcome in Outcome if run.with_outcome(outcome)
    )


def _details(found: _Findings) -> str:
    return json.dumps(
        {
            "selected": [test.model_dump(mode="json") for test in found.chosen],
            "not_run": [test.model_dump(mode="json") for test in found.not_run],
            "widened": list(found.selection.widened),
            "flaky": list(found.flaky),
            "reproducer": found.reproducer,
            "fix": found.on_fix.model_dump(mode="json", exclude={"junit"}),
            "production": found.on_production.model_dump(mode="json", exclude={"junit"}),
        },
        indent=1,
    )
