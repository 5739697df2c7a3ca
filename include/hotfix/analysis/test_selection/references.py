"""Which test functions lead to changed code, by the names that they and everything in between use.

There are no types: a method is reached by whoever uses its name behind a dot. That finds too much rather than too
little. Where names cannot tell (registered functions, special methods, statements of a module), the class or the whole
file stands for what changed.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from io import BytesIO, TextIOWrapper
from pathlib import PurePosixPath

from hotfix.analysis.test_selection.source_tree import SourceTree, folder_of, is_under
from hotfix.analysis.test_selection.units import MODULE, Unit

_SET_UP = frozenset({
    "setUp", "tearDown", "setUpClass", "tearDownClass", "asyncSetUp", "asyncTearDown", "setup_method",
    "teardown_method", "setup_class", "teardown_class", "setup_module", "teardown_module", "setup",
    "teardown", "setup_function", "teardown_function", "setUpModule", "tearDownModule",
})  # fmt: skip

# Methods that built-in objects have too: behind a dot they say nothing without the class.
_OF_BUILTINS = frozenset(
    name for kind in (dict, list, str, bytes, set, int, float, TextIOWrapper, BytesIO) for name in dir(kind)
    if not name.startswith("_")
)  # fmt: skip
ZONE_STEPS = 3
# With fewer tests there is nothing to save.
WHOLE_FILE = 4


@dataclass
class Reached:
    """``tests``: id → steps between it and the change, and over what; ``files`` are reached as a whole."""

    tests: dict[str, tuple[int, str]] = field(default_factory=dict)
    files: dict[str, tuple[int, str]] = field(default_factory=dict)


class References:
    """Names of all units of ``paths``; ``is_test`` says which files are collected as tests, ``units`` reads one."""

    def __init__(
        self,
        tree: SourceTree,
        paths: Iterable[str],
        is_test: Callable[[str], bool],
        units: Callable[[str], list[Unit]],
    ) -> None:
        self._tree = tree
        self._is_test = is_test
        self.unreadable: list[str] = []
        self._units: dict[str, list[Unit]] = {}
        self._by_name: dict[str, list[Unit]] = defaultdict(list)
        self._by_attribute: dict[str, list[Unit]] = defaultdict(list)
        self._by_word: dict[str, list[Unit]] = defaultdict(list)
        self._by_parameter: dict[str, list[Unit]] = defaultdict(list)
        self._by_base: dict[str, list[Unit]] = defaultdict(list)
        self._classes: dict[str, list[Unit]] = defaultdict(list)
        self._members: dict[tuple[str, str], list[Unit]] = defaultdict(list)
        for path in paths:
            if tree.syntax(path) is None:
                self.unreadable.append(path)
                continue
            self._units[path] = units(path)
            for unit in self._units[path]:
                self._index(unit)

    def units(self, path: str) -> list[Unit]:
        return self._units.get(path, [])

    def reach(
        self, changed: Sequence[Unit], *, stop: Collection[int] = (), within: Collection[str] | None = None
    ) -> Reached:
        """Tests that lead to ``changed``, but not over units whose ``id`` is in ``stop`` or files not in ``within``."""
        reached = Reached()
        seen: set[int] = set()
        waiting: deque[tuple[Unit, int]] = deque((unit, 0) for unit in changed)
        spread: set[tuple[str, str]] = set()
        origin = ", ".join(sorted({unit.qualified for unit in changed})[:3])
        while waiting:
            unit, steps = waiting.popleft()
            if id(unit) in seen or id(unit) in stop or (within is not None and unit.path not in within):
                continue
            seen.add(id(unit))
            self._note(unit, steps, origin, reached)
            if self._is_test(unit.path) and unit.kind == "function" and unit.name.startswith("test"):
                # Nobody calls a test.
                continue
            for key, users in self._users(unit):
                if key not in spread:
                    spread.add(key)
                    waiting.extend((user, steps + 1) for user in users)
        self._take_whole_files(reached)
        return reached

    def knows(self, name: str) -> bool:
        """Whether anything has or says a name."""
        said = (self._by_name, self._by_attribute, self._by_word, self._by_parameter)
        return any(index.get(name) for index in said) or any(
            unit.name == name for units in self._units.values() for unit in units
        )

    def is_called_only_by(self, unit: Unit, callers: Collection[int]) -> bool:
        """Whether a function can run only where ``callers`` (by ``id``) say its name: no decorator keeps it, and no
        class above its own could have it called."""
        heirs_of = [base for around in self._class_of(unit) for base in around.bases] if unit.owner else []
        if unit.registered or unit.fixture or _is_special(unit.name) or heirs_of or self._by_base[unit.owner]:
            return False
        said = (self._by_name, self._by_attribute, self._by_word, self._by_parameter)
        return all(id(user) in callers for index in said for user in index[unit.name] if user.kind != "class")

    def tests_in(self, name: str) -> list[list[str]]:
        """The tests that a file, or a class ``path::Class`` of it, defines: each by all its ids, one for every class
        that runs it."""
        path = name.split("::", 1)[0]
        every = [
            ["::".join(part for part in (path, owner, unit.name) if part) for owner in self._collected(unit)
             if not owner or self._is_test_class(owner)]
            for unit in self.units(path)
            if unit.kind == "function" and unit.name.startswith("test")
        ]  # fmt: skip
        return [ids for ids in every if ids and (name == path or any(each.startswith(f"{name}::") for each in ids))]

    def _is_test_class(self, name: str) -> bool:
        """By its name, or that of a class above it."""
        waiting, seen = [name], set()
        while waiting:
            current = waiting.pop()
            if current.startswith("Test") or current.endswith("TestCase"):
                return True
            if current not in seen:
                seen.add(current)
                waiting += [base for unit in self._classes[current] for base in unit.bases]
        return False

    def _take_whole_files(self, reached: Reached) -> None:
        """A file whose tests are all reached is named once: a command line has an end."""
        by_file: dict[str, list[str]] = defaultdict(list)
        for test in reached.tests:
            by_file[test.split("::", 1)[0]].append(test)
        for path, tests in by_file.items():
            every = {
                f"{path}::{unit.qualified.replace('.', '::')}"
                for unit in self.units(path)
                if unit.kind == "function" and unit.name.startswith("test")
            }
            if len(every) >= WHOLE_FILE and every <= set(tests):
                nearest = min(reached.tests[test] for test in tests)
                reached.files.setdefault(path, nearest)
                for test in tests:
                    if reached.tests[test][0]:
                        del reached.tests[test]

    def _index(self, unit: Unit) -> None:
        for names, index in (
            (unit.names, self._by_name), (unit.attributes, self._by_attribute),
            (unit.words, self._by_word), (unit.parameters, self._by_parameter),
        ):  # fmt: skip
            for name in names:
                index[name].append(unit)
        for base in unit.bases:
            self._by_base[base].append(unit)
        if unit.kind == "class":
            self._classes[unit.name].append(unit)
        if unit.owner:
            self._members[unit.path, unit.owner].append(unit)

    def _users(self, unit: Unit) -> Iterable[tuple[tuple[str, str], list[Unit]]]:
        """Who may run or read a unit, each group under a key that names it."""
        name = unit.name
        if unit.kind == "module":
            # It hands what it names to something else that it names: a registry, a table.
            for other in sorted(unit.names):
                yield ("name", other), self._by_name[other]
            return
        if unit.kind == "import":
            return
        if unit.fixture:
            yield ("fixture", name), [*self._by_parameter[name], *self._by_word[name]]
            if unit.autouse:
                yield ("autouse", f"{unit.path}:{unit.owner}"), self._served(unit)
            return
        if unit.owner:
            users = [*self._by_attribute[name], *self._by_word[name]]
            inside = [other for other in self._members[unit.path, unit.owner] if name in other.names]
            if _is_special(name) or not (users or inside) or unit.registered:
                # Nobody says its name: it runs through its class.
                yield ("class", f"{unit.path}:{unit.owner}"), self._class_of(unit)
            if name in _OF_BUILTINS:
                zone = self._zone(unit.owner)
                users = [user for user in users if id(user) in zone]
                yield ("attribute", f"{unit.owner}.{name}"), users
            elif not _is_special(name):
                yield ("attribute", name), users
                yield ("inside", f"{unit.path}:{unit.owner}.{name}"), inside
            return
        yield ("name", name), [*self._by_name[name], *self._by_attribute[name], *self._by_word[name]]
        if unit.registered:
            yield ("file", unit.path), self.units(unit.path)

    def _zone(self, owner: str) -> set[int]:
        """Units in which an instance of a class may be at hand: those that name it, or something that does."""
        zone: set[int] = set()
        names = {owner}
        for _ in range(ZONE_STEPS):
            found = [user for name in names for user in (*self._by_name[name], *self._by_attribute[name],
                                                        *self._by_parameter[name], *self._by_word[name])]  # fmt: skip
            zone.update(map(id, found))
            names = {user.owner or user.name for user in found} | {user.name for user in found if not user.owner}
        return zone

    def _class_of(self, unit: Unit) -> list[Unit]:
        return [other for other in self.units(unit.path) if other.kind == "class" and other.name == unit.owner]

    def _served(self, fixture: Unit) -> list[Unit]:
        """What an automatic fixture runs for."""
        if fixture.owner:
            return self._members[fixture.path, fixture.owner]
        if PurePosixPath(fixture.path).name == "conftest.py":
            folder = folder_of(fixture.path)
            return [unit for path, units in self._units.items() if is_under(path, folder) for unit in units]
        return self.units(fixture.path)

    def _note(self, unit: Unit, steps: int, origin: str, reached: Reached) -> None:
        if not self._is_test(unit.path):
            return
        why = (steps, origin)
        if unit.kind == "function" and unit.name.startswith("test"):
            for owner in self._collected(unit):
                reached.tests.setdefault("::".join(part for part in (unit.path, owner, unit.name) if part), why)
        elif unit.kind == "module" or (unit.name in _SET_UP and not unit.owner):
            reached.files.setdefault(unit.path, why)
        elif unit.name in _SET_UP or unit.kind == "class":
            self._note_class(unit.path, unit.owner if unit.name in _SET_UP else unit.name, why, reached)
        elif unit.kind == "variable" and (unit.name.startswith(("Test", "test")) or unit.name == "pytestmark"):
            # Made by a call: what it holds only shows when it runs.
            reached.files.setdefault(unit.path, why)

    def _note_class(self, path: str, name: str, why: tuple[int, str], reached: Reached) -> None:
        if self._has_tests(path, name):
            reached.tests.setdefault(f"{path}::{name}", why)

    def _has_tests(self, path: str, name: str) -> bool:
        if any(unit.name.startswith("test") for unit in self._members[path, name]):
            return True
        bases = [base for unit in self.units(path) if unit.kind == "class" and unit.name == name for base in unit.bases]
        return name.startswith("Test") or "TestCase" in bases

    def _collected(self, unit: Unit) -> list[str]:
        """The classes that run a test, by name; of a method of a base class in the same file, those that inherit it."""
        if not unit.owner:
            return [""]
        heirs = [other.name for other in self._by_base[unit.owner] if other.path == unit.path]
        return [unit.owner, *heirs]


def _is_special(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


__all__ = ["MODULE", "Reached", "References"]
