"""A process of its own for the tests of many processes: ``python bug_database_worker.py ACTION URL NAME COUNT``.

Prints ``ready`` when it has loaded, starts at a line on its standard input, and prints every write that is done.
"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta, timezone

from hotfix.adapters.bug_database.migrations import upgrade
from hotfix.adapters.bug_database.store import SqlBugDatabase
from hotfix.domain.follow_up import FollowUpItem, FollowUpKind
from hotfix.domain.release import Push
from hotfix.ports.bug_database import Event, IncidentStatus
from tests.contract.bug_database_contract import SHA, an_incident

NOW = datetime(2026, 3, 1, tzinfo=timezone.utc)


def say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def hammer(url: str, name: str, count: int) -> None:
    """Every round: the same incident as everybody's, one of its own, and a write of every sort to the shared one."""
    database = SqlBugDatabase(url)
    for number in range(count):
        shared = database.open_incident(an_incident(id=f"shared-{number}", run_id=f"shared-{number}"))
        database.open_incident(an_incident(id=f"{name}-{number}", run_id=f"{name}-{number}"))
        database.record(shared, Push(branch=name, commit=SHA, remote="r"))
        database.note(shared, Event(at=NOW, step="s", what=name, key="shared"))
        database.note(shared, Event(at=NOW, step="s", what=name, key=name))
        due_at = NOW + timedelta(days=1)
        database.owe(shared, (FollowUpItem(kind=FollowUpKind.FULL_FIX, title=name, due_at=due_at),))
        database.close_incident(shared, IncidentStatus.RESOLVED, NOW, {name: "was here"})
        say(number)


def write_until_killed(url: str, name: str, count: int) -> None:
    database = SqlBugDatabase(url)
    incident = database.open_incident(an_incident())
    for number in range(count):
        database.note(incident, Event(at=NOW, step=name, what="x" * 5000, key=str(number)))
        database.record(incident, Push(branch=f"{number}-" + "x" * 50_000, commit=SHA, remote="r"))
        say(number)


if __name__ == "__main__":
    action, url, name, count = sys.argv[1:]
    say("ready")
    sys.stdin.readline()
    match action:
        case "hammer":
            hammer(url, name, int(count))
        case "write":
            write_until_killed(url, name, int(count))
        case "upgrade":
            upgrade(url)
