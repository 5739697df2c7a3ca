"""Which tests a change needs, from a terminal."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hotfix.adapters.git import GitRepository
from hotfix.domain.document import Sha
from hotfix.domain.errors import GitFailed, HotfixError, WrongUsage

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from hotfix.analysis.test_selection.select import Selection
    from hotfix.analysis.test_selection.source_tree import SourceTree
    from hotfix.domain.service import Tests
    from hotfix.domain.test_map import TestMap

EXIT_EMPTY = 3
SHOWN = 40


def register(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    select = commands.add_parser(
        "select-tests",
        help="choose the tests that can notice a change",
        description="Choose the tests that can notice the change between two commits, or a patch on the second one. "
        "Nothing is run, and the repository is only read. Exit status: 0 done, 3 no test was selected, 2 wrong usage, "
        "1 failed.",
    )
    select.add_argument("--repo", type=Path, required=True, metavar="DIR", help="a git repository on this machine")
    select.add_argument("--base", required=True, metavar="REF", help="the version in production")
    select.add_argument("--head", required=True, metavar="REF", help="the changed version")
    select.add_argument("--patch", type=Path, metavar="FILE", help="the change is this patch on --head")
    select.add_argument("--json", type=Path, metavar="FILE", help="write the selection there")
    select.add_argument(
        "--tests",
        action="append",
        default=[],
        metavar="PATH",
        help="where tests are (default: wherever they are named so)",
    )
    select.add_argument("--critical", action="append", default=[], metavar="TEST", help="a test that always runs")
    select.add_argument("--files", action="store_true", help="whole files, no single functions")
    select.add_argument(
        "--map",
        type=Path,
        metavar="FILE",
        help="what each test executes, as map-tests found it for production's version",
    )
    select.set_defaults(run=_select)


def _select(arguments: argparse.Namespace) -> int:
    from hotfix.analysis.test_selection.select import select_tests
    from hotfix.analysis.test_selection.source_tree import SourceTree
    from hotfix.steps.run_critical_tests import changed_paths

    with tempfile.TemporaryDirectory(prefix="hotfix-tests-") as place:
        try:
            repository = GitRepository.of_folder(Path(place), arguments.repo.resolve(strict=True))
        except (OSError, GitFailed) as error:
            raise WrongUsage(f"--repo: {arguments.repo} is not a git repository ({error}).") from None
        base, head = (_version(repository, arguments, which) for which in ("base", "head"))
        if arguments.patch:
            base, head = head, _patched(repository, head, arguments.patch)
        executed = _map(arguments.map, base)
        with repository.checkout(head) as checkout:
            started = time.monotonic()
            tree = SourceTree(checkout)
            changes = changed_paths(repository, base, head)
            selection = select_tests(
                tree, changes, _profile(arguments, tree), functions=not arguments.files, executed=executed
            )
            seconds = time.monotonic() - started
    _write(arguments.json, selection, seconds)
    _show(selection, seconds)
    if len(selection.tests) > SHOWN and executed is None and not arguments.files:
        command = f"python -m hotfix map-tests --repo {arguments.repo} --ref {base[:10]} --map FILE -- python -m pytest"
        print(f"That is by names alone. With a map of production's version fewer do: {command}", file=sys.stderr)
    return 0 if selection.tests else EXIT_EMPTY


def _version(repository: GitRepository, arguments: argparse.Namespace, which: str) -> Sha:
    given = getattr(arguments, which)
    found = repository.resolve_in_place(given)
    if found is None:
        raise WrongUsage(f"--{which}: {arguments.repo} has no version {given!r}.")
    return found


def _patched(repository: GitRepository, head: Sha, file: Path) -> Sha:
    """A commit with the patch, in our own throw-away mirror."""
    try:
        patch = file.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise WrongUsage(f"--patch: {file} cannot be read ({error.strerror}).") from None
    try:
        return repository.apply_patch(head, patch, "the patch", repository.commit(head).at)
    except (GitFailed, UnicodeEncodeError) as error:
        raise HotfixError(f"{file} cannot be applied to {head[:10]} ({error}).") from None


def _map(file: Path | None, base: Sha) -> TestMap | None:
    from hotfix.domain.test_map import MapUnreadable, map_from_text

    if file is None:
        return None
    try:
        found = map_from_text(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise WrongUsage(f"--map: {file} cannot be read ({error.strerror}).") from None
    except (MapUnreadable, UnicodeDecodeError) as error:
        raise WrongUsage(f"--map: {file}: {error}.") from None
    if found.version != base:
        raise WrongUsage(
            f"--map: {file} is of {found.version[:10]}, and the change begins at {base[:10]}: "
            "make one of that version with map-tests."
        )
    return found


def _profile(arguments: argparse.Namespace, tree: SourceTree) -> Tests:
    from hotfix.analysis.test_selection.import_graph import source_roots
    from hotfix.domain.service import Tests

    try:
        return Tests(
            critical=tuple(arguments.critical),
            critical_markers=() if arguments.critical else ("critical",),
            paths=tuple(arguments.tests) or (".",),
            source_roots=source_roots(tree.python),
        )
    except ValueError as error:
        raise WrongUsage(f"--tests, --critical: {error}") from None


def _write(file: Path | None, selection: Selection, seconds: float) -> None:
    if file is None:
        return
    content = {
        "selected": [
            {"path": test.path, "reasons": list(test.reasons), "critical": test.critical, "distance": test.distance}
            for test in selection.tests
        ],
        "widened": list(selection.widened),
        "seconds": round(seconds, 3),
    }
    try:
        # ASCII: a file name that is no UTF-8 is escaped, and stays what it is.
        file.write_text(json.dumps(content, indent=1) + "\n", encoding="ascii")
    except OSError as error:
        raise HotfixError(f"{file} cannot be written ({error.strerror}).") from None


def _show(selection: Selection, seconds: float) -> None:
    for test in selection.tests[:SHOWN]:
        print(printable(f"{test.path}  ({'; '.join(test.reasons)})"))
    if len(selection.tests) > SHOWN:
        print(f"… and {len(selection.tests) - SHOWN} more")
    for line in selection.widened:
        print(printable(f"widened: {line}"))
    print(f"{len(selection.tests)} selected in {seconds:.2f} s")
    if not selection.tests:
        print("no test was selected: nothing would be shown about the change", file=sys.stderr)


def printable(text: str) -> str:
    """One line for a terminal, whatever a file is called."""
    return "".join(character if character.isprintable() else f"\\u{ord(character):04x}" for character in text)
