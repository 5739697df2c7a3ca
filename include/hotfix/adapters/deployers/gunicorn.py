"""A gunicorn master, and the successor that it starts on USR2."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from pathlib import Path

from hotfix.adapters.deployers.process_table import (
    alive,
    children,
    exists,
    is_gunicorn,
    started_with,
    working_folder,
)
from hotfix.adapters.deployers.waiting import wait_for
from hotfix.domain.document import Sha
from hotfix.ports.clock import Clock

STOP_SECONDS = 10.0


class Gunicorn:
    """The masters behind one pid file.

    On USR2 the master starts a successor on the same socket, which writes ``<pid_file>.2`` once it runs. When the
    master has ended, the successor removes that file and writes ``<pid_file>`` itself, within about a second.

    Production must have been started by the program ``gunicorn``, with whole paths. ``python -m gunicorn`` starts no
    successor that works: executed again, it finds its own package ``http`` before the standard library's.
    """

    def __init__(self, pid_file: Path, clock: Clock) -> None:
        self.pid_file = pid_file
        self._second = pid_file.with_name(pid_file.name + ".2")
        self._clock = clock

    def master(self) -> int | None:
        return _running(self.pid_file)

    def successor(self) -> int | None:
        """A successor that has not taken over, also one that has not got as far as its pid file."""
        pid = _running(self._second)
        master = self.master()
        if pid is not None or master is None:
            return pid
        mark = f"GUNICORN_PID={master}"
        return next((child for child in children(master) if started_with(child, mark) and alive(child)), None)

    def release_of(self, pid: int) -> Sha | None:
        """The release folder that a master works in; None where that cannot be seen."""
        folder = working_folder(pid)
        return folder.name if folder and re.fullmatch("[0-9a-f]{40}", folder.name) else None

    def start_successor(self, master: int) -> None:
        """Ask for one. A master that has one already takes no notice."""
        os.kill(master, signal.SIGUSR2)

    def retire(self, master: int) -> None:
        """Let it finish the requests that it has. QUIT would drop them."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(master, signal.SIGTERM)

    def end(self, successor: int) -> None:
        """End a successor that did not work out; only what does not go by itself is killed, with its workers."""
        self.retire(successor)
        if not wait_for(self._clock, STOP_SECONDS, lambda: not exists(successor)):
            for pid in (successor, *children(successor)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            wait_for(self._clock, STOP_SECONDS, lambda: not exists(successor))
        if _running(self._second) is None:
            self._second.unlink(missing_ok=True)


def _running(pid_file: Path) -> int | None:
    try:
        pid = int(pid_file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    # Numbers below 2 would address the caller's own group, or init.
    return pid if pid > 1 and alive(pid) and is_gunicorn(pid) else None
