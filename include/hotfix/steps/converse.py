"""Everything that is said to people about one attempt, and heard from them, in the chat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hotfix.domain.approval import Answer, Approval, ApprovalRequest
from hotfix.domain.errors import HotfixError
from hotfix.domain.incident import Incident
from hotfix.domain.message import Message, Place
from hotfix.domain.outcome import RunOutcome
from hotfix.domain.rollback import Escalation
from hotfix.domain.service import ServiceProfile
from hotfix.ports.bug_database import BugDatabase
from hotfix.ports.chat import Chat
from hotfix.ports.clock import Clock
from hotfix.steps.answers import answer_in, why_invalid
from hotfix.steps.approval_messages import closed_message, request_key, request_message, warning_message
from hotfix.steps.escalation_messages import escalation_message
from hotfix.steps.incident_messages import Links, details, incident_key, incident_message
from hotfix.steps.record import read_record
from hotfix.steps.tell import tell

# Another process may have recorded something while a message was on its way.
ROUNDS = 3


@dataclass(frozen=True)
class Conversation:
    """About ``incident`` in ``chat``. Every method may be repeated and raises what ``Chat`` raises.

    ``pressed`` is whether the chat can tell this installation of a pressed button.
    """

    incident: Incident
    profile: ServiceProfile
    chat: Chat
    bug_database: BugDatabase
    clock: Clock
    links: Links
    pressed: bool = False

    def show(self) -> None:
        """Bring the incident's message up to date, and its thread."""
        for _ in range(ROUNDS):
            message = self._incident_message()
            thread = self._tell(message, None)
            if thread is None:
                return
            if self._incident_message().digest == message.digest:
                break
        for detail in details(read_record(self.incident, self.bug_database)):
            known = self.bug_database.told(self.incident.id, detail.key)
            if known is None or known.place is None:
                self._tell(detail, thread)

    def ask(self, request: ApprovalRequest, diff: Callable[[], str]) -> None:
        """Post the approval request below the incident's message."""
        self._tell(self._request_message(request, diff), self._thread(), alone=True)

    def warn(self, request: ApprovalRequest) -> None:
        """One minute is left."""
        self._tell(warning_message(self.incident, self.profile, request), self._thread(), alone=True)

    def close(self, request: ApprovalRequest, approval: Approval, diff: Callable[[], str]) -> None:
        """Turn the request into its answer: who decided what, and nothing left to press."""
        if self._place(request_key(self.incident)) is None:
            return
        asked = self._request_message(request, diff)
        self._tell(closed_message(self.incident, asked, approval, self.links), self._thread(), alone=True)

    def escalate(self, escalation: Escalation, issue: str) -> tuple[str, ...]:
        """Call the people who take over; returns whom."""
        message = escalation_message(self.incident, self.profile, escalation, issue, self.links)
        self._tell(message, self._thread(), alone=True)
        return (*message.groups, *message.mentions)

    def hear(self, request: ApprovalRequest) -> None:
        """Keep what people answered in the ledger, and tell those whose answer does not count why."""
        place = self._place(request_key(self.incident))
        if place is None:
            return
        known = {answer.key for answer in self.bug_database.answers(self.incident)}
        thread = self._place(incident_key(self.incident)) or place
        for said in self.chat.said(place, thread):
            answer = answer_in(said, self.profile, self.chat.name, self.clock.now())
            if answer is not None and answer.key not in known:
                self.bug_database.keep_answer(self.incident, answer)
                self.reply(request, place, answer)

    def reply(self, request: ApprovalRequest, place: Place, answer: Answer) -> None:
        """Tell somebody why their answer does not count; the answer stands whether or not they hear of it."""
        if why := why_invalid(request, answer):
            try:
                self.chat.whisper(place, answer.account, f"Your answer does not count: {why}.")
            except HotfixError:
                return

    def _thread(self) -> Place | None:
        """The incident's message; None where it cannot be posted, and what belongs into its thread stands alone."""
        known = self._place(incident_key(self.incident))
        return known or self._tell(self._incident_message(), None)

    def _place(self, key: str) -> Place | None:
        told = self.bug_database.told(self.incident.id, key)
        return told.place if told else None

    def _tell(self, message: Message, thread: Place | None, alone: bool = False) -> Place | None:
        return tell(
            self.incident.id,
            message,
            chat=self.chat,
            ledger=self.bug_database,
            clock=self.clock,
            thread=thread,
            alone=alone,
        )

    def _incident_message(self) -> Message:
        find = self.bug_database.find
        record = read_record(self.incident, self.bug_database)
        request, outcome = find(self.incident, ApprovalRequest), find(self.incident, RunOutcome)
        return incident_message(record, self.profile, request, outcome, self.links)

    def _request_message(self, request: ApprovalRequest, diff: Callable[[], str]) -> Message:
        record = read_record(self.incident, self.bug_database)
        if record.fix is None or record.tests is None or record.security is None:
            raise HotfixError("Fix, tests or security review are not in the ledger.", "Nothing is asked in the chat.")
        return request_message(
            self.incident,
            self.profile,
            request,
            record.fix,
            record.tests,
            record.security,
            diff(),
            self.links,
            pressed=self.pressed,
        )
