"""One deployment at a time on this machine."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from hotfix.adapters.deployers.waiting import wait_for
from hotfix.ports.clock import Clock

_log = logging.getLogger(__name__)


class LockHeld(Exception):
    """Somebody else has it; the text says who."""


@contextmanager
def exclusive(path: Path, holder: str, clock: Clock, time_limit: float) -> Iterator[None]:
    """Hold the lock ``path``; the kernel lets go of it when this process ends, however it ends.

    A holder that ended without letting go is written to the log and to ``interrupted(path)``: who it was, since when.

    Raises:
        LockHeld: it did not become free within ``time_limit`` seconds.
    """
    with path.open("a+", encoding="utf-8") as file:
        if not wait_for(clock, time_limit, lambda: _taken(file)):
            raise LockHeld(_holder(file) or "a process that did not say its name")
        now = clock.now().isoformat(timespec="seconds")
        me = f"process {os.getpid()}: {holder}, since {now}, on {platform.node()}"
        if dead := _holder(file):
            _log.warning("the lock %s of a holder that died was released: %s", path, dead)
            with interrupted(path).open("a", encoding="utf-8") as record:
                record.write(json.dumps({"holder": dead, "released_at": now, "released_by": me}) + "\n")
        file.truncate(0)
        file.write(f"{me}\n")
        file.flush()
        try:
            yield
        finally:
            # What is left in the file when it is free is the name of somebody who died.
            file.truncate(0)


def held_by(path: Path) -> str:
    """Who holds the lock now; empty when nobody does."""
    try:
        with path.open("r", encoding="utf-8") as file:
            return "" if _taken(file, fcntl.LOCK_SH) else _holder(file)
    except OSError:
        return ""


def interrupted(path: Path) -> Path:
    """The record of locks that dead holders left, one JSON object a line."""
    return path.with_name(f"{path.stem}-interrupted.jsonl")


def _taken(file: IO[str], how: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(file: IO[str]) -> str:
    file.seek(0)
    return file.read(500).strip()
