"""The tests for a change, from several sources that do not know of each other, each with its reason."""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

from hotfix.analysis.test_selection.changed_lines import body_lines, lines_to_notice
from hotfix.analysis.test_selection.coverage_data import covering_tests
from hotfix.analysis.test_selection.import_graph import ImportGraph
from hotfix.analysis.test_selection.path_kinds import CODE_SUFFIXES, PathKind, is_python_test, is_test_name, kind_of
from hotfix.analysis.test_selection.path_rules import tests_named_after
from hotfix.analysis.test_selection.references import WHOLE_FILE, Reached, References
from hotfix.analysis.test_selection.source_tree import SourceTree, folder_of, is_under, parse
from hotfix.analysis.test_selection.units import MODULE, Unit, changed_units, units_of
from hotfix.domain.service import Tests
from hotfix.domain.test_map import TestMap
from hotfix.domain.testing import SelectedTest, TestHistory

# How near a test is where no path was followed: past failures first, what merely may be affected last.
FAILED_BEFORE, COVERS, WIDE = 0, 1, 1000
SMOKE_FILES = 10


@dataclass(frozen=True)
class ChangedPath:
    """A file before and after; None where it is not there."""

    path: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Selection:
    """``widened``: what made it larger than what leads to the change, and why. ``missing``: critical, and not there."""

    tests: tuple[SelectedTest, ...]
    widened: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass
class _Chosen:
    reasons: list[str] = field(default_factory=list)
    critical: bool = False
    distance: int = WIDE


def select_tests(
    tree: SourceTree,
    changes: Sequence[ChangedPath],
    profile: Tests,
    *,
    functions: bool,
    history: TestHistory | None = None,
    executed: TestMap | None = None,
) -> Selection:
    """Tests that can notice ``changes`` in the checkout ``tree``, the most informative first.

    ``functions`` chooses single functions where that is safe (``path::name``), which the test command must understand.
    ``executed`` is a map of the version before the changes; where it can tell who executes what changed, only these
    tests are chosen, and those that it does not know.
    """
    with _no_garbage_collection():
        return _Selector(tree, profile, functions, history or TestHistory(), executed).select(changes)


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Syntax trees are millions of small objects without cycles: looking through them again and again takes most of
    the time of a large repository."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def ordered(tests: Iterable[SelectedTest], history: TestHistory) -> tuple[SelectedTest, ...]:
    """Critical ones first, then what failed last time, what is nearest, and what is quickest."""
    return tuple(
        sorted(
            tests,
            key=lambda test: (
                not test.critical,
                test.path not in history.failed,
                test.distance,
                history.seconds.get(test.path, 0.0),
                test.path,
            ),
        )
    )


@dataclass
class _Seen:
    """``units``: ids of changed functions of which a map tells which ``tests`` notice."""

    units: set[int] = field(default_factory=set)
    tests: set[str] = field(default_factory=set)


