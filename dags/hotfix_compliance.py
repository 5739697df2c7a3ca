"""### Hotfix compliance

Every hour, three promises are looked after.

**No run is left half-way.** A run without a last word that has ended, is gone from Airflow, or has been silent for
longer than `silence` (seconds) is finished where it fixed the problem and rolled back where it did not. A hotfix that
it left in production is judged first, by what monitoring tells of the time since. People hear of what did not stay
through `incident_response`. A run that is still alive is left alone. After a lost machine, trigger this DAG at once.

**No lock is left behind.** A service's lock whose run has ended is given back, with a line in the record.

**Every follow-up happens.** The approval after the fact, the code review and the full test run are due within 24 hours,
the proper fix within a week. What git proves is settled here; the rest people settle with `python -m hotfix settle`.
The chat is told what is owed.

Red as long as anything is overdue, could not be recovered, or needs a person.
"""

from __future__ import annotations

from datetime import datetime, timezone

from airflow.sdk import Param, dag

from hotfix.airflow import recovery_tasks
from hotfix.airflow.follow_up_tasks import check_follow_ups, report_overdue, tell_compliance
from hotfix.airflow.step_task import RETRIES, RETRY_DELAY
from hotfix.steps.find_dead_runs import SILENCE


@dag(
    dag_id="hotfix_compliance",
    schedule="@hourly",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    is_paused_upon_creation=False,
    max_active_runs=1,
    params={
        "silence": Param(
            int(SILENCE.total_seconds()),
            type="integer",
            minimum=0,
            title="Silence (seconds)",
            description="A run that Airflow counts as running is taken for dead after this long without a line.",
        )
    },
    tags=["hotfix"],
    doc_md=__doc__,
)
def hotfix_compliance():
    recovered = recovery_tasks.recover.expand(run=recovery_tasks.find_dead())
    people = recovery_tasks.EscalateDeadRun.partial(task_id="escalate", retries=RETRIES, retry_delay=RETRY_DELAY)
    people.expand(recovery=recovered) >> recovery_tasks.release_locks()
    report = check_follow_ups()
    tell_compliance(report)
    report_overdue(report)


hotfix_compliance()
