"""``python -m hotfix``: what the workflow can do, from a terminal, without Airflow. One module a group of commands."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from hotfix import __version__
from hotfix.domain.errors import HotfixError, WrongUsage

# Group → its commands. Only the group that is asked for is imported: each needs other libraries, and they take time.
GROUPS = {
    "analyze": ("analyze",),
    "minimize": ("minimize",),
    "security": ("review-security",),
    "select_tests": ("select-tests",),
    "map_tests": ("map-tests",),
    "judge": ("judge",),
    "services": ("check-services",),
    "intake": ("intake-check",),
    "ledger": ("incidents", "show", "owed", "settle", "migrate"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 done, 1 it could not be done (the reason is on standard error), 2 wrong usage.

    ``judge`` has two more, for what it found: 3 unstable, 4 inconclusive.
    """
    given = sys.argv[1:] if argv is None else argv
    arguments = _parser(given).parse_args(given)
    try:
        result: int = arguments.run(arguments)
    except WrongUsage as error:
        print(error, file=sys.stderr)
        return 2
    except HotfixError as error:
        print(error, file=sys.stderr)
        return 1
    return result


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hotfix", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--database", default=None, help="SQLAlchemy URL (default: HOTFIX_BUG_DATABASE, else SQLite)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    asked_for = [group for group, names in GROUPS.items() if set(names) & set(given)]
    for group in asked_for or GROUPS:
        import_module(f"hotfix.cli.{group}").register(commands)
    return parser
