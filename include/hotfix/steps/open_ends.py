"""What a hotfix leaves open for the proper fix."""

from __future__ import annotations

from collections.abc import Sequence

from hotfix.domain.diagnosis import Diagnosis
from hotfix.domain.fix import Candidate, CandidateKind
from hotfix.domain.testing import TestReport

NAMED = 5


def open_ends_of(candidate: Candidate, diagnosis: Diagnosis) -> tuple[str, ...]:
    """In the order of their weight."""
    open_ends = []
    subject = diagnosis.culprit.subject if diagnosis.culprit else ""
    if candidate.kind is CandidateKind.REVERT and diagnosis.culprit:
        open_ends.append(f"“{subject}” was taken back as a whole: bring its good part in again, without the failure")
    elif candidate.kind is CandidateKind.MINIMAL_REVERT:
        reverted = _listed(candidate.reverted)
        open_ends.append(f"of “{subject}” this was taken back: {reverted}; bring it in again, without the failure")
        if candidate.stays:
            open_ends.append(f"of “{subject}” this stays: {_listed(candidate.stays)}; see that it is of use on its own")
        if candidate.breaks:
            open_ends.append(f"the fix breaks {_listed(candidate.breaks)}: say whether that behaviour may go")
    elif candidate.kind is CandidateKind.MODEL_PATCH:
        open_ends.append("a language model wrote this fix: review it and decide whether it is the proper one")
    else:
        open_ends.append("review the operator's fix and decide whether it is the proper one")
    if diagnosis.culprit and not diagnosis.proved:
        open_ends.append("prove the culprit: it was ranked, not shown by a reproducer")
    open_ends.append("add the reproducer to the service's tests, so that the failure cannot come back unseen")
    return tuple(open_ends)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"


def untested(tests: TestReport | None) -> tuple[str, ...]:
    """What the gate of the tests left open."""
    if tests is None:
        return ()
    return (
        *(f"run {name}: the gate had no time for it" for name in tests.not_run),
        *(f"run {name}: the gate selected it and it gave no result" for name in tests.no_result),
        *(f"mend the flaky test {name}" for name in tests.flaky),
        *(f"mend {name}, which fails beside other tests and passes alone" for name in tests.only_in_parallel),
        *(f"mend {name}, which failed before the hotfix too" for name in tests.already_broken),
    )
