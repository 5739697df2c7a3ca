"""Why a run did not fix the problem, in one sentence, from the record."""

from __future__ import annotations

from hotfix.domain.approval import ApprovalDecision
from hotfix.domain.security import SecurityVerdict
from hotfix.domain.stability import StabilityVerdict
from hotfix.domain.testing import TestVerdict
from hotfix.steps.record import Record

# The words with which the ledger notes how a step ended.
STARTED, FINISHED, FAILED = "started", "finished", "failed: "
# The key of the line with which another run takes over what a dead one has left.
TAKEN_OVER = "hotfix_compliance/taken_over"
# And that people could not be shown something.
NOT_TOLD = "not told: "
# What the ledger notes about telling people; it is no step.
CHAT = "chat"

# Steps that run because something went wrong, or that are running while somebody asks.
_RECOVERY = {
    "roll_back_deployment",
    "roll_back_fix",
    "verify_rollback",
    "document_rollback",
    "another_candidate",
    "try_next_candidate",
    "escalate",
    "hotfix_outcome",
    "write_post_mortem",
    "update_bug_database",
    "open_follow_up_pr",
    "incident_response",
    "hotfix_compliance",
    CHAT,
}


def what_went_wrong(record: Record) -> str:
    """The first thing that stopped the run; empty when nothing did."""
    stability, approval = record.stability, record.approval
    if stability and stability.verdict is not StabilityVerdict.STABLE:
        return f"production was not stable after the deployment ({stability.verdict.value}): {stability.why}"
    if approval and approval.decision is not ApprovalDecision.APPROVED:
        return f"not approved: {approval.why}"
    if record.security and record.security.verdict in (SecurityVerdict.BLOCK, SecurityVerdict.INCONCLUSIVE):
        return f"the security review does not let it through: {record.security.why}"
    if record.tests and record.tests.verdict is not TestVerdict.PASSED:
        return f"the critical tests do not let it through: {record.tests.why}"
    finished = {event.step for event in record.timeline if event.what.startswith(FINISHED)}
    failures = [event for event in record.timeline if event.what.startswith(FAILED) and event.step not in finished]
    if failures:
        return f"{failures[0].step} {failures[0].what}"
    stuck = [event for event in record.timeline if event.step not in (finished | _RECOVERY)]
    if stuck:
        return f"{stuck[-1].step} did not finish: its worker died, or its time was over"
    return next((event.what for event in record.timeline if event.key == TAKEN_OVER), "")
