"""The chat of an incident, made from the Airflow Connection; and telling people without ever being stopped by it."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from airflow.sdk.configuration import conf

from hotfix.airflow.slack_access import SLACK, slack
from hotfix.airflow.toolbox import toolbox
from hotfix.domain.errors import HotfixError
from hotfix.domain.incident import Incident
from hotfix.domain.message import Message
from hotfix.ports.bug_database import Event
from hotfix.steps.converse import Conversation
from hotfix.steps.incident_messages import Links
from hotfix.steps.tell import tell
from hotfix.steps.what_went_wrong import CHAT

SENSOR = "deployment.await_approval"
# Seconds that one visit to the chat may take. Airflow ends a process 20 s after its task (task_success_overtime).
BUDGET = 8.0


def conversation(incident: Incident, budget: float = BUDGET) -> Conversation | str:
    """The chat about an incident; where there is none, why.

    Raises:
        HotfixError: the Connection or the profile cannot be used.
    """
    from hotfix.adapters.slack import SlackChat

    tools = toolbox()
    profile = tools.catalog.profile(incident.service)
    if profile.chat is None:
        return f"the profile of {incident.service} names no chat.channel"
    access = slack(timeout=max(1, round(min(5.0, budget / 2))))
    if access is None:
        return f"there is no Connection {SLACK}"
    return Conversation(
        incident=incident,
        profile=profile,
        chat=SlackChat(access.client, profile.chat.channel, tools.clock, budget),
        bug_database=tools.bug_database,
        clock=tools.clock,
        links=links(incident),
        pressed=bool(access.signing_secret),
    )


def links(incident: Incident) -> Links:
    """Pages of this Airflow, by the address that it is configured to have."""
    base = str(conf.get("api", "base_url", fallback="") or "").rstrip("/")
    if not base.startswith(("http://", "https://")):
        return Links()
    run = f"{base}/dags/{incident.dag_id}/runs/{urllib.parse.quote(incident.run_id, safe='')}"
    # A JSON list, which is what the page reads (3.3.2); the provider's own link writes it as Python does.
    approve, reject = (urllib.parse.urlencode({"_options": f'["{option}"]'}) for option in ("Approve", "Reject"))
    actions = f"{run}/tasks/{SENSOR}/required_actions"
    return Links(
        run=run,
        record=f"{base}/hotfix/incidents/{incident.id}",
        approve=f"{actions}?{approve}",
        reject=f"{actions}?{reject}",
    )


def tell_everybody(scope: str, message: Message, say: Callable[[str], None]) -> str:
    """Post a digest, or bring the one that stands there up to date; returns what became of it."""
    from hotfix.adapters.slack import SlackChat

    tools = toolbox()
    with never_in_the_way(None, f"telling {message.key}", say):
        access = slack()
        if access is None:
            return f"not told in the chat: there is no Connection {SLACK}"
        if not access.digests:
            return f"not told in the chat: the Connection {SLACK} names no digest_channel"
        chat = SlackChat(access.client, access.digests, tools.clock, BUDGET)
        place = tell(scope, message, chat=chat, ledger=tools.bug_database, clock=tools.clock, alone=True)
        return f"told in {place.channel}" if place else "another process tells it"
    return "not told in the chat: see the log"


@contextmanager
def never_in_the_way(incident: Incident | None, doing: str, say: Callable[[str], None]) -> Iterator[None]:
    """Talking to people: whatever goes wrong is said in the log and in the record, and nothing else comes of it."""
    try:
        yield
    except Exception as error:
        # Of errors that are not ours only the kind: their text may quote what was sent.
        why = str(error) if isinstance(error, HotfixError) else type(error).__name__
        note(incident, f"{doing}: not done. {why}", f"{doing}/failed", say)


def note(incident: Incident | None, what: str, key: str, say: Callable[[str], None]) -> None:
    """A line in the log and in the record; a ledger that is away must not stop anybody here either."""
    say(f"{CHAT}: {what}")
    if incident is None:
        return
    try:
        event = Event(at=toolbox().clock.now(), step=CHAT, what=what[:2000], key=f"{CHAT}/{key}"[:250])
        toolbox().bug_database.note(incident, event)
    except HotfixError as error:
        say(f"{CHAT}: not noted in the record. {error}")
