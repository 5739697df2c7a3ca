"""The approval as a deferrable sensor over Airflow's Required Actions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator
from airflow.sdk.execution_time.hitl import upsert_hitl_detail

from hotfix.airflow.announcements import announce
from hotfix.airflow.approval_trigger import ApprovalDeadline
from hotfix.airflow.step_task import ANNOUNCED, RETRIES, RETRY_DELAY, current_incident, noted, progress
from hotfix.airflow.toolbox import toolbox
from hotfix.domain.approval import Approval, ApprovalDecision, ApprovalRequest
from hotfix.domain.errors import HotfixError
from hotfix.domain.incident import ApprovalMode, Incident
from hotfix.ports.bug_database import Event
from hotfix.steps.approval import APPROVE, REJECT, Answer, decide, delivered, request_approval, why_invalid
from hotfix.steps.record import read_record
from hotfix.steps.what_went_wrong import FINISHED

if TYPE_CHECKING:
    from airflow.sdk import Context

CHANNEL = "Airflow"
IGNORED = "ignored answer: "
# The longest window of the form, and room for a busy triggerer. Beyond it the task fails, which ships nothing.
TIMEOUT = timedelta(minutes=70)


class ApprovalSensor(BaseSensorOperator):
    """Asks for approval and waits, without a worker, for an answer or for the end of the window.

    The request, the deadline and the decision are in the ledger: a retry goes on with the same deadline. Returns an
    ``Approval``; an answer, also a no, is a success of this task. The gate behind it judges.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            timeout=TIMEOUT.total_seconds(), retries=RETRIES, retry_delay=RETRY_DELAY, **{**ANNOUNCED, **kwargs}
        )

    def execute(self, context: Context) -> dict[str, Any]:
        with noted(self._step) as notes:
            incident = self._incident()
            known = toolbox().bug_database.find(incident, Approval)
            if known is not None:
                return known.to_xcom()
            request = toolbox().bug_database.find(incident, ApprovalRequest) or self._new_request(incident)
            if incident.approval is ApprovalMode.NOT_REQUIRED:
                approval = decide(incident, request, None, toolbox().clock.now())
                notes.record(approval)
                return approval.to_xcom()
            return self._ask_and_wait(context, incident, request)

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        incident = self._incident()
        request = toolbox().bug_database.find(incident, ApprovalRequest)
        if request is None:
            raise HotfixError("The approval request is not in the ledger.", "Nothing is shipped.")
        answer = _answer(event)
        if answer and (why := why_invalid(request, answer)):
            self._ignore(incident, answer, why)
            if toolbox().clock.now() < request.deadline:
                return self._ask_and_wait(context, incident, request)
            answer = None
        # Silence decided at the deadline, however long the worker took to hear of it.
        approval = decide(incident, request, answer, request.deadline, self._ignored(incident))
        toolbox().bug_database.record(incident, approval)
        self._note(incident, f"{FINISHED}: {approval.headline}", "decided", approval.at)
        return approval.to_xcom()

    @property
    def _step(self) -> str:
        return str(self.task_id).rsplit(".", 1)[-1]

    def _incident(self) -> Incident:
        incident = current_incident()
        if incident is None:
            raise HotfixError("The ledger knows no incident of this run.", "Nothing is shipped.")
        return incident

    def _new_request(self, incident: Incident) -> ApprovalRequest:
        tools = toolbox()
        service = tools.service(incident.service)
        so_far = read_record(incident, tools.bug_database)
        if so_far.fix is None or so_far.tests is None or so_far.security is None:
            raise HotfixError("Fix, tests or security review are not in the ledger.", "Nothing is shipped.")
        return request_approval(
            incident,
            service.profile,
            so_far.fix,
            so_far.tests,
            so_far.security,
            tools.artefacts(incident).read(so_far.fix.diff),
            deployer=service.deployer,
            clock=tools.clock,
        )

    def _ask_and_wait(self, context: Context, incident: Incident, request: ApprovalRequest) -> dict[str, Any]:
        # Recorded first: a worker that dies in between must not start the window anew.
        toolbox().bug_database.record(incident, request)
        silence = self._when_silent(incident, delivered(request, (CHANNEL,)))
        upsert_hitl_detail(
            ti_id=context["ti"].id,
            options=[APPROVE, REJECT],
            subject=request.subject,
            body=request.body,
            defaults=[silence],
            multiple=False,
            params={},
        )
        if not any("delivered" in check.name for check in request.silence):
            request = delivered(request, (CHANNEL,))
            toolbox().bug_database.record(incident, request)
        self._note(
            incident,
            f"asked under Required Actions, until {request.deadline:%H:%M:%S} UTC",
            "asked",
            request.requested_at,
        )
        # Here and not only when a task ends: who is asked must see it now.
        announce(context)
        self.defer(
            trigger=ApprovalDeadline(str(context["ti"].id), request.deadline.isoformat(), silence),
            method_name="execute_complete",
            timeout=TIMEOUT,
        )
        raise AssertionError("defer never returns")

    def _when_silent(self, incident: Incident, request: ApprovalRequest) -> str:
        silent = decide(incident, request, None, request.deadline)
        return APPROVE if silent.decision is ApprovalDecision.APPROVED else REJECT

    def _ignore(self, incident: Incident, answer: Answer, why: str) -> None:
        self._note(incident, f"{IGNORED}{answer.option} ({why})", f"ignored/{answer.at.isoformat()}", answer.at)

    def _ignored(self, incident: Incident) -> tuple[str, ...]:
        timeline = toolbox().bug_database.timeline(incident)
        return tuple(event.what for event in timeline if event.what.startswith(IGNORED))

    def _note(self, incident: Incident, what: str, key: str, at: datetime) -> None:
        progress(what)
        event = Event(at=at, step=self._step, what=what, key=f"{self._step}/{key}")
        toolbox().bug_database.note(incident, event)


def _answer(event: Mapping[str, Any]) -> Answer | None:
    """The answer in the event that Airflow resumes the sensor with; None when it is not a person's."""
    user = event.get("responded_by_user")
    chosen = event.get("chosen_options") or []
    if not user or not chosen:
        return None
    at = event.get("responded_at") or datetime.now(timezone.utc)
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    return Answer(option=chosen[0], user=user["name"], channel=CHANNEL, at=moment)
