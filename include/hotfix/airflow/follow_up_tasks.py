"""The tasks of the DAGs around the hotfix: incident response, standard bug fix, compliance, metrics."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from airflow.sdk import get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

from hotfix.airflow.chat import conversation, never_in_the_way, tell_everybody
from hotfix.airflow.retries import ByError
from hotfix.airflow.step_task import RETRIES, RETRY_DELAY, log, progress
from hotfix.airflow.toolbox import artefacts_of, migrate_bug_database, toolbox
from hotfix.airflow.work import about
from hotfix.domain.incident import Incident
from hotfix.domain.rollback import Escalation
from hotfix.ports.bug_database import Event, IncidentStatus
from hotfix.steps.check_compliance import ComplianceReport, compliance_report, settle_by_evidence
from hotfix.steps.digest_messages import COMPLIANCE, METRICS, compliance_message, metrics_message
from hotfix.steps.measure import Metrics, digest, measure
from hotfix.steps.respond_to_incident import escalation_text, open_incident_issue


def plain_task(function: Callable[..., Any]) -> Any:
    """A task whose values are plain; its id is the function's name."""
    return task(
        task_id=function.__name__,
        doc_md=inspect.getdoc(function),
        retries=RETRIES,
        retry_delay=RETRY_DELAY,
        retry_policy=ByError(),
        multiple_outputs=False,
    )(function)


def _incident() -> Incident:
    """The incident that the run which started this one has opened."""
    run_id = (get_current_context()["dag_run"].conf or {}).get("incident_run")
    incident = toolbox().bug_database.incident_of_run(str(run_id)) if run_id else None
    if incident is None:
        raise AirflowFailException(
            f"The bug database knows no incident of the run {run_id!r}. This DAG is started by emergency_hotfix."
        )
    return incident


def _escalation(incident: Incident) -> Escalation:
    escalation = toolbox().bug_database.find(incident, Escalation)
    if escalation is None:
        raise AirflowFailException(f"The bug database holds no escalation of {incident.id}.")
    return escalation


@plain_task
def state_what_was_tried() -> str:
    """What the workflow tried, and what people can do next; read it first."""
    incident = _incident()
    text = escalation_text(incident, _escalation(incident))
    progress(text)
    return text


@plain_task
def incident_issue(text: str) -> str:
    """The incident's issue: opened, or brought up to date."""
    incident = _incident()
    with about(incident):
        return open_incident_issue(incident, _escalation(incident), code_host=toolbox().code_host(incident.service))


@plain_task
def page_commander(issue: str) -> str:
    """Call the incident commander and the on-call group in the chat. Where there is none, the record says so."""
    incident = _incident()
    escalation = _escalation(incident)
    said = f"incident commander: {escalation.commander}; {_called(incident, escalation, issue)}; {issue}"
    now = toolbox().clock.now()
    event = Event(at=now, step="incident_response", what=said, key="incident_response/commander")
    toolbox().bug_database.note(incident, event)
    progress(said)
    return said


def _called(incident: Incident, escalation: Escalation, issue: str) -> str:
    with never_in_the_way(incident, "calling people", log.error):
        chat = conversation(incident)
        if isinstance(chat, str):
            return f"nobody was called: {chat}"
        called = chat.escalate(escalation, issue)
        return f"called in {chat.chat.name}: {', '.join(called) or 'nobody by name, the profile knows no account'}"
    return "nobody was called: the chat does not answer, see the log"


@plain_task
def record_bug() -> str:
    """The incident as a bug that is no emergency."""
    incident = _incident()
    tools = toolbox()
    tools.bug_database.close_incident(incident, IncidentStatus.HANDED_OVER, tools.clock.now(), {})
    return incident.id


@plain_task
def open_issue_record(bug: str) -> str:
    """The issue for the standard fix, with the report and how it was assessed."""
    incident = _incident()
    body = f"{incident.description}\n\nReported by {incident.reported_by}. Assessed as no emergency."
    with about(incident):
        code_host = toolbox().code_host(incident.service)
        return code_host.open_issue(incident, f"[{incident.service}] {incident.title}", body, ("bug",))


@plain_task
def check_follow_ups() -> dict[str, Any]:
    """Settle what git proves, and list what is still owed."""
    migrate_bug_database()
    tools = toolbox()
    settled = settle_by_evidence(
        bug_database=tools.bug_database,
        profile=tools.catalog.profile,
        repository=tools.repository_of,
        clock=tools.clock,
    )
    report = compliance_report(settled, bug_database=tools.bug_database, clock=tools.clock)
    for line in report.settled:
        progress(f"settled: {line}")
    for line in report.open:
        progress(f"owed: {line}")
    return report.to_xcom()


@plain_task
def report_overdue(report: dict[str, Any]) -> None:
    """Red as long as something is overdue: a promise that nobody keeps must not look green."""
    overdue = ComplianceReport.model_validate(report).overdue
    for line in overdue:
        log.error("overdue: %s", line)
    if overdue:
        lines = "\n".join(f"  - {line}" for line in overdue)
        raise AirflowFailException(
            f"Overdue follow-ups:\n{lines}\nDo them, then: python -m hotfix settle INCIDENT KIND --evidence TEXT"
        )
    progress("nothing is overdue")


@plain_task
def tell_compliance(report: dict[str, Any]) -> str:
    """What is owed, in the chat: one message a day that is kept up to date."""
    message = compliance_message(ComplianceReport.model_validate(report), toolbox().clock.now())
    said = tell_everybody(COMPLIANCE, message, log.warning) if message else "nothing is owed"
    progress(said)
    return said


@plain_task
def tell_metrics(metrics: dict[str, Any]) -> str:
    """The figures in the chat: one message a week that is kept up to date."""
    message = metrics_message(Metrics.model_validate(metrics), toolbox().clock.now())
    said = tell_everybody(METRICS, message, log.warning)
    progress(said)
    return said


@plain_task
def measure_period(days: int) -> dict[str, Any]:
    """The figures of the last days, from the bug database."""
    migrate_bug_database()
    return measure(bug_database=toolbox().bug_database, clock=toolbox().clock, days=days).to_xcom()


@plain_task
def store_digest(metrics: dict[str, Any]) -> str:
    """The figures as a page in the artefact storage."""
    text = digest(Metrics.model_validate(metrics))
    progress(text)
    today = f"{datetime.now(timezone.utc):%Y-%m-%d}"
    return artefacts_of("metrics", 0).put(f"{today}.md", text).uri
