"""What a hotfix leaves open for the proper fix."""

from __future__ import annotations

from hotfix.domain.diagnosis import Diagnosis
from hotfix.domain.fix import Candidate, CandidateKind


def open_ends_of(candidate: Candidate, diagnosis: Diagnosis) -> tuple[str, ...]:
    """In the order of their weight."""
    open_ends = []
    if candidate.kind is CandidateKind.REVERT and diagnosis.culprit:
        subject = diagnosis.culprit.subject
        open_ends.append(f"“{subject}” was taken back as a whole: bring its good part in again, without the failure")
    else:
        open_ends.append("review the operator's fix and decide whether it is the proper one")
    if diagnosis.culprit and not diagnosis.proved:
        open_ends.append("prove the culprit: it was ranked, not shown by a reproducer")
    open_ends.append("add the reproducer to the service's tests, so that the failure cannot come back unseen")
    return tuple(open_ends)
