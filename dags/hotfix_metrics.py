"""### Hotfix metrics

Every day: time to resolution, rollback rate, follow-up completion and incident rate of the last 30 days, from the bug
database, as a page in the artefact storage, and in the chat as a digest of the week.
"""

from __future__ import annotations

from datetime import datetime, timezone

from airflow.sdk import dag

from hotfix.airflow.follow_up_tasks import measure_period, store_digest, tell_metrics


@dag(
    dag_id="hotfix_metrics",
    schedule="@daily",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    is_paused_upon_creation=False,
    max_active_runs=1,
    tags=["hotfix"],
    doc_md=__doc__,
)
def hotfix_metrics():
    figures = measure_period(days=30)
    store_digest(figures)
    tell_metrics(figures)


hotfix_metrics()
