"""The ``Runs`` port inside a task: Airflow's execution API answers, the database is closed to tasks."""

from __future__ import annotations

from airflow.sdk import get_current_context

from hotfix.domain.recovery import RunState

# States in which the scheduler starts no further task of a run.
ENDED = ("success", "failed")


class AirflowRuns:
    def state(self, dag_id: str, run_id: str) -> RunState:
        task = get_current_context()["ti"]
        # Counting, since asking for the state of a run that was deleted fails like an api-server that is down.
        if not task.get_dr_count(dag_id=dag_id, run_ids=[run_id]):
            return RunState.GONE
        ended = task.get_dr_count(dag_id=dag_id, run_ids=[run_id], states=list(ENDED))
        return RunState.ENDED if ended else RunState.ALIVE
