"""The bug database from a terminal."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from hotfix.adapters.installation import default_bug_database_url
from hotfix.domain.follow_up import FollowUpKind
from hotfix.ports.bug_database import BugDatabase

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def register(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    listing = commands.add_parser("incidents", help="list incidents, newest first")
    listing.set_defaults(run=_incidents)

    show = commands.add_parser("show", help="everything on record about an incident")
    show.add_argument("incident")
    show.set_defaults(run=_show)

    owed = commands.add_parser("owed", help="list follow-ups that are still owed, the most urgent first")
    owed.set_defaults(run=_owed)

    settle = commands.add_parser("settle", help="mark a follow-up as done")
    settle.add_argument("incident")
    settle.add_argument("kind", choices=[kind.value for kind in FollowUpKind])
    settle.add_argument("--evidence", required=True, help="who did it, and where it can be seen")
    settle.set_defaults(run=_settle)

    migrate = commands.add_parser("migrate", help="bring the bug database's tables up to date")
    migrate.set_defaults(run=_migrate)


def _incidents(arguments: argparse.Namespace) -> int:
    for row in _database(arguments).incidents():
        took = f"{(row.closed_at - row.opened_at).total_seconds():.0f} s" if row.closed_at else "running"
        name = f"{row.id} #{row.attempt}"
        print(f"{row.opened_at:%Y-%m-%d %H:%M}  {row.status.value:<12} {name}  {row.service}  {took}  {row.title}")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    database = _database(arguments)
    attempts = database.attempts(arguments.incident)
    if not attempts:
        print(f"There is no incident {arguments.incident!r}; see: python -m hotfix incidents", file=sys.stderr)
        return 1
    for row in attempts:
        print(f"{row.id} #{row.attempt}  {row.service}  {row.status.value}: {row.title}")
        for name, value in row.facts.items():
            print(f"  {name}: {value}")
        incident = database.incident_of_run(row.run_id)
        for event in database.timeline(incident) if incident else ():
            print(f"  {event.at:%Y-%m-%d %H:%M:%S}  {event.step}: {event.what}")
        for effect in database.effects(incident) if incident else ():
            print(f"  {effect.begun_at:%Y-%m-%d %H:%M:%S}  [{effect.state.value}] {effect.headline}")
    for _, item in database.owed(arguments.incident, only_open=False):
        mark = "x" if item.done_at else " "
        print(f"  [{mark}] {item.kind.value}: {item.title} (due {item.due_at:%Y-%m-%d %H:%M}) {item.evidence}".rstrip())
    return 0


def _owed(arguments: argparse.Namespace) -> int:
    now = datetime.now(timezone.utc)
    for incident, item in _database(arguments).owed():
        late = "  OVERDUE" if item.due_at <= now else ""
        print(f"{item.due_at:%Y-%m-%d %H:%M}  {incident}  {item.kind.value}: {item.title}{late}")
    return 0


def _settle(arguments: argparse.Namespace) -> int:
    now = datetime.now(timezone.utc)
    _database(arguments).settle(arguments.incident, FollowUpKind(arguments.kind), now, arguments.evidence)
    print(f"{arguments.incident}: {arguments.kind} is settled")
    return 0


def _migrate(arguments: argparse.Namespace) -> int:
    from hotfix.adapters.bug_database import upgrade

    upgrade(_url(arguments))
    return 0


def _database(arguments: argparse.Namespace) -> BugDatabase:
    # Here, since it takes longer to import than most commands take to run.
    from hotfix.adapters.bug_database import SqlBugDatabase, upgrade

    upgrade(_url(arguments))
    return SqlBugDatabase(_url(arguments))


def _url(arguments: argparse.Namespace) -> str:
    return arguments.database or default_bug_database_url()
