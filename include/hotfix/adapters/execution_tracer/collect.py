"""The hook put into a command, and its notes read back."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from hotfix.adapters.untrusted_file import read_untrusted
from hotfix.domain.execution import ExecutedFunction, Execution

SIZE_LIMIT = 20 * 1024 * 1024
HOOK = Path(__file__).with_name("hook")
_PATH = "PYTHONPATH"


def instrumented(
    argv: Sequence[str], environment: Mapping[str, str], checkout: Path, notes: Path
) -> tuple[tuple[str, ...], dict[str, str]]:
    """``argv`` and ``environment`` with the hook on Python's path.

    An argument ``PYTHONPATH=…`` (as ``env`` takes it) would hide the hook: it is put in front there too.
    """
    added = {
        _PATH: _in_front(environment.get(_PATH, "")),
        "HOTFIX_TRACE_ROOT": str(checkout),
        "HOTFIX_TRACE_NOTES": str(notes),
    }
    patched = tuple(
        f"{_PATH}={_in_front(argument[len(_PATH) + 1 :])}" if argument.startswith(f"{_PATH}=") else argument
        for argument in argv
    )
    return patched, {**environment, **added}


def read_execution(notes: Path) -> Execution | None:
    """What all processes of a command noted; None when there is nothing (no Python, or it was killed)."""
    found: dict[tuple[str, str, int], tuple[frozenset[int], bool, int]] = {}
    for file in sorted(notes.glob("*.json")):
        try:
            rows = [_row(*row) for row in json.loads(read_untrusted(file, SIZE_LIMIT))]
        except (OSError, ValueError, TypeError, RecursionError):
            # Cut off, or not the hook's: the program could write there too.
            continue
        for path, name, first, lines, imported, last in rows:
            known, before, late = found.get((path, name, first), (frozenset[int](), True, 0))
            found[path, name, first] = (known | lines, before and imported, max(last, late))
    in_order = sorted(found.items(), key=lambda item: item[1][2])
    functions = tuple(
        ExecutedFunction(path, name, first, tuple(sorted(lines)), imported)
        for (path, name, first), (lines, imported, _) in in_order
    )
    return Execution(functions) if functions else None


def _row(
    path: str, name: str, first: int, lines: list[int], imported: bool, last: int
) -> tuple[str, str, int, frozenset[int], bool, int]:
    numbers = (first, last, *lines)
    if not (isinstance(path, str) and isinstance(name, str)) or "\0" in path or set(map(type, numbers)) != {int}:
        raise ValueError("no note of the hook")
    return path, name, first, frozenset(lines), bool(imported), last


def _in_front(value: str) -> str:
    return f"{HOOK}{os.pathsep}{value}" if value else str(HOOK)
