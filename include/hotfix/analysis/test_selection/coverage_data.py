"""What an earlier run with a note of each test's lines says: coverage.py's contexts, or testmon's file."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

_FILES = (".coverage", ".testmondata")
SIZE_LIMIT = 512 * 1024 * 1024


def covering_tests(checkout: Path, changed: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Test (path or id) → (changed file that it executed, the data's file); empty where no data can be read.

    Data may be older than the code: it only ever adds tests.
    """
    found: dict[str, tuple[str, str]] = {}
    for name in _FILES:
        file = checkout / name
        if not file.is_file() or file.is_symlink() or file.stat().st_size > SIZE_LIMIT:
            continue
        read = _coverage if name == ".coverage" else _testmon
        try:
            with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
                for test, path in read(connection, changed):
                    found.setdefault(test, (path, name))
        except (sqlite3.Error, ValueError):
            continue
    return found


def _coverage(connection: sqlite3.Connection, changed: Sequence[str]) -> Iterator[tuple[str, str]]:
    query = """SELECT DISTINCT file.path, context.context FROM context
               JOIN line_bits ON line_bits.context_id = context.id JOIN file ON file.id = line_bits.file_id
               UNION SELECT DISTINCT file.path, context.context FROM context
               JOIN arc ON arc.context_id = context.id JOIN file ON file.id = arc.file_id"""
    for path, context in connection.execute(query):
        if (hit := _same(str(path), changed)) and (test := _test_of(str(context))):
            yield test, hit


def _testmon(connection: sqlite3.Connection, changed: Sequence[str]) -> Iterator[tuple[str, str]]:
    tables = {str(row[0]) for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    link, test = (
        ("test_execution_file_fp", "test_execution") if "test_execution" in tables else ("node_file_fp", "node")
    )
    prints = "file_fp" if "file_fp" in tables else "fingerprint"
    column = "test_name" if test == "test_execution" else "name"
    # The names are from the fixed lists above.
    query = f"""SELECT DISTINCT f.filename, t.{column} FROM {test} t
                JOIN {link} l ON l.{test}_id = t.id JOIN {prints} f ON f.id = l.fingerprint_id"""  # noqa: S608
    for path, name in connection.execute(query):
        if (hit := _same(str(path), changed)) and (found := _test_of(str(name))):
            yield found, hit


def _same(path: str, changed: Sequence[str]) -> str:
    return next((each for each in changed if path == each or path.endswith(f"/{each}")), "")


def _test_of(context: str) -> str:
    """A pytest id of a context: ``tests/test_a.py::test_b[c]|run`` of pytest-cov; a dotted name has no path."""
    name = re.sub(r"\|(setup|run|call|teardown)$", "", context)
    return name.split("[", 1)[0] if re.match(r"[^:\s]+\.py::", name) else ""
