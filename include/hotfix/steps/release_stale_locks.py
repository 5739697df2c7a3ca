"""A lock whose run has ended keeps the next hotfix out: give it back, and say so."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager

from hotfix.domain.document import Document
from hotfix.domain.errors import HotfixError
from hotfix.domain.incident import Incident, lock_ref
from hotfix.domain.outcome import RunOutcome
from hotfix.domain.service import ServiceProfile
from hotfix.ports.bug_database import BugDatabase, Event
from hotfix.ports.catalog import Catalog
from hotfix.ports.clock import Clock
from hotfix.ports.repository import Repository
from hotfix.steps.open_incident import release_lock


class LockReport(Document):
    """A line for each lock that was given back, that people have to look at, or that nobody could look at."""

    released: tuple[str, ...]
    unknown: tuple[str, ...]
    unchecked: tuple[str, ...]


def release_stale_locks(
    *,
    catalog: Catalog,
    repository: Callable[[ServiceProfile], Repository],
    about: Callable[[Incident], AbstractContextManager[None]],
    bug_database: BugDatabase,
    clock: Clock,
) -> LockReport:
    """Give back the locks of runs that the ledger has closed.

    One that the ledger does not know may be of another installation that works on the same remote: it stays.
    """
    released: list[str] = []
    unknown: list[str] = []
    unchecked: list[str] = []
    for name in catalog.names():
        try:
            remote = repository(catalog.profile(name))
            holder = remote.read_mark(lock_ref(name))
            if holder is None:
                continue
            incident = _holder(holder, bug_database)
            if incident is None:
                unknown.append(_unknown(name, holder, remote))
            elif bug_database.find(incident, RunOutcome) is not None:
                with about(incident):
                    release_lock(incident, remote)
                said = f"the lock of {name} was still held by run {incident.run_id}, which has ended: given back"
                event = Event(at=clock.now(), step="hotfix_compliance", what=said, key="hotfix_compliance/lock")
                bug_database.note(incident, event)
                released.append(said)
        except HotfixError as error:
            unchecked.append(f"{name}: could not be checked ({error.what})")
    return LockReport(released=tuple(released), unknown=tuple(unknown), unchecked=tuple(unchecked))


def _holder(mark: str, bug_database: BugDatabase) -> Incident | None:
    try:
        run_id = json.loads(mark)["run"]
    except (ValueError, TypeError, KeyError):
        return None
    return bug_database.incident_of_run(str(run_id))


def _unknown(service: str, mark: str, remote: Repository) -> str:
    return (
        f"{service} is locked by {mark.strip()!r:.200}, of which this bug database knows nothing. If no other "
        f"installation is at work: git push {remote.remote} :{lock_ref(service)}"
    )
