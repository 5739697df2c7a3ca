"""The ``Runs`` port inside a task: Airflow's execution API answers, the database is closed to tasks."""

from __future__ import annotations

from airflow.sdk import get_current_context

from hotfix.domain.recovery import Liveness

# States in which the scheduler starts no further task of a run.
ENDED = ("success", "failed")


class AirflowRuns:
    def liveness(self, dag_id: str, run_id: str) -> Liveness:
        task = get_current_context()["ti"]
        # Counting, since asking for the state of a run that was deleted fails like an api-server that is down.
        if not task.get_dr_count(dag_id=dag_id, run_ids=[run_id]):
            return Liveness.GONE
        ended = task.get_dr_count(dag_id=dag_id, run_ids=[run_id], states=list(ENDED))
        return Liveness.ENDED if ended else Liveness.ALIVE
