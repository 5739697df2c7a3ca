"""What the operating system knows about a process. Where there is no ``/proc``, less is known."""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc")
# Places in /proc/<pid>/stat after the name: see proc(5).
STATE, PARENT, SESSION, START = 0, 1, 3, 19


def exists(pid: int) -> bool:
    """Also true for a process that has ended and that its parent has not noticed yet."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def alive(pid: int) -> bool:
    return exists(pid) and _fields(pid)[0] not in ("Z", "X")


def is_gunicorn(pid: int) -> bool:
    """False for the stranger that got the number of a gunicorn that is gone."""
    line = _read(pid, "cmdline")
    return line is None or b"gunicorn" in line


def children(pid: int) -> tuple[int, ...]:
    found = (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()) if PROC.is_dir() else ()
    return tuple(sorted(child for child in found if _fields(child)[1] == str(pid)))


def started_with(pid: int, variable: str) -> bool:
    """Whether ``NAME=value`` was in the environment that the process was started with."""
    return variable.encode() in (_read(pid, "environ") or b"").split(b"\0")


def session(leader: int) -> dict[int, int]:
    """Living processes of the session that ``leader`` began, each with its parent."""
    entries = (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()) if PROC.is_dir() else ()
    found = {pid: _stat(pid) for pid in entries}
    return {
        pid: int(stat[PARENT])
        for pid, stat in found.items()
        if len(stat) > START and stat[SESSION] == str(leader) and stat[STATE] not in ("Z", "X")
    }


def start_of(pid: int) -> str:
    """When it was started, in ticks since the machine was: with the number it names one process for good."""
    stat = _stat(pid)
    return stat[START] if len(stat) > START else ""


def working_folder(pid: int) -> Path | None:
    try:
        return (PROC / str(pid) / "cwd").readlink()
    except OSError:
        return None


def _fields(pid: int) -> tuple[str, str]:
    """State and parent."""
    stat = _stat(pid)
    return (stat[STATE], stat[PARENT]) if len(stat) > PARENT else ("", "")


def _stat(pid: int) -> list[str]:
    """What follows the name, which may hold anything but ends at the last bracket."""
    return (_read(pid, "stat") or b"").rpartition(b")")[2].decode("ascii", "replace").split()


def _read(pid: int, name: str) -> bytes | None:
    try:
        return (PROC / str(pid) / name).read_bytes()
    except OSError:
        return None
