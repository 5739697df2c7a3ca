"""Showing a run where people are: after every task, and never in its way.

Airflow calls ``announce`` when a task has ended and its state is known: the next one does not wait for it, and nothing
that goes wrong here changes a task. Each call brings everything to the newest state in the ledger, so that what one
could not tell the next one does.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hotfix.adapters import installation
from hotfix.airflow.toolbox import Toolbox, toolbox
from hotfix.domain.errors import HotfixError
from hotfix.domain.incident import Incident
from hotfix.domain.run_state import RunState, Untold
from hotfix.ports.announcer import Announcer
from hotfix.ports.bug_database import Event
from hotfix.steps.record import read_record
from hotfix.steps.run_state import run_state
from hotfix.steps.what_went_wrong import NOT_TOLD

log = logging.getLogger("hotfix")

# Seconds. Airflow ends a process that is busy 20 s (task_success_overtime) after its task; the chat has 8 of them.
PATIENCE, LOCK_LIMIT = 5.0, 2.0


def announce(context: Mapping[str, Any], patience: float = PATIENCE) -> None:
    """A callback of a task; ``patience`` is how many seconds a place that does not answer may cost."""
    step = str(context["ti"].task_id).rsplit(".", 1)[-1]
    try:
        incident = toolbox().bug_database.incident_of_run(str(context["dag_run"].run_id))
        if incident is not None:
            announce_incident(incident, step, patience)
    except Exception:
        # The task is over, well or not: whatever this is, it must not look like the task's failure.
        log.exception("%s: the run could not be shown", step)


def announce_incident(incident: Incident, step: str, patience: float = PATIENCE) -> bool:
    """Show the newest state everywhere, and note in the ledger under ``step`` what could not be shown.

    One process of this machine at a time; one that finds the newest state shown already has nothing to do. False where
    another one was at it for too long: it may have begun with an older state.
    """
    tools = toolbox()
    with _alone(incident) as shown:
        if shown is None:
            return False
        record = read_record(incident, tools.bug_database)
        state = run_state(record, tools.bug_database, tools.clock.now())
        digest = hashlib.sha256(state.model_copy(update={"at": incident.opened_at}).model_dump_json().encode())
        if shown.read_text() == digest.hexdigest():
            return True
        sarif = _read(tools, incident, state)
        problems: list[str] = []
        for place in _places(tools, incident, patience, problems):
            introduction = f"{place.name}: {place.introduction}"
            if all(event.what != introduction for event in record.timeline):
                _note(tools, incident, step, introduction, f"shown/{place.name}")
            problems += [f"{place.name}: {problem}" for problem in place.show(state, sarif)]
        for problem in problems:
            log.warning("not told: %s", problem)
            _note(tools, incident, step, f"{NOT_TOLD}{problem}", f"untold/{problem[:80]}")
        tools.bug_database.record(incident, Untold(problems=tuple(problems), at=tools.clock.now()))
        shown.write_text("" if problems else digest.hexdigest())
    return True


def _places(tools: Toolbox, incident: Incident, patience: float, problems: list[str]) -> Iterator[Announcer]:
    try:
        yield tools.code_host(incident.service, patience)
    except HotfixError as error:
        problems.append(str(error))


def _read(tools: Toolbox, incident: Incident, state: RunState) -> str | None:
    if state.security_report is None or not state.pushed_branch:
        return None
    try:
        return tools.artefacts(incident).read(state.security_report)
    except HotfixError as error:
        log.warning("not told: %s", error)
        return None


def _note(tools: Toolbox, incident: Incident, step: str, what: str, key: str) -> None:
    event = Event(at=tools.clock.now(), step=step, what=what[:2000], key=f"{step}/{key}"[:200])
    tools.bug_database.note(incident, event)


@contextmanager
def _alone(incident: Incident) -> Iterator[Path | None]:
    """The file that says which state was shown last; None when another process is busy with it for too long."""
    folder = installation.home() / "announcements"
    folder.mkdir(exist_ok=True)
    path = folder / f"{incident.id}-{incident.attempt}"
    path.touch()
    given_up = time.monotonic() + LOCK_LIMIT
    with path.open() as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > given_up:
                    yield None
                    return
                time.sleep(0.1)
        yield path
