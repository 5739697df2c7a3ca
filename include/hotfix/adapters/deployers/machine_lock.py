"""One deployment at a time on this machine."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hotfix.adapters.deployers.waiting import wait_for
from hotfix.ports.clock import Clock


class LockHeld(Exception):
    """Somebody else has it; the text says who."""


@contextmanager
def exclusive(path: Path, holder: str, clock: Clock, time_limit: float) -> Iterator[None]:
    """Hold the lock ``path``; the kernel lets go of it when this process ends, however it ends.

    Raises:
        LockHeld: it did not become free within ``time_limit`` seconds.
    """
    with path.open("a+", encoding="utf-8") as file:

        def take() -> bool:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        if not wait_for(clock, time_limit, take):
            file.seek(0)
            raise LockHeld(file.read(500).strip() or "a process that did not say its name")
        file.truncate(0)
        file.write(f"process {os.getpid()}: {holder}, since {clock.now().isoformat(timespec='seconds')}\n")
        file.flush()
        yield
