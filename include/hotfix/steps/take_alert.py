"""What becomes of an alert: at most one run."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from hotfix.domain.alert import Alert
from hotfix.domain.document import Document, clip
from hotfix.domain.errors import AlertRefused, HotfixError, InvalidIncident
from hotfix.ports.bug_database import BugDatabase, Event
from hotfix.ports.catalog import Catalog
from hotfix.ports.clock import Clock
from hotfix.ports.hotfix_runs import HotfixRuns
from hotfix.steps.map_alert import MappedAlert, map_alert

STEP = "intake"
TEXT_LIMIT = 400


class Reception(str, Enum):
    """``STARTED`` a run; ``REPEATED``: its run is there already; ``JOINED``: noted on the run of its service that is
    under way; ``ENDED``: noted on its run that the alert is over; ``NOTHING_TO_END``: it never started one."""

    STARTED = "started"
    REPEATED = "repeated"
    JOINED = "joined"
    ENDED = "ended"
    NOTHING_TO_END = "nothing to end"


class Receipt(Document):
    reception: Reception
    alert: str
    service: str | None = None
    run_id: str | None = None


def take_alert(
    alert: Alert, *, catalog: Catalog, runs: HotfixRuns, bug_database: Callable[[], BugDatabase], clock: Clock
) -> Receipt:
    """Start the run of an alert, unless it or another one of its service is there; note the end of one on its run.

    ``bug_database`` is asked for only where there is something to note.

    Raises:
        AlertRefused: it is about no service, or about several; nothing was started.
        InvalidIncident: its rule makes params that no run may have; nothing was started.
        CannotStartRun: Airflow does not take it now; telling it again is safe.
    """
    title = clip(alert.title, TEXT_LIMIT)
    if not alert.firing:
        return _end(alert, title, catalog, runs, bug_database, clock)
    # What is known needs no rule: the rules may have changed since.
    if known := runs.latest(alert.run_id):
        return Receipt(reception=Reception.REPEATED, alert=title, run_id=known)
    mapped = map_alert(alert, catalog, clock.now())
    if active := runs.active(mapped.service):
        _note(active, f"alert joined: {alert.headline}", alert, runs, bug_database, clock)
        return Receipt(reception=Reception.JOINED, alert=title, service=mapped.service, run_id=active)
    reception = Reception.STARTED if _start(alert, mapped, runs) else Reception.REPEATED
    return Receipt(reception=reception, alert=title, service=mapped.service, run_id=alert.run_id)


def _start(alert: Alert, mapped: MappedAlert, runs: HotfixRuns) -> bool:
    note = f"Started by an alert: {alert.headline}"
    return runs.start(alert.run_id, mapped.params, mapped.started_by, clip(note, TEXT_LIMIT))


def _end(
    alert: Alert, title: str, catalog: Catalog, runs: HotfixRuns, bug_database: Callable[[], BugDatabase], clock: Clock
) -> Receipt:
    run = runs.latest(alert.run_id if alert.outbreak else alert.run_prefix) or _joined(alert, catalog, runs, clock)
    if run is None:
        return Receipt(reception=Reception.NOTHING_TO_END, alert=title)
    _note(run, f"alert resolved: {alert.headline}", alert, runs, bug_database, clock)
    return Receipt(reception=Reception.ENDED, alert=title, run_id=run)


def _joined(alert: Alert, catalog: Catalog, runs: HotfixRuns, clock: Clock) -> str | None:
    """The run that is under way for the service of an alert that started none of its own."""
    try:
        return runs.active(map_alert(alert, catalog, clock.now()).service)
    except (AlertRefused, InvalidIncident):
        return None


def _note(
    run: str, what: str, alert: Alert, runs: HotfixRuns, bug_database: Callable[[], BugDatabase], clock: Clock
) -> None:
    """In the run's note in Airflow, and in the ledger's timeline where the run has opened its incident."""
    said = clip(what, TEXT_LIMIT)
    runs.note(run, said)
    try:
        ledger = bug_database()
        if incident := ledger.incident_of_run(run):
            key = f"{STEP}:{what.partition(':')[0]}:{alert.run_id}"
            ledger.note(incident, Event(at=clock.now(), step=STEP, what=said, key=key))
    except HotfixError as error:
        # A ledger without tables: no run has opened an incident yet.
        if error.retryable:
            raise
