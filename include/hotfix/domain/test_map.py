"""Which lines of a version each of its tests executes, and how far that can be relied on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hotfix.domain.document import Sha

Lines = Mapping[str, frozenset[int]]
_FORMAT = 1


class MapUnreadable(ValueError):
    """A text is no test map; the message says why."""


@dataclass(frozen=True)
class TestMap:
    """``tests``: id without parameters → path → lines (from 1) of ``version``.

    ``outside`` ran while nothing was tested (imports), ``unsteady`` ran for other tests when they ran in another order:
    who depends on these lines cannot be told. Tests ``beyond`` did something that cannot be seen, as in a process of
    their own.
    """

    __test__ = False

    version: Sha
    tests: Mapping[str, Lines]
    outside: Lines
    unsteady: Lines
    beyond: frozenset[str]

    def executing(self, path: str, lines: frozenset[int]) -> set[str]:
        """The tests that execute one of ``lines`` of a file."""
        return {test for test, files in self.tests.items() if lines & files.get(path, frozenset())}

    def tells_of(self, path: str, lines: frozenset[int]) -> bool:
        """Whether it can be told who executes ``lines`` of a file."""
        doubtful = self.outside.get(path, frozenset()) | self.unsteady.get(path, frozenset())
        return not lines & doubtful


def map_of_two_runs(forward: TestMap, backward: TestMap) -> TestMap:
    """One map of two runs in opposite orders: what a test left behind for others shows as a difference."""
    tests: dict[str, Lines] = {}
    unsteady: dict[str, frozenset[int]] = {}
    for name in forward.tests.keys() | backward.tests.keys():
        one, other = forward.tests.get(name, {}), backward.tests.get(name, {})
        tests[name] = _united((one, other))
        for path in one.keys() | other.keys():
            if difference := one.get(path, frozenset()) ^ other.get(path, frozenset()):
                unsteady[path] = unsteady.get(path, frozenset()) | difference
    return TestMap(
        version=forward.version,
        tests=tests,
        outside=_united((forward.outside, backward.outside)),
        unsteady=unsteady,
        beyond=forward.beyond | backward.beyond,
    )


def map_to_text(found: TestMap) -> str:
    """As JSON, lines as ranges: ``{"a.py": "1-3,7"}``."""
    return json.dumps(
        {
            "format": _FORMAT,
            "version": found.version,
            "outside": _to_ranges(found.outside),
            "unsteady": _to_ranges(found.unsteady),
            "beyond": sorted(found.beyond),
            "tests": {name: _to_ranges(lines) for name, lines in sorted(found.tests.items())},
        }
    )


def map_from_text(text: str) -> TestMap:
    """What ``map_to_text`` wrote.

    Raises:
        MapUnreadable: it did not.
    """
    try:
        given = json.loads(text)
        if given["format"] != _FORMAT:
            raise MapUnreadable(f"it has format {given['format']!r}, and {_FORMAT} is read: make it again")
        return TestMap(
            version=str(given["version"]),
            tests={str(name): _from_ranges(lines) for name, lines in given["tests"].items()},
            outside=_from_ranges(given["outside"]),
            unsteady=_from_ranges(given["unsteady"]),
            beyond=frozenset(map(str, given["beyond"])),
        )
    except MapUnreadable:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MapUnreadable(f"it is no test map ({type(error).__name__}: {error!s:.100})") from None


def _united(several: Iterable[Lines]) -> dict[str, frozenset[int]]:
    found: dict[str, frozenset[int]] = {}
    for lines in several:
        for path, numbers in lines.items():
            found[path] = found.get(path, frozenset()) | numbers
    return found


def _to_ranges(lines: Lines) -> dict[str, str]:
    return {path: ",".join(_ranges(numbers)) for path, numbers in sorted(lines.items())}


def _ranges(numbers: Iterable[int]) -> Iterable[str]:
    start = last = None
    for number in sorted(numbers):
        if last is not None and number == last + 1:
            last = number
            continue
        if start is not None:
            yield f"{start}-{last}" if last != start else f"{start}"
        start = last = number
    if start is not None:
        yield f"{start}-{last}" if last != start else f"{start}"


def _from_ranges(given: Mapping[str, str]) -> dict[str, frozenset[int]]:
    return {str(path): frozenset(_numbers(text)) for path, text in given.items()}


def _numbers(text: str) -> Iterable[int]:
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)
