"""The channels of an approval besides Airflow's own, as the trigger watches them."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from hotfix.airflow.announcements import announce_incident
from hotfix.airflow.chat import conversation, never_in_the_way
from hotfix.airflow.toolbox import toolbox
from hotfix.domain.approval import ApprovalRequest
from hotfix.domain.incident import Incident
from hotfix.steps.answers import settled, why_invalid
from hotfix.steps.approval_messages import warning_due
from hotfix.steps.converse import Conversation
from hotfix.steps.hear_code_host import hear

log = logging.getLogger("hotfix")

STEP = "await_approval"
# Seconds that one look may take: no second try, the next look is one.
LOOK = 2.0
# The code host is asked less often: an app has some thousand calls an hour, and a look takes several of them.
HOST_INTERVAL = timedelta(seconds=10)
# A warning that comes later than this after its moment is none: a triggerer was away meanwhile.
WARNING_LATE = timedelta(seconds=15)


@dataclass(frozen=True)
class Look:
    """``option`` is what the answers so far come to, None while they come to nothing; ``unheard`` could not be read."""

    option: str | None
    unheard: tuple[str, ...] = ()


class Channels:
    """What besides Airflow is listened to for one request. Blocking: call it from a thread."""

    def __init__(self, incident: Incident, request: ApprovalRequest) -> None:
        self.incident = incident
        self.request = request
        self._host_heard: datetime | None = None
        self._shown: tuple[bool, frozenset[str]] | None = None

    def look(self, everything: bool = False) -> Look:
        """Hear the channels, the code host only now and then but for ``everything``, and judge all answers so far.

        Raises:
            HotfixError: the ledger cannot be read.
        """
        ears = {"Slack": self._hear_chat}
        now = toolbox().clock.now()
        if everything or self._host_heard is None or now - self._host_heard >= HOST_INTERVAL:
            self._host_heard = now
            ears["the code host"] = self._hear_code_host
        # Side by side: the last look has little time for all of them.
        with ThreadPoolExecutor(max_workers=2) as pool:
            heard = {name: pool.submit(listen) for name, listen in ears.items()}
        unheard = [f"{name}: {error}" for name, each in heard.items() if (error := each.exception()) is not None]
        return Look(self.judged().option, tuple(unheard))

    def judged(self) -> Look:
        """What the answers come to that the ledger has already."""
        found = settled(self.request, toolbox().bug_database.answers(self.incident))
        return Look(found.option if found else None)

    def _hear_chat(self) -> None:
        if (chat := self._chat()) is not None:
            chat.hear(self.request)

    def _hear_code_host(self) -> None:
        hear_code_host(self.incident, self.request, LOOK)

    def tell_people(self) -> None:
        """When one minute is left of a window that is long enough, and on the code host why answers do not count."""
        if self._last_minute():
            with never_in_the_way(self.incident, "warning of the end of the window", log.warning):
                if (chat := self._chat()) is not None:
                    chat.warn(self.request)
        with never_in_the_way(self.incident, "showing the approval on the code host", log.warning):
            self._show_on_the_code_host()

    def _last_minute(self) -> bool:
        """Not much later: a warning then warns nobody."""
        due = warning_due(self.request)
        return due is not None and due <= toolbox().clock.now() <= due + WARNING_LATE

    def _show_on_the_code_host(self) -> None:
        answers = toolbox().bug_database.answers(self.incident)
        refused = frozenset(answer.key for answer in answers if why_invalid(self.request, answer))
        news = (self._last_minute(), refused)
        # The first time too: the sensor gives up where another task's announcement is still under way. Otherwise once a
        # piece of news; what could not be shown is made up for when the task ends.
        if news != self._shown and announce_incident(self.incident, STEP, LOOK):
            self._shown = news

    def _chat(self) -> Conversation | None:
        chat = conversation(self.incident, LOOK)
        return None if isinstance(chat, str) else chat


def hear_code_host(incident: Incident, request: ApprovalRequest, patience: float) -> None:
    """Keep what people answered on the code host in the ledger.

    Raises:
        HotfixError: it could not be read.
    """
    tools = toolbox()
    code_host = tools.code_host(incident.service, patience)
    hear(incident, request, tools.catalog.profile(incident.service), code_host=code_host, ledger=tools.bug_database)


def channels_of(run_id: str) -> Channels | None:
    """What is to be watched for a run; None where there is nothing but Airflow. Blocking.

    Raises:
        HotfixError: the ledger, the profile or the Connection cannot be read.
    """
    incident = toolbox().bug_database.incident_of_run(run_id) if run_id else None
    request = toolbox().bug_database.find(incident, ApprovalRequest) if incident else None
    if incident is None or request is None:
        return None
    if isinstance(conversation(incident, LOOK), str) and not toolbox().code_host(incident.service, LOOK).listens:
        return None
    return Channels(incident, request)
