"""Pressed buttons in the api-server: who asks, and where an answer is kept."""

from __future__ import annotations

import logging

from hotfix.airflow.approval_channels import LOOK
from hotfix.airflow.chat import conversation, never_in_the_way
from hotfix.airflow.slack_access import slack
from hotfix.airflow.toolbox import toolbox
from hotfix.steps.approval_messages import request_key
from hotfix.steps.press import Press, keep_press

log = logging.getLogger("hotfix")


def signing_secret() -> str:
    """Empty where the Connection has none, or cannot be used."""
    access = slack()
    return access.signing_secret if access else ""


def press(pressed: Press) -> None:
    """Keep the answer, and tell whoever pressed when it does not count.

    Raises:
        HotfixError: it could not be kept.
    """
    tools = toolbox()
    incident = tools.bug_database.incident_of_run(pressed.value) if pressed.value else None
    if incident is None:
        return
    profile = tools.catalog.profile(incident.service)
    kept = keep_press(pressed, incident, profile, "Slack", tools.bug_database)
    told = tools.bug_database.told(incident.id, request_key(incident))
    if kept is None or told is None or told.place is None:
        return
    with never_in_the_way(incident, "telling that an answer does not count", log.warning):
        chat = conversation(incident, LOOK)
        if not isinstance(chat, str):
            chat.reply(kept[0], told.place, kept[1])
