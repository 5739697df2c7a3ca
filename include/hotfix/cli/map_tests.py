"""What each test of a version executes, from a terminal."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hotfix.adapters.git import GitRepository
from hotfix.domain.errors import GitFailed, HotfixError, WrongUsage

if TYPE_CHECKING:
    from argparse import _SubParsersAction

TIME_LIMIT = 3600


def register(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    mapped = commands.add_parser(
        "map-tests",
        help="note which lines each test of a version executes, for select-tests --map",
        description="Run a pytest suite twice on a version, in opposite orders, and note which lines each test "
        "executes. Exit status: 0 done, 2 wrong usage, 1 failed.",
    )
    mapped.add_argument("--repo", type=Path, required=True, metavar="DIR", help="a git repository on this machine")
    mapped.add_argument("--ref", required=True, metavar="REF", help="the version, usually production's")
    mapped.add_argument("--map", type=Path, required=True, metavar="FILE", help="write the map there")
    mapped.add_argument(
        "--env", action="append", default=[], metavar="NAME=VALUE", help="a variable for the command; may be repeated"
    )
    mapped.add_argument(
        "--time-limit", type=float, default=TIME_LIMIT, metavar="SECONDS", help=f"of one run ({TIME_LIMIT})"
    )
    mapped.add_argument("command", nargs="+", metavar="COMMAND", help="after --: pytest on the whole suite")
    mapped.set_defaults(run=_map)


def _map(arguments: argparse.Namespace) -> int:
    from hotfix.adapters.test_map import MapUnusable, collect_map
    from hotfix.domain.test_map import map_to_text

    environment = dict(_variable(each) for each in arguments.env)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hotfix-map-") as place:
        try:
            repository = GitRepository.of_folder(Path(place), arguments.repo.resolve(strict=True))
        except (OSError, GitFailed) as error:
            raise WrongUsage(f"--repo: {arguments.repo} is not a git repository ({error}).") from None
        version = repository.resolve_in_place(arguments.ref)
        if version is None:
            raise WrongUsage(f"--ref: {arguments.repo} has no version {arguments.ref!r}.")
        with repository.checkout(version) as checkout:
            try:
                found = collect_map(
                    arguments.command,
                    checkout,
                    version,
                    environment=environment,
                    time_limit=arguments.time_limit,
                )
            except MapUnusable as error:
                raise HotfixError(f"No map was made: {error}.") from None
    _write(arguments.map, map_to_text(found))
    print(f"{len(found.tests)} tests of {version[:10]} in {time.monotonic() - started:.1f} s: {arguments.map}")
    return 0


def _variable(given: str) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    if not name or not equals:
        raise WrongUsage(f"--env: {given!r} is not NAME=VALUE.")
    return name, value


def _write(file: Path, text: str) -> None:
    """Whole or not at all: half a map would look like tests that execute little."""
    try:
        with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False, encoding="ascii") as written:
            written.write(text)
        Path(written.name).replace(file)
    except OSError as error:
        raise HotfixError(f"{file} cannot be written ({error.strerror}).") from None
