"""The channels of an approval besides Airflow's own, as the trigger watches them."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta

from hotfix.airflow.chat import conversation, never_in_the_way
from hotfix.airflow.toolbox import toolbox
from hotfix.domain.approval import ApprovalRequest
from hotfix.domain.errors import HotfixError
from hotfix.domain.incident import Incident
from hotfix.steps.answers import settled
from hotfix.steps.approval_messages import SHORTEST_WARNED, WARNING
from hotfix.steps.converse import Conversation

log = logging.getLogger("hotfix")

# Seconds that one look may take: no second try, the next look is one.
LOOK = 2.0
# A warning that comes later than this after its moment is none: a triggerer was away meanwhile.
WARNING_LATE = timedelta(seconds=15)


@dataclass(frozen=True)
class Look:
    """``option`` is what the answers so far come to, None while they come to nothing; ``unheard`` could not be read."""

    option: str | None
    unheard: tuple[str, ...] = ()


@dataclass(frozen=True)
class Channels:
    """Blocking: call it from a thread."""

    incident: Incident
    request: ApprovalRequest

    def look(self) -> Look:
        """Hear every channel, and judge all answers that the ledger has.

        Raises:
            HotfixError: the ledger cannot be read.
        """
        unheard = []
        try:
            if (chat := self._chat()) is not None:
                chat.hear(self.request)
        except HotfixError as error:
            unheard.append(f"Slack: {error}")
        found = settled(self.request, toolbox().bug_database.answers(self.incident))
        return Look(found.option if found else None, tuple(unheard))

    def warn_when_due(self) -> None:
        """Once, when one minute is left of a window that is long enough; not much later."""
        window = self.request.deadline - self.request.requested_at
        warn_at = self.request.deadline - WARNING
        if window < SHORTEST_WARNED or not warn_at <= toolbox().clock.now() <= warn_at + WARNING_LATE:
            return
        with never_in_the_way(self.incident, "warning of the end of the window", log.warning):
            if (chat := self._chat()) is not None:
                chat.warn(self.request)

    def _chat(self) -> Conversation | None:
        chat = conversation(self.incident, LOOK)
        return None if isinstance(chat, str) else chat


def channels_of(run_id: str) -> Channels | None:
    """What is to be watched for a run; None where there is nothing but Airflow. Blocking.

    Raises:
        HotfixError: the ledger, the profile or the Connection cannot be read.
    """
    incident = toolbox().bug_database.incident_of_run(run_id) if run_id else None
    request = toolbox().bug_database.find(incident, ApprovalRequest) if incident else None
    if incident is None or request is None or isinstance(conversation(incident, LOOK), str):
        return None
    return Channels(incident, request)
