"""### Hotfix compliance

Every hour: does the promised follow-up of every hotfix happen? The approval after the fact, the code review and the
full test run are due within 24 hours, the proper fix within a week. What git proves is settled here; the rest people
settle with `python -m hotfix settle`. Red as long as anything is overdue.
"""

from __future__ import annotations

from datetime import datetime, timezone

from airflow.sdk import dag

from hotfix.airflow.follow_up_tasks import check_follow_ups, report_overdue


@dag(
    dag_id="hotfix_compliance",
    schedule="@hourly",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    is_paused_upon_creation=False,
    max_active_runs=1,
    tags=["hotfix"],
    doc_md=__doc__,
)
def hotfix_compliance():
    report_overdue(check_follow_ups())


hotfix_compliance()
