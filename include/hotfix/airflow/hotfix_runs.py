"""The runs of ``emergency_hotfix`` in Airflow's own database, for the api-server: tasks have no access to it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from airflow.api.common.trigger_dag import trigger_dag
from airflow.exceptions import DagNotFound, DagRunAlreadyExists
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from hotfix.domain.errors import CannotStartRun, InvalidIncident

DAG_ID = "emergency_hotfix"
NOTE_LIMIT = 1000
REHEARSAL = "intake__rehearsal"
_UNDER_WAY = (DagRunState.QUEUED, DagRunState.RUNNING)

log = logging.getLogger("hotfix.intake")


class AirflowHotfixRuns:
    """``HotfixRuns`` by the function with which Airflow's own API starts the run of a ``TriggerDagRunOperator``."""

    def start(self, run_id: str, params: Mapping[str, Any], started_by: str, note: str) -> bool:
        with _session() as session:
            return _start(session, run_id, params, started_by, note)

    def rehearse(self, params: Mapping[str, Any]) -> None:
        with _session() as session:
            _start(session, REHEARSAL, params, REHEARSAL, REHEARSAL)
            session.rollback()

    def latest(self, prefix: str) -> str | None:
        with _session() as session:
            return session.scalar(
                select(DagRun.run_id)
                .where(DagRun.dag_id == DAG_ID, DagRun.run_id.startswith(prefix, autoescape=True))
                .order_by(DagRun.run_after.desc(), DagRun.id.desc())
                .limit(1)
            )

    def active(self, service: str) -> str | None:
        under_way = select(DagRun.run_id, DagRun.conf).where(DagRun.dag_id == DAG_ID, DagRun.state.in_(_UNDER_WAY))
        with _session() as session:
            runs = session.execute(under_way.order_by(DagRun.run_after, DagRun.id))
            return next((run_id for run_id, conf in runs if (conf or {}).get("service") == service), None)

    def note(self, run_id: str, text: str) -> None:
        with _session() as session:
            run = session.scalar(select(DagRun).where(DagRun.dag_id == DAG_ID, DagRun.run_id == run_id))
            if run is None:
                return
            lines = (run.note or "").splitlines()
            if text not in lines:
                # The first line says what started the run; of the others the newest matter.
                while lines[1:] and len("\n".join((*lines, text))) > NOTE_LIMIT:
                    del lines[1]
                run.note = "\n".join((*lines, text))[:NOTE_LIMIT]


def _start(session: Session, run_id: str, params: Mapping[str, Any], started_by: str, note: str) -> bool:
    _require_dag(session)
    try:
        trigger_dag(
            DAG_ID,
            triggered_by=DagRunTriggeredByType.REST_API,
            run_type=DagRunType.MANUAL,
            triggering_user_name=started_by,
            run_id=run_id,
            conf=dict(params),
            note=note,
            session=session,
        )
        session.flush()
    except (DagRunAlreadyExists, IntegrityError):
        # Asked before, or at the same moment by another process: the id is unique in the database.
        session.rollback()
        return False
    except DagNotFound:
        raise _not_there() from None
    except ValueError as error:
        # The DAG's own schema of the params, as for the trigger form.
        session.rollback()
        raise InvalidIncident((str(error),)) from None
    return True


def _require_dag(session: Session) -> None:
    dag = session.get(DagModel, DAG_ID)
    if dag is None or dag.is_stale:
        raise _not_there()
    if dag.has_import_errors:
        raise CannotStartRun(f"The DAG {DAG_ID} has import errors.", "Airflow's UI shows them; mend them.")
    if dag.is_paused:
        # A run that waits in a queue would look like one that somebody takes care of.
        raise CannotStartRun(f"The DAG {DAG_ID} is paused.", "Unpause it; nothing was started.")


def _not_there() -> CannotStartRun:
    return CannotStartRun(f"Airflow has no DAG {DAG_ID}.", "See the log of the dag-processor.")


@contextmanager
def _session() -> Iterator[Session]:
    try:
        with create_session(scoped=False) as session:
            yield session
    except DBAPIError as error:
        log.warning("Airflow's database refused: %s", type(error.orig).__name__)
        raise CannotStartRun("Airflow's database does not answer.", "Telling it again is safe.") from None
