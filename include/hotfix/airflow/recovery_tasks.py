"""The tasks that look after runs which died half-way."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

from hotfix.airflow.announcements import announce_incident
from hotfix.airflow.chat import never_in_the_way
from hotfix.airflow.hand_over import Escalate
from hotfix.airflow.patient_task import is_resumed, patient_task, wait_until
from hotfix.airflow.runs import AirflowRuns
from hotfix.airflow.step_task import RETRIES, RETRY_DELAY, Notes, log, progress
from hotfix.airflow.toolbox import migrate_bug_database, toolbox
from hotfix.airflow.work import about
from hotfix.domain.incident import Incident
from hotfix.domain.recovery import DeadRun, Recovery
from hotfix.domain.stability import NextLook
from hotfix.ports.bug_database import Event
from hotfix.steps.close_run import close_run
from hotfix.steps.find_dead_runs import find_dead_runs
from hotfix.steps.judge_dead_run import judge_dead_run
from hotfix.steps.recover_run import RecoveryTools, recover_run
from hotfix.steps.release_stale_locks import release_stale_locks
from hotfix.steps.what_went_wrong import TAKEN_OVER

if TYPE_CHECKING:
    from airflow.sdk import Context


def recovery_tools(incident: Incident) -> RecoveryTools:
    tools = toolbox()
    service = tools.service(incident.service)
    return RecoveryTools(
        profile=service.profile,
        repository=service.repository,
        deployer=service.deployer,
        alternative=service.alternative,
        monitoring=service.monitoring,
        code_host=tools.code_host(incident.service),
        bug_database=tools.bug_database,
        artefacts=tools.artefacts(incident),
        clock=tools.clock,
        progress=progress,
    )


@task(retries=RETRIES, retry_delay=RETRY_DELAY)
def find_dead() -> list[dict[str, Any]]:
    """Runs that died half-way: without a last word, and ended, gone, or silent for too long."""
    migrate_bug_database()
    tools = toolbox()
    silence = timedelta(seconds=get_current_context()["params"]["silence"])
    dead = find_dead_runs(bug_database=tools.bug_database, runs=AirflowRuns(), clock=tools.clock, silence=silence)
    for run in dead:
        progress(f"died: {run.headline}")
    return [run.to_xcom() for run in dead]


@patient_task(retries=RETRIES, retry_delay=RETRY_DELAY, execution_timeout=timedelta(minutes=45))
def recover(run: dict[str, Any]) -> dict[str, Any]:
    """Judge what a run that died has left in production, then finish the run or roll it back.

    From now on its own tasks may change nothing.
    """
    dead = DeadRun.model_validate(run)
    tools = toolbox()
    incident = _incident(dead)
    if not is_resumed():
        tools.bug_database.take_over(incident, str(get_current_context()["dag_run"].run_id))
        said = f"the run died ({dead.why}); it is finished from here"
        event = Event(at=tools.clock.now(), step="hotfix_compliance", what=said, key=TAKEN_OVER)
        tools.bug_database.note(incident, event)
    with about(incident):
        ports = recovery_tools(incident)
        judged = judge_dead_run(incident, ports)
        if isinstance(judged, NextLook):
            wait_until(judged.at)
        steps = recover_run(incident, ports, patient=True)
        if isinstance(steps, NextLook):
            wait_until(steps.at)
        repository = tools.service(incident.service).repository
        outcome = close_run(incident, repository=repository, bug_database=tools.bug_database, clock=tools.clock)
    if outcome.succeeded:
        tools.bug_database.record(incident, outcome)
    progress(outcome.summary)
    with never_in_the_way(incident, "showing how it ended", log.warning):
        announce_incident(incident, "hotfix_compliance")
    return Recovery(dead=dead, outcome=outcome, steps=steps).to_xcom()


class EscalateDeadRun(Escalate):
    """People hear of a dead run that did not fix the problem; then it is closed."""

    def __init__(self, *, recovery: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(trigger_dag_id="incident_response", **kwargs)
        self.recovery = recovery

    def execute(self, context: Context) -> None:
        recovery = Recovery.model_validate(self.recovery)
        if recovery.outcome.succeeded:
            progress(f"nobody has to be called: {recovery.outcome.summary}")
            return
        with about(_incident(recovery.dead)):
            super().execute(context)

    def prepare(self, incident: Incident, context: Context, notes: Notes) -> tuple[str, dict[str, Any]]:
        notes.record(Recovery.model_validate(self.recovery).outcome)
        return super().prepare(incident, context, notes)


@task(retries=RETRIES, retry_delay=RETRY_DELAY, trigger_rule="all_done")
def release_locks() -> None:
    """Give back the locks of runs that have ended; red where a lock needs a person."""
    tools = toolbox()
    report = release_stale_locks(
        catalog=tools.catalog,
        repository=tools.repository_of,
        about=about,
        bug_database=tools.bug_database,
        clock=tools.clock,
    )
    for line in (*report.released, *report.unchecked):
        progress(line)
    for line in report.unknown:
        log.error("%s", line)
    if report.unknown:
        raise AirflowFailException("\n".join(report.unknown))


def _incident(dead: DeadRun) -> Incident:
    incident = toolbox().bug_database.incident_of_run(dead.run_id)
    if incident is None:
        raise AirflowFailException(f"The bug database knows no incident of the run {dead.run_id!r}.")
    return incident
