"""Looking for secrets where others could read them: files, the rows of databases, and what processes show."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

INTERVAL = 0.1


def in_files(root: Path, secrets: Sequence[str]) -> list[str]:
    """Files below ``root`` that hold one, and the tables of SQLite files whose values do."""
    found = []
    for path in sorted(each for each in root.rglob("*") if each.is_file()):
        content = b""
        with contextlib.suppress(FileNotFoundError):
            content = path.read_bytes()
        if any(secret.encode() in content for secret in secrets):
            found.append(str(path))
        # A value may be spread over pages that are no neighbours.
        if content.startswith(b"SQLite format 3\0"):
            found += [f"{path}: {table}" for table in _tables_with(path, secrets)]
    return found


def _tables_with(database: Path, secrets: Sequence[str]) -> Iterator[str]:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        # Text of any encoding.
        connection.text_factory = bytes
        names = [row[0].decode() for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in names:
            rows = connection.execute(f'SELECT * FROM "{name}"')
            values = (value for row in rows for value in row if isinstance(value, bytes))
            if any(secret.encode() in value for value in values for secret in secrets):
                yield name


@dataclass
class Watch:
    """What processes showed while it went on: ``arguments`` and ``environments`` name those with a secret in them."""

    secrets: Sequence[str]
    trusted: Callable[[list[bytes]], bool]
    arguments: set[str] = field(default_factory=set)
    environments: set[str] = field(default_factory=set)
    programs: set[str] = field(default_factory=set)
    _seen: dict[str, bytes] = field(default_factory=dict)

    def look(self) -> None:
        """What a process shows changes with its arguments only: one that has the same as before is passed over."""
        before, self._seen = self._seen, {}
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                line = self._seen[process.name] = (process / "cmdline").read_bytes()
                if before.get(process.name) == line:
                    continue
                arguments = line.rstrip(b"\0").split(b"\0")
                named = b" ".join(arguments)[:200].decode("utf-8", "replace")
                self.programs.add(Path(arguments[0].decode("utf-8", "replace")).name)
                if self._has_one(line):
                    self.arguments.add(named)
                # The second look at the arguments: a process that has just begun is still the copy of another one.
                hidden = self._has_one((process / "environ").read_bytes())
                if hidden and not self.trusted(arguments) and (process / "cmdline").read_bytes() == line:
                    self.environments.add(named)

    def _has_one(self, content: bytes) -> bool:
        return any(secret.encode() in content for secret in self.secrets)


@contextlib.contextmanager
def watched_processes(secrets: Sequence[str], trusted: Callable[[list[bytes]], bool]) -> Iterator[Watch]:
    """Look at every process, again and again; one with ``trusted`` arguments may have them in its environment."""
    watch, over = Watch(secrets, trusted), threading.Event()

    def go_on() -> None:
        while not over.is_set():
            watch.look()
            time.sleep(INTERVAL)

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        over.set()
        thread.join()
