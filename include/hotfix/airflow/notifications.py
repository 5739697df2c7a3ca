"""Airflow notifiers: after every task of a run, people see where it is."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airflow.sdk import BaseNotifier

from hotfix.airflow.announcements import announce
from hotfix.airflow.chat import conversation, never_in_the_way, note
from hotfix.airflow.toolbox import toolbox

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger("hotfix")


class TellTheChat(BaseNotifier):
    """Brings the incident's message in the chat up to date, from the ledger alone.

    Airflow calls it when a task's state is known already: the next task does not wait for it, and nothing that goes
    wrong here changes a task. What one call could not tell, the next one does.
    """

    def notify(self, context: Context) -> None:
        incident = toolbox().bug_database.incident_of_run(str(context["dag_run"].run_id))
        if incident is None:
            return
        with never_in_the_way(incident, f"telling the state after {context['ti'].task_id}", log.warning):
            chat = conversation(incident)
            if isinstance(chat, str):
                note(incident, f"nobody is told anything: {chat}", "off", log.info)
            else:
                chat.show()


# The chat first: it calls people.
TOLD = {f"on_{what}_callback": [TellTheChat(), announce] for what in ("success", "failure", "retry")}
