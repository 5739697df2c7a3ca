"""### Incident response

Where a hotfix that did not work goes to: people. States what was tried and what can be done next, opens the incident's
issue, and names the commander. Started by `emergency_hotfix`; nothing is changed in production or git.

**Who is called.** The on-call group and the commander, in the service's channel. Without a chat connection nobody is
called: the log and the record say so.
"""

from __future__ import annotations

from airflow.sdk import dag

from hotfix.airflow.follow_up_tasks import incident_issue, page_commander, state_what_was_tried


@dag(
    dag_id="incident_response",
    schedule=None,
    catchup=False,
    is_paused_upon_creation=False,
    tags=["hotfix"],
    doc_md=__doc__,
)
def incident_response():
    page_commander(incident_issue(state_what_was_tried()))


incident_response()
