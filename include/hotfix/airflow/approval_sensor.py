"""The approval as a deferrable sensor over Airflow's Required Actions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator
from airflow.sdk.execution_time.hitl import upsert_hitl_detail

from hotfix.airflow.announcements import PATIENCE, announce
from hotfix.airflow.approval_channels import LOOK, hear_code_host
from hotfix.airflow.approval_trigger import ApprovalDeadline
from hotfix.airflow.chat import BUDGET, conversation, never_in_the_way, note
from hotfix.airflow.step_task import RETRIES, RETRY_DELAY, current_incident, noted, progress
from hotfix.airflow.toolbox import toolbox
from hotfix.domain.approval import Answer, Approval, ApprovalDecision, ApprovalRequest
from hotfix.domain.errors import HotfixError
from hotfix.domain.fix import Fix
from hotfix.domain.incident import ApprovalMode, Incident
from hotfix.ports.bug_database import Event
from hotfix.steps.answers import APPROVE, REJECT, settled, why_invalid
from hotfix.steps.approval import decide, delivered, request_approval
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

    The request, the deadline and the decision are in the ledger: a retry goes on with the same deadline, and with what
    was answered in Airflow before it, which opening the request again would erase. Returns an ``Approval``; an answer,
    also a no, is a success of this task. The gate behind it judges.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(timeout=TIMEOUT.total_seconds(), retries=RETRIES, retry_delay=RETRY_DELAY, **kwargs)

    def execute(self, context: Context) -> dict[str, Any]:
        with noted(self._step) as notes:
            incident = self._incident()
            known = toolbox().bug_database.find(incident, Approval)
            asked = toolbox().bug_database.find(incident, ApprovalRequest)
            if known is not None:
                if asked is not None:
                    self._tell_the_decision(incident, asked, known)
                return known.to_xcom()
            request = asked or self._new_request(incident)
            if incident.approval is ApprovalMode.NOT_REQUIRED:
                approval = decide(incident, request, (), toolbox().clock.now())
                notes.record(approval)
                return approval.to_xcom()
            if asked is None:
                self._open(context, incident, request)
            return self._wait(context, incident, request)

    def execute_complete(self, context: Context, event: Any) -> dict[str, Any]:
        incident = self._incident()
        request = toolbox().bug_database.find(incident, ApprovalRequest)
        if request is None:
            raise HotfixError("The approval request is not in the ledger.", "Nothing is shipped.")
        own = str(context["ti"].id)
        if not isinstance(event, Mapping) or event.get("ti_id", own) != own:
            # Where the database gives the number of a trigger that is gone to the next one (SQLite), an event of the
            # former may arrive here: somebody answered another request, or another task's time has come.
            return self._wait(context, incident, request)
        if answer := _answer(event):
            toolbox().bug_database.keep_answer(incident, answer)
        self._hear(incident, request)
        answers = toolbox().bug_database.answers(incident)
        for each in answers:
            if why := why_invalid(request, each):
                self._note(incident, f"{IGNORED}{each.option} by {each.who} ({why})", f"ignored/{each.key}", each.at)
        if settled(request, answers) is None and toolbox().clock.now() < request.deadline:
            self._open(context, incident, request)
            return self._wait(context, incident, request)
        if event.get("missing"):
            request = delivered(request, ())
        # Silence decided at the deadline, however long the worker took to hear of it.
        approval = decide(incident, request, answers, request.deadline, tuple(event.get("unheard") or ()))
        toolbox().bug_database.record(incident, approval)
        self._note(incident, f"{FINISHED}: {approval.headline}", "decided", approval.at)
        self._tell_the_decision(incident, request, approval)
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
            self._diff(incident),
            deployer=service.deployer,
            clock=tools.clock,
        )

    def _open(self, context: Context, incident: Incident, request: ApprovalRequest) -> None:
        """Put the request among Airflow's Required Actions; an answer that it has already is erased."""
        # Recorded first: a worker that dies in between must not start the window anew.
        toolbox().bug_database.record(incident, request)
        upsert_hitl_detail(
            ti_id=context["ti"].id,
            options=[APPROVE, REJECT],
            subject=request.subject,
            body=request.body,
            defaults=[self._when_silent(incident, delivered(request, (CHANNEL,)))],
            multiple=False,
            params={},
        )

    def _wait(self, context: Context, incident: Incident, request: ApprovalRequest) -> dict[str, Any]:
        silence = self._when_silent(incident, delivered(request, (CHANNEL,)))
        channels = (CHANNEL, *self._ask_in_the_chat(incident, request))
        if not any("delivered" in check.name for check in request.silence):
            request = delivered(request, channels)
            toolbox().bug_database.record(incident, request)
        self._note(
            incident,
            f"asked on {', '.join(channels)}, until {request.deadline:%H:%M:%S} UTC",
            "asked",
            request.requested_at,
        )
        # Here and not only when a task ends: who is asked must see it now.
        announce(context, min(PATIENCE, incident.approval_window / 4))
        self.defer(
            trigger=ApprovalDeadline(str(context["ti"].id), request.deadline.isoformat(), silence, incident.run_id),
            method_name="execute_complete",
            timeout=TIMEOUT,
        )
        raise AssertionError("defer never returns")

    def _ask_in_the_chat(self, incident: Incident, request: ApprovalRequest) -> tuple[str, ...]:
        """The chat, if the request arrived there. It never costs more than a quarter of the window."""
        arrived: tuple[str, ...] = ()
        budget = min(BUDGET, incident.approval_window / 4)
        with never_in_the_way(incident, "asking for approval", progress):
            chat = conversation(incident, budget)
            if isinstance(chat, str):
                note(incident, f"not asked in the chat: {chat}", "not-asked", progress)
            else:
                chat.ask(request, lambda: self._diff(incident))
                arrived = (chat.chat.name,)
        return arrived

    def _hear(self, incident: Incident, request: ApprovalRequest) -> None:
        """An earlier answer on another channel wins over the one that this task was resumed with."""
        with never_in_the_way(incident, "reading the answers on the code host", progress):
            hear_code_host(incident, request, LOOK)
        with never_in_the_way(incident, "reading the answers", progress):
            chat = conversation(incident, LOOK)
            if not isinstance(chat, str):
                chat.hear(request)

    def _tell_the_decision(self, incident: Incident, request: ApprovalRequest, approval: Approval) -> None:
        with never_in_the_way(incident, "telling the decision", progress):
            chat = conversation(incident)
            if not isinstance(chat, str):
                chat.close(request, approval, lambda: self._diff(incident))

    def _diff(self, incident: Incident) -> str:
        fix = toolbox().bug_database.find(incident, Fix)
        return toolbox().artefacts(incident).read(fix.diff) if fix else ""

    def _when_silent(self, incident: Incident, request: ApprovalRequest) -> str:
        silent = decide(incident, request, (), request.deadline)
        return APPROVE if silent.decision is ApprovalDecision.APPROVED else REJECT

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
