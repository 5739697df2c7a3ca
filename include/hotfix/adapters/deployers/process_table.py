"""What the operating system knows about a process. Where there is no ``/proc``, less is known."""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc")


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


def marked(variable: str) -> dict[int, int]:
    """Living processes that were started with ``NAME=value`` in their environment, each with its parent."""
    entries = [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()] if PROC.is_dir() else []
    found = {pid: _fields(pid) for pid in entries if started_with(pid, variable)}
    return {pid: int(parent) for pid, (state, parent) in found.items() if state not in ("", "Z", "X")}


def working_folder(pid: int) -> Path | None:
    try:
        return (PROC / str(pid) / "cwd").readlink()
    except OSError:
        return None


def _fields(pid: int) -> tuple[str, str]:
    """State and parent. The name before them may hold anything but ends at the last bracket."""
    text = _read(pid, "stat") or b""
    fields = text.rpartition(b")")[2].split()
    return (fields[0].decode(), fields[1].decode()) if len(fields) > 1 else ("", "")


def _read(pid: int, name: str) -> bytes | None:
    try:
        return (PROC / str(pid) / name).read_bytes()
    except OSError:
        return None