class _Selector:
    def __init__(
        self, tree: SourceTree, profile: Tests, functions: bool, history: TestHistory, executed: TestMap | None
    ) -> None:
        self._executed = executed
        self._tree = tree
        self._profile = profile
        self._functions = functions
        self._history = history
        self._chosen: dict[str, _Chosen] = {}
        self._changed: set[str] = set()
        self._known_units: dict[str, list[Unit]] = {}
        self._widened: list[str] = []
        self._smoke_wanted: list[str] = []

    def select(self, changes: Sequence[ChangedPath]) -> Selection:
        self._changed = {change.path for change in changes}
        missing = self._choose_critical()
        python: list[ChangedPath] = []
        for change in changes:
            self._choose_for(change, python)
        if python:
            self._choose_by_code(python)
        paths = [change.path for change in changes]
        for test, (path, source) in covering_tests(self._tree.root, paths).items():
            self._choose(test, f"executed {path} ({source})", COVERS)
        for test in self._history.broken_by_similar:
            self._choose(test, "failed for a similar change before", FAILED_BEFORE)
        if self._smoke_wanted:
            for test in self._profile.smoke or self._smoke():
                self._choose(test, f"smoke test, since {', '.join(self._smoke_wanted[:3])} changed", WIDE)
        return Selection(ordered(self._merged(), self._history), tuple(self._widened), tuple(missing))

    # What is critical.

    def _choose_critical(self) -> list[str]:
        missing = []
        for name in self._profile.critical:
            if self._exists(name):
                self._choose(name, "critical for the service", 0, critical=True)
            else:
                missing.append(name)
        for mark in self._profile.critical_markers:
            marked = list(self._marked(mark))
            for name in marked:
                self._choose(name, f"critical for the service (marked {mark})", 0, critical=True)
            if not marked:
                missing.append(f"mark {mark}")
        return missing

    def _marked(self, mark: str) -> Iterable[str]:
        for path in self._python_tests:
            if mark not in self._tree.text(path):
                continue
            units = self._units(path)
            if any(unit.name == "pytestmark" and mark in unit.attributes for unit in units):
                yield path
                continue
            for unit in units:
                if mark in unit.marks and (unit.kind == "class" or unit.name.startswith("test")):
                    yield "::".join(part for part in (path, unit.owner, unit.name) if part) if self._functions else path

    # What a change asks for.

    def _choose_for(self, change: ChangedPath, python: list[ChangedPath]) -> None:
        path, kind = change.path, kind_of(change.path)
        if kind is PathKind.PROSE:
            return
        if kind in (PathKind.TEST, PathKind.PYTHON) and path.endswith(".py"):
            if path not in self._tree.known and change.after is not None:
                self._choose_all(f"{path} changed and cannot be read")
                return
            python.append(change)
        elif kind is PathKind.TEST:
            if path in self._tree.known:
                self._choose(path, "was changed", 0)
        elif kind is PathKind.CONFIGURATION:
            folder = folder_of(path) if path.endswith("conftest.py") else ""
            self._widened.append(f"{path} configures tests: all below {folder or 'the root'}")
            for test in self._every_test:
                if is_under(test, folder):
                    self._choose(test, f"{path} may affect every test", WIDE)
        elif kind is PathKind.DEPENDENCIES:
            self._widened.append(f"{path} is about dependencies: critical tests and a smoke set")
            self._smoke_wanted.append(path)
        elif kind is PathKind.CODE:
            found = list(tests_named_after(path, self._tree))
            for test, distance, reason in found:
                self._choose(test, reason, distance)
            if not found:
                self._choose_all(f"no test is named after {path}")
        else:
            self._choose_for_data(path)

    def _choose_for_data(self, path: str) -> None:
        """A file that is no code: the tests of the code that names it, or all."""
        name = path.rsplit("/", 1)[-1]
        readers = [
            other for other in self._tree.paths
            if other != path and other.endswith(CODE_SUFFIXES) and name in self._tree.text(other)
        ]  # fmt: skip
        python = [reader for reader in readers if reader.endswith(".py")]
        reached = {test: found for test, found in self._graph.reach(python).items() if self._is_test(test)}
        if not reached:
            self._choose_all(f"nobody can say who reads {path}")
            return
        self._widened.append(f"{path} is no code: the tests of the code that names it, and a smoke set")
        self._smoke_wanted.append(path)
        for test, (distance, reader) in reached.items():
            self._choose(test, f"{reader} names {path}", distance + 1)

    def _choose_by_code(self, changes: Sequence[ChangedPath]) -> None:
        reach = self._graph.reach(change.path for change in changes)
        conftests = [path for path in self._tree.python if path.endswith("conftest.py")]
        relevant = sorted({*reach, *conftests} & self._tree.known)
        references = References(self._tree, relevant, self._is_test, self._units)
        for change in changes:
            if not self._functions:
                self._choose_importers(change.path)
                continue
            self._choose_users(change, references)
        for path in references.unreadable:
            if self._functions and self._is_test(path):
                self._choose(path, "cannot be parsed, and imports what changed", reach.get(path, (WIDE, ""))[0])

    def _choose_users(self, change: ChangedPath, references: References) -> None:
        """Tests that lead to what a Python file has otherwise than before."""
        before = parse(change.before) if change.before is not None else None
        old = units_of(change.path, before) if before else []
        unread = change.path in references.unreadable or (change.before is not None and before is None)
        if unread or change.after is None:
            self._choose_importers(change.path)
            return
        if change.before is None and self._is_test(change.path):
            self._choose(change.path, "was changed", 0)
        gone, there = changed_units(old, references.units(change.path))
        if not gone and not there:
            # Comments and docstrings: nothing runs otherwise, but a test that was touched is run all the same.
            if self._is_test(change.path):
                self._choose(change.path, "was changed", 0)
            return
        seen = self._seen_by_map(change.path, gone, there, references) if self._executed else _Seen()
        changed = [unit for unit in (*there, *gone) if id(unit) not in seen.units]
        changed += _users_of_imports(gone, there, references.units(change.path))
        # What a test's file defines is known to those that import it.
        within = self._graph.reach([change.path]) if self._is_test(change.path) else None
        reached = references.reach(changed, stop=seen.units, within=within)
        own = [test for test in reached.tests if test.split("::", 1)[0] == change.path and reached.tests[test][0] == 0]
        for test in own:
            self._choose(test, "was changed", 0)
        self._note_reached(change.path, reached)
        self._choose_executing(change.path, seen, references, [unit for unit in there if id(unit) in seen.units])
        loose = [unit for unit in changed if unit.name == MODULE and not unit.owner]
        if (loose and not self._is_test(change.path)) or not (reached.tests or reached.files or seen.tests):
            # Statements without a name, or a name that nobody uses: whoever imports the file.
            self._choose_importers(change.path)

    def _seen_by_map(self, path: str, gone: Sequence[Unit], there: Sequence[Unit], references: References) -> _Seen:
        """The changed functions of a file of which the map can tell who notices, and these tests."""
        seen = _Seen()
        if self._executed is None or self._is_test(path):
            return seen
        there_now = {unit.qualified for unit in there}
        for old in gone:
            lines = body_lines(old.nodes[0])
            if old.qualified in there_now or lines is None or references.knows(old.name):
                continue
            # Removed, and nobody says its name any more: whoever ran it.
            if self._executed.tells_of(path, lines) and (tests := self._executed.executing(path, lines)):
                seen.units.add(id(old))
                seen.tests |= tests
        for old, new in _pairs(gone, there):
            lines = lines_to_notice(old.nodes[0], new.nodes[0])
            if lines is None or not self._executed.tells_of(path, lines):
                continue
            # Where no test gets there, the map says nothing about who would on the other version.
            if tests := self._executed.executing(path, lines):
                seen.units |= {id(old), id(new)}
                seen.tests |= tests
        if seen.units:
            # What is new, and only said by what was seen above, is only run by it.
            before = {unit.qualified for unit in gone}
            added = [unit for unit in there if unit.kind == "function" and unit.qualified not in before]
            callers = seen.units | {id(unit) for unit in added}
            seen.units |= {id(unit) for unit in added if references.is_called_only_by(unit, callers)}
        return seen

    def _choose_executing(self, path: str, seen: _Seen, references: References, changed: Sequence[Unit]) -> None:
        """Tests that execute what changed in a file, and of those that lead there by name what the map cannot see."""
        if self._executed is None or not seen.units:
            return
        for test in self._known_by(seen.tests):
            # Of a file that changed, the map may know tests that are gone: one of them, and nothing would run.
            there = test.split("::", 1)[0] not in self._changed or self._tree.has_test(test)
            self._choose(test, f"executes changed lines of {path}", COVERS, collected=there)
        reached = references.reach(changed)
        for found in (reached.tests, reached.files):
            for test, (steps, over) in found.items():
                inside = self._mapped_inside(test)
                if not inside:
                    self._choose(test, f"uses {path} ({over})", steps)
                new = [ids[0] for ids in references.tests_in(test) if inside and not inside & set(ids)]
                for name in (*new, *sorted(inside & self._executed.beyond)):
                    self._choose(name, f"uses {path} ({over}), and the map does not show all of it", steps)

    def _known_by(self, tests: set[str]) -> Iterator[str]:
        """``tests`` by their ids; by their files where all of one are among them."""
        by_file: dict[str, set[str]] = defaultdict(set)
        for test in tests:
            by_file[test.split("::", 1)[0]].add(test)
        for path, names in by_file.items():
            if len(names) >= WHOLE_FILE and names >= self._mapped_inside(path):
                yield path
            else:
                yield from names

    def _mapped_inside(self, name: str) -> set[str]:
        """The tests of the map in a file or a class, or the one of that name."""
        path = name.split("::", 1)[0]
        return {test for test in self._mapped_by_file.get(path, ()) if test == name or test.startswith(f"{name}::")}

    @cached_property
    def _mapped_by_file(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for test in self._executed.tests if self._executed else ():
            found[test.split("::", 1)[0]].append(test)
        return found

    def _note_reached(self, path: str, reached: Reached) -> None:
        for group in (reached.tests, reached.files):
            for test, (steps, over) in group.items():
                if test not in self._chosen or "was changed" not in self._chosen[test].reasons:
                    self._choose(test, f"uses {path} ({over})" if steps else "was changed", steps)

    def _choose_importers(self, path: str) -> None:
        reached = {test: found for test, found in self._graph.reach([path]).items() if self._is_test(test)}
        for test, (distance, _) in reached.items():
            if test in self._tree.known:
                self._choose(test, "was changed" if test == path else f"imports {path}", distance)
        if not reached:
            self._choose_all(f"no test imports {path}")

    def _choose_all(self, why: str) -> None:
        self._widened.append(f"{why}: every test")
        for test in self._every_test:
            self._choose(test, why, WIDE)

    # Bookkeeping.

    def _choose(self, name: str, reason: str, distance: int, critical: bool = False, collected: bool = False) -> None:
        if not critical and not (self._functions and (collected or self._surely_collected(name))):
            name = name.split("::", 1)[0]
        if name.split("::", 1)[0] in self._changed and not self._tree.has_test(name):
            # Deleted by the change.
            name = name.split("::", 1)[0]
        name = _with_a_name(name)
        if not self._exists(name):
            return
        chosen = self._chosen.setdefault(name, _Chosen())
        if reason not in chosen.reasons:
            chosen.reasons.append(reason)
        chosen.distance = min(chosen.distance, distance)
        chosen.critical = chosen.critical or critical

    def _surely_collected(self, name: str) -> bool:
        """Whether pytest knows a test by this name: of a class that others inherit from it knows none.

        One name that it does not know makes it run nothing at all.
        """
        path, *inner = name.split("::")
        classes = [unit for unit in self._units(path) if unit.kind == "class" and inner[:1] == [unit.name]]
        return all(
            any(base.rsplit(".", 1)[-1].endswith("TestCase") for base in unit.bases)
            or (not unit.bases and unit.name.startswith("Test"))
            for unit in classes
        )

    def _merged(self) -> Iterable[SelectedTest]:
        """Without functions of files, and files of folders, that are chosen as a whole anyway."""
        whole = {name: chosen for name, chosen in self._chosen.items() if not self._part_of_another(name)}
        for name, chosen in self._chosen.items():
            if name in whole:
                continue
            around = next(other for other in _around(name) if other in whole)
            whole[around].distance = min(whole[around].distance, chosen.distance)
            reasons = whole[around].reasons
            reasons.extend(reason for reason in chosen.reasons if reason not in reasons)
        for name, chosen in whole.items():
            yield SelectedTest(
                path=name, reasons=tuple(chosen.reasons[:5]), critical=chosen.critical, distance=chosen.distance
            )

    def _part_of_another(self, name: str) -> bool:
        return any(other in self._chosen for other in _around(name))

    def _exists(self, name: str) -> bool:
        path = name.split("::", 1)[0].rstrip("/")
        return (
            path == "." or path in self._tree.known or any(other.startswith(f"{path}/") for other in self._tree.paths)
        )

    def _is_test(self, path: str) -> bool:
        return is_python_test(path) and any(is_under(path, folder) for folder in self._profile.paths)

    def _units(self, path: str) -> list[Unit]:
        if path not in self._known_units:
            syntax = self._tree.syntax(path)
            aliased = " as " in self._tree.text(path)
            self._known_units[path] = units_of(path, syntax, aliased) if syntax else []
        return self._known_units[path]

    def _smoke(self) -> list[str]:
        """Few test files that together import the most: each adds what the ones before it leave out."""
        wanted: dict[str, set[str]] = {test: set() for test in self._python_tests}
        for target, importers in self._graph.importers.items():
            for importer in importers:
                if importer in wanted and not self._is_test(target):
                    wanted[importer].add(target)
        found: list[str] = []
        covered: set[str] = set()
        while len(found) < SMOKE_FILES and wanted:
            best = max(sorted(wanted), key=lambda test: len(wanted[test] - covered))
            if found and not wanted[best] - covered:
                break
            covered |= wanted.pop(best)
            found.append(best)
        return found or list(self._every_test[:SMOKE_FILES])

    @cached_property
    def _graph(self) -> ImportGraph:
        return ImportGraph(self._tree, self._profile.source_roots, self._profile.paths)

    @cached_property
    def _python_tests(self) -> tuple[str, ...]:
        return tuple(path for path in self._tree.python if self._is_test(path))

    @cached_property
    def _every_test(self) -> tuple[str, ...]:
        others = (path for path in self._tree.paths if not path.endswith(".py") and is_test_name(path))
        return (*self._python_tests, *others)


def _users_of_imports(gone: Sequence[Unit], there: Sequence[Unit], every: Sequence[Unit]) -> Iterator[Unit]:
    """Parts of a file that use a name which is imported from elsewhere than before."""
    moved = {unit.name for unit in gone if unit.kind == "import"} & {unit.name for unit in there}
    return (unit for unit in every if unit.names & moved)


def _pairs(gone: Sequence[Unit], there: Sequence[Unit]) -> Iterator[tuple[Unit, Unit]]:
    """Functions before and after, where there is one of that name in each."""
    for old in gone:
        same = [unit for unit in gone if unit.qualified == old.qualified]
        new = [unit for unit in there if unit.qualified == old.qualified]
        if len(same) == len(new) == 1 and old.kind == new[0].kind == "function":
            yield old, new[0]


def _with_a_name(name: str) -> str:
    """A test whose file name is no text (not UTF-8) cannot be written down: the folder around it stands for it."""
    path = name
    while not _is_text(path):
        path = folder_of(path.split("::", 1)[0]) or "."
    return path


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _around(name: str) -> Iterable[str]:
    """What a test is part of: its class, its file, the folders above."""
    while "::" in name:
        name = name.rsplit("::", 1)[0]
        yield name
    while folder := folder_of(name):
        yield folder
        name = folder
