"""``python -m hotfix``: the bug database and the service catalog from a terminal, without Airflow."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime, timezone

from hotfix import __version__
from hotfix.adapters.bug_database import SqlBugDatabase, upgrade
from hotfix.adapters.catalog import YamlCatalog
from hotfix.adapters.git import GitRepository
from hotfix.adapters.installation import catalog_folder, default_bug_database_url, home
from hotfix.domain.errors import HotfixError
from hotfix.domain.follow_up import FollowUpKind
from hotfix.ports.bug_database import BugDatabase


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 done, 1 it could not be done (the reason is on standard error), 2 wrong usage."""
    arguments = _parser().parse_args(argv)
    try:
        result: int = arguments.run(arguments)
    except HotfixError as error:
        print(error, file=sys.stderr)
        return 1
    return result


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hotfix", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--database", default=None, help="SQLAlchemy URL (default: HOTFIX_BUG_DATABASE, else SQLite)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    services = commands.add_parser("check-services", help="read every service profile and reach its repository")
    services.set_defaults(run=_check_services)

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
    return parser


def _check_services(arguments: argparse.Namespace) -> int:
    catalog = YamlCatalog(catalog_folder())
    names = catalog.names()
    if not names:
        print(f"{catalog_folder()} holds no service profile", file=sys.stderr)
        return 1
    broken = 0
    for name in names:
        try:
            profile = catalog.profile(name)
            repository = GitRepository(home() / "mirrors", profile.repository)
            repository.fetch()
            head = repository.resolve(f"refs/heads/{profile.default_branch}")
            if head is None:
                raise HotfixError(f"{repository.remote} has no branch {profile.default_branch}.")
            missing = sorted(
                set(profile.tests.critical) - set(repository.files(head)) - _folders(repository.files(head))
            )
            if missing:
                raise HotfixError(f"critical tests are not in the repository: {', '.join(missing)}.")
            print(f"{name}: ok, {profile.default_branch} is at {head[:12]}")
        except HotfixError as error:
            broken += 1
            print(f"{name}: {error}", file=sys.stderr)
    return 1 if broken else 0


def _folders(files: Sequence[str]) -> set[str]:
    return {"/".join(parts[:depth]) for file in files for parts in [file.split("/")] for depth in range(1, len(parts))}


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
    upgrade(_url(arguments))
    return 0


def _database(arguments: argparse.Namespace) -> BugDatabase:
    upgrade(_url(arguments))
    return SqlBugDatabase(_url(arguments))


def _url(arguments: argparse.Namespace) -> str:
    return arguments.database or default_bug_database_url()
