"""A process with an Airflow of its own, which does with the runs what it reads, a JSON line a call."""

from __future__ import annotations

import json
import sys
from typing import Any

from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from sqlalchemy import select

from hotfix.airflow.hotfix_runs import DAG_ID, AirflowHotfixRuns
from hotfix.domain.errors import HotfixError


class Observed(AirflowHotfixRuns):
    def noted(self, run_id: str) -> str:
        with create_session() as session:
            return str(session.scalar(select(DagRun).where(DagRun.run_id == run_id)).note)

    def finish(self, run_id: str) -> None:
        with create_session() as session:
            session.scalar(select(DagRun).where(DagRun.run_id == run_id)).state = "success"

    def pause(self, paused: bool) -> None:
        with create_session() as session:
            session.get(DagModel, DAG_ID).is_paused = paused

    def described(self, run_id: str) -> dict[str, Any]:
        with create_session() as session:
            run = session.scalar(select(DagRun).where(DagRun.run_id == run_id))
            return {"type": run.run_type, "conf": run.conf, "by": run.triggering_user_name, "state": run.state}


def main() -> None:
    runs = Observed()
    for line in sys.stdin:
        method, arguments = json.loads(line)
        try:
            answer = {"result": getattr(runs, method)(*arguments)}
        except HotfixError as error:
            answer = {"error": type(error).__name__, "text": str(error)}
        # Airflow writes its log to standard output as well.
        sys.stdout.write(f"\nANSWER {json.dumps(answer)}\n")
        sys.stdout.flush()


main()
