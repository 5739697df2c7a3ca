"""Before a run that died is rolled back: is the hotfix stable that it has left in production?"""

from __future__ import annotations

from dataclasses import replace

from hotfix.domain.errors import DeploymentFailed, HotfixError
from hotfix.domain.incident import Incident
from hotfix.domain.release import LiveCheck
from hotfix.domain.stability import NextLook, RecoveryWatch, StabilityReport
from hotfix.ports.bug_database import Event
from hotfix.steps.close_run import was_cleared
from hotfix.steps.monitor_deployment import monitor_deployment
from hotfix.steps.record import Record, read_record
from hotfix.steps.recover_run import RecoveryTools
from hotfix.steps.validate_production import validate_production
from hotfix.steps.what_went_wrong import FINISHED

# With any of these somebody has decided already.
_ROLLBACK = {"roll_back_deployment", "roll_back_fix", "verify_rollback"}
JUDGED = "judged by hotfix_compliance, since the run had died"


def judge_dead_run(incident: Incident, tools: RecoveryTools) -> StabilityReport | NextLook | None:
    """One look, by the judge of ``validate_production``, or when to look again; the verdict goes into the ledger.

    None where nothing is to be judged: it was judged, nothing was deployed, it was on its way back, not everything was
    cleared before production, or production runs something else by now.

    Raises:
        HotfixError: something did not answer; the same call may succeed a moment later.
    """
    record = read_record(incident, tools.bug_database)
    if record.deployment is None or record.stability is not None:
        return None
    if any(event.step in _ROLLBACK for event in record.timeline):
        return None
    live = _live(record, tools)
    if isinstance(live, str):
        _note(incident, tools, "hotfix_compliance", f"production is not judged: {live}")
        return None
    found = validate_production(
        incident,
        tools.profile,
        record.deployment,
        live,
        monitoring=tools.monitoring,
        artefacts=tools.artefacts,
        bug_database=tools.bug_database,
        clock=tools.clock,
        progress=tools.progress,
        record=RecoveryWatch,
    )
    if isinstance(found, NextLook):
        return found
    report = found.model_copy(update={"why": f"{found.why} ({JUDGED})"})
    tools.bug_database.record(incident, live)
    tools.bug_database.record(incident, report)
    _note(incident, tools, "validate_production", f"{FINISHED}: {report.headline}")
    return report


def _live(record: Record, tools: RecoveryTools) -> LiveCheck | str:
    """Since when production runs what was approved, or why that is not so."""
    deployment = record.deployment
    assert deployment is not None
    try:
        version = tools.deployer.live()
        seen = monitor_deployment(
            record.incident,
            tools.profile,
            deployment,
            monitoring=tools.monitoring,
            bug_database=tools.bug_database,
            clock=tools.clock,
            progress=tools.progress,
        )
    except DeploymentFailed as error:
        return str(error)
    except HotfixError as error:
        if error.retryable:
            raise
        return str(error)
    if isinstance(seen, NextLook):
        return seen.why
    if version != deployment.version:
        return f"the deployer says that production runs {(version or 'nothing known')[:12]}"
    since = record.live or seen.model_copy(update={"first_seen_at": deployment.finished_at})
    if not was_cleared(replace(record, live=since)):
        return "not everything had said yes to this version before it was deployed"
    return since


def _note(incident: Incident, tools: RecoveryTools, step: str, what: str) -> None:
    tools.progress(what)
    event = Event(at=tools.clock.now(), step=step, what=what[:2000], key="validate_production/recovered")
    tools.bug_database.note(incident, event)
