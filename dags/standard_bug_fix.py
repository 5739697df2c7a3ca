"""### Standard bug fix

Where an incident goes that meets none of the five emergency criteria. Records the bug and opens its issue; the fix
itself is made by people, with the full test suite and a code review. Started by `emergency_hotfix`.
"""

from __future__ import annotations

from airflow.sdk import dag

from hotfix.airflow.follow_up_tasks import open_issue_record, record_bug


@dag(
    dag_id="standard_bug_fix",
    schedule=None,
    catchup=False,
    is_paused_upon_creation=False,
    tags=["hotfix"],
    doc_md=__doc__,
)
def standard_bug_fix():
    open_issue_record(record_bug())


standard_bug_fix()
