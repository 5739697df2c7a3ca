"""The last word on a run: five success criteria, the final state in the ledger, the lock given back."""

from __future__ import annotations

from hotfix.domain.approval import ApprovalDecision
from hotfix.domain.assessment import Decision
from hotfix.domain.document import Sha
from hotfix.domain.effect import EffectKind, EffectState
from hotfix.domain.incident import Incident
from hotfix.domain.outcome import CriterionCheck, Ending, RunOutcome
from hotfix.domain.run_state import Untold
from hotfix.domain.security import SecurityVerdict
from hotfix.domain.stability import StabilityVerdict
from hotfix.domain.testing import TestVerdict
from hotfix.ports.bug_database import BugDatabase, IncidentStatus
from hotfix.ports.clock import Clock
from hotfix.ports.repository import Repository
from hotfix.steps.open_incident import release_lock
from hotfix.steps.post_mortem_text import summary
from hotfix.steps.record import Record, read_record
from hotfix.steps.settle_effects import settle_effects
from hotfix.steps.update_bug_database import facts
from hotfix.steps.what_went_wrong import FINISHED, what_went_wrong

STATUS = {
    Ending.FIXED: IncidentStatus.RESOLVED,
    Ending.FIXED_RECORD_INCOMPLETE: IncidentStatus.RESOLVED,
    Ending.HANDED_OVER: IncidentStatus.HANDED_OVER,
    Ending.ROLLED_BACK: IncidentStatus.ROLLED_BACK,
    Ending.FAILED: IncidentStatus.FAILED,
}


def close_run(
    incident: Incident | None, *, repository: Repository | None, bug_database: BugDatabase, clock: Clock
) -> RunOutcome:
    """How the run ended. Without an incident it was never begun, and nothing was touched."""
    if incident is None or repository is None:
        return RunOutcome(
            ending=Ending.NOT_STARTED,
            summary="no incident was opened, nothing was touched: see the error of open_incident",
            criteria=(),
        )
    record = read_record(incident, bug_database)
    criteria = success_criteria(record)
    ending = _ending(record, criteria)
    bug_database.close_incident(incident, STATUS[ending], clock.now(), facts(record))
    release_lock(incident, repository)
    settle_effects(incident, live=_last_seen(record), repository=repository, bug_database=bug_database, clock=clock)
    return RunOutcome(
        ending=ending,
        summary=_summary(record, ending, criteria),
        criteria=criteria,
        not_told=_not_told(record, bug_database),
    )


def _not_told(record: Record, bug_database: BugDatabase) -> tuple[str, ...]:
    """What people could not be shown or asked, as of now; later announcements may make up for it."""
    untold = bug_database.find(record.incident, Untold)
    return (*(untold.problems if untold else ()), *(record.follow_up.remarks if record.follow_up else ()))


def taken_over_by_another_run(incident: Incident, bug_database: BugDatabase) -> bool:
    """Whether the next attempt, the incident response or the standard fix was started."""
    return any(
        effect.kind is EffectKind.START_RUN and effect.state is EffectState.DONE
        for effect in bug_database.effects(incident)
    )


def _last_seen(record: Record) -> Sha | None:
    """What production was last seen to run."""
    if record.rollback:
        return record.rollback.production
    return record.live.version if record.live else None


def was_cleared(record: Record) -> bool:
    """Whether exactly the commit that was deployed had passed every gate before production."""
    return _tested(record) and _secure(record) and _exact(record)


def _tested(record: Record) -> bool:
    return record.tests is not None and record.tests.verdict is TestVerdict.PASSED


def _secure(record: Record) -> bool:
    return record.security is not None and record.security.verdict in (SecurityVerdict.CLEAR, SecurityVerdict.CAUTION)


def _exact(record: Record) -> bool:
    approval, live = record.approval, record.live
    if approval is None or live is None:
        return False
    return approval.decision is ApprovalDecision.APPROVED and live.version == approval.commit


def success_criteria(record: Record) -> tuple[CriterionCheck, ...]:
    """The five conditions under which a hotfix was a success."""
    stability, approval, live = record.stability, record.approval, record.live
    stable = stability is not None and stability.verdict is StabilityVerdict.STABLE
    filed = record.post_mortem is not None and record.follow_up is not None
    return (
        CriterionCheck(
            name="the problem is gone and production is stable",
            holds=stable,
            detail=stability.why if stability else "production was not validated",
        ),
        CriterionCheck(
            name="the critical tests pass",
            holds=_tested(record),
            detail=record.tests.why if record.tests else "they did not run",
        ),
        CriterionCheck(
            name="the security review lets it through",
            holds=_secure(record),
            detail=record.security.why if record.security else "it did not run",
        ),
        CriterionCheck(
            name="production runs exactly the approved commit",
            holds=_exact(record),
            detail=f"{approval.why}; live: {live.version[:12] if live else 'not checked'}" if approval else "not asked",
        ),
        CriterionCheck(
            name="post-mortem, bug record and follow-up are filed",
            holds=filed,
            detail="all there" if filed else "something is missing: see the follow_up tasks",
        ),
    )


def _ending(record: Record, criteria: tuple[CriterionCheck, ...]) -> Ending:
    if all(check.holds for check in criteria):
        return Ending.FIXED
    if all(check.holds for check in criteria[:-1]):
        return Ending.FIXED_RECORD_INCOMPLETE
    if handed_over(record):
        return Ending.HANDED_OVER
    if record.assessment and record.rollback and record.rollback.verified:
        return Ending.ROLLED_BACK
    return Ending.FAILED


def handed_over(record: Record) -> bool:
    """Assessed as no emergency, and the run that takes over was really started."""
    standard = record.assessment is not None and record.assessment.decision is Decision.STANDARD
    return standard and any(
        event.step == "hand_over_to_standard_fix" and event.what.startswith(FINISHED) for event in record.timeline
    )


def _summary(record: Record, ending: Ending, criteria: tuple[CriterionCheck, ...]) -> str:
    if ending is Ending.HANDED_OVER and record.assessment:
        return f"{record.incident.id} was handed over to the standard bug fix: {record.assessment.why}"
    if record.assessment is None:
        return f"{record.incident.id} was not begun, nothing was touched: {what_went_wrong(record)}"
    if ending is Ending.FAILED:
        state = "" if record.rollback or record.fix is None else " and the rollback is not verified"
        return f"{record.incident.id} FAILED{state}: {what_went_wrong(record)}"
    if ending is Ending.FIXED_RECORD_INCOMPLETE:
        return f"{summary(record)}; but {criteria[-1].detail}"
    return summary(record)
