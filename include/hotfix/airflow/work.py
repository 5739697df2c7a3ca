"""Which incident a task works on, for the journal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from airflow.sdk import get_current_context

from hotfix.adapters.journaled import Work
from hotfix.domain.incident import Incident
from hotfix.ports.bug_database import BugDatabase

_GIVEN: ContextVar[Incident | None] = ContextVar("incident", default=None)


@contextmanager
def about(incident: Incident) -> Iterator[None]:
    """For tasks of other DAGs: what happens in here belongs to ``incident``."""
    token = _GIVEN.set(incident)
    try:
        yield
    finally:
        _GIVEN.reset(token)


def work_at_hand(bug_database: BugDatabase) -> Work:
    """The incident given with ``about``, else the one that this run has opened."""
    run_id = str(get_current_context()["dag_run"].run_id)
    return Work(_GIVEN.get() or bug_database.incident_of_run(run_id), run_id)
