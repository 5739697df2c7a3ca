"""What runs of the critical tests on both versions amount to."""

from __future__ import annotations

import json
from dataclasses import dataclass

from hotfix.analysis.test_selection.outcomes import Comparison, belongs
from hotfix.analysis.test_selection.select import Selection
from hotfix.analysis.test_selection.test_configuration import ConfigurationChange
from hotfix.domain.document import XCOM_LIMIT_BYTES
from hotfix.domain.service import ServiceProfile
from hotfix.domain.testing import Outcome, SelectedTest, TestReport, TestRun, TestVerdict
from hotfix.ports.artefacts import ArtefactStore

LISTED = 20


@dataclass(frozen=True)
class Findings:
    """All that a run of the gate came to know; ``silent`` tests were to run, and no result tells of them."""

    selection: Selection
    chosen: tuple[SelectedTest, ...]
    not_run: tuple[SelectedTest, ...]
    silent: tuple[SelectedTest, ...]
    configuration: tuple[ConfigurationChange, ...]
    reproducer: str
    on_fix: TestRun
    on_production: TestRun
    comparison: Comparison
    flaky: tuple[str, ...]
    with_old_conftests: TestRun | None


def report_of(found: Findings, profile: ServiceProfile, artefacts: ArtefactStore) -> TestReport:
    """The document of the gate; everything is in the artefacts, the lists of the document are cut."""
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
        no_result=tuple(test.path for test in found.silent[:LISTED]),
        widened=found.selection.widened[:LISTED],
        configuration=tuple(_said(change) for change in found.configuration[:LISTED]),
        reproducer=found.reproducer,
        junit=junit,
        only_in_parallel=_only_in_parallel(found)[:LISTED],
        remarks=tuple(dict.fromkeys(run.remark for run in (found.on_fix, found.on_production) if run.remark)),
    )
    return _within_limit(report)


def _only_in_parallel(found: Findings) -> tuple[str, ...]:
    """On either version."""
    return tuple(dict.fromkeys((*found.on_fix.only_in_parallel, *found.on_production.only_in_parallel)))


def _verdict(found: Findings, profile: ServiceProfile, passed: int) -> tuple[TestVerdict, str]:
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
        *([f"{parallel} fail only beside other tests"] if (parallel := len(_only_in_parallel(found))) else []),
        *([f"{len(found.not_run)} were left out for time"] if found.not_run else []),
        *([f"of {len(found.silent)} there is no result"] if found.silent else []),
        *([f"{len(found.configuration)} changes of the tests' settings"] if found.configuration else []),
    ]
    return TestVerdict.PASSED, ", ".join([f"{passed} passed, none broken by the change", *notes])


def _doubts(found: Findings, profile: ServiceProfile, passed: int) -> list[str]:
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


def _unshown(found: Findings) -> list[str]:
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
        lists = (
            *("selected", "broken", "fixed", "already_broken", "flaky", "only_in_parallel", "not_run", "no_result"),
            *("widened", "configuration"),
        )
        sizes = {name: len(str(getattr(report, name))) for name in lists}
        longest = max(lists, key=lambda name: sizes[name])
        report = report.model_copy(update={longest: getattr(report, longest)[:-1]})
    return report


def _details(found: Findings) -> str:
    return json.dumps(
        {
            "selected": [test.model_dump(mode="json") for test in found.chosen],
            "not_run": [test.model_dump(mode="json") for test in found.not_run],
            "no_result": [test.model_dump(mode="json") for test in found.silent],
            "widened": list(found.selection.widened),
            "flaky": list(found.flaky),
            "reproducer": found.reproducer,
            "fix": found.on_fix.model_dump(mode="json", exclude={"junit"}),
            "production": found.on_production.model_dump(mode="json", exclude={"junit"}),
        },
        indent=1,
    )
