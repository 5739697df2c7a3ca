"""Runs the programs that this package does not trust or that may hang: tests, scanners, deployment commands."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LAUNCHER = Path(__file__).with_name("process_launcher.py")
GIB = 1024**3
# Bytes that a command may not use up for itself, however large the disk is.
_DISK_RESERVE = GIB // 2


@dataclass(frozen=True)
class Limits:
    """What untrusted code may use. Sizes in bytes; ``network`` False takes all but a private loopback away.

    ``disk`` is by how much the free space of the folders in use may shrink. Others write there too: it is no quota, and
    it ends a command that fills the disk file by file.
    """

    memory: int = 4 * GIB
    file_size: int = 1 * GIB
    disk: int = 10 * GIB
    processes: int = 1024
    network: bool = False


@dataclass(frozen=True)
class Completed:
    """A finished child. ``exit_code`` is None when a limit ended it, 128 + n when signal n did. ``disk_filled``: that
    limit was the one of the disk, else it was the time's."""

    exit_code: int | None
    output: str
    seconds: float
    disk_filled: bool = False

    @property
    def timed_out(self) -> bool:
        return self.exit_code is None and not self.disk_filled

    def overrun(self, time_limit: float) -> str:
        """What a child did that a limit ended, in words that follow its name."""
        return "filled the disk" if self.disk_filled else f"did not end within {time_limit:g} s"


def minimal_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """PATH, a locale and nothing of ours: no Airflow settings, no tokens, no connections."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONUNBUFFERED": "1",
    }
    environment.update(extra or {})
    return environment


def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    time_limit: float,
    output_limit: int = 200_000,
    limits: Limits | None = None,
) -> Completed:
    """Run ``argv`` to its end; standard output and error come back together.

    The child leads a session of its own. All of it is killed when the time limit (seconds) ends, when the disk of
    ``cwd`` or of the folder that TMPDIR names fills beyond its limit, when the child leaves processes behind, and, on
    Linux, when this process dies. Of a longer output the first and last halves of ``output_limit`` characters are kept.
    With ``limits`` it is confined as far as the platform allows.

    Raises:
        FileNotFoundError: there is no such program or folder.
    """
    options = [f"--parent={os.getpid()}", *_confinement(limits)]
    command = [sys.executable, "-I", "-S", str(LAUNCHER), *options, "--", *argv]
    started = time.monotonic()
    child = subprocess.Popen(
        command,
        cwd=cwd,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        start_new_session=True,
    )
    disk = _Disk((cwd, environment.get("TMPDIR")), limits.disk) if limits else None
    try:
        output, in_time = _drain(child, started + time_limit, output_limit, disk)
    finally:
        _kill_group(child)
    if in_time and child.returncode == 127 and output.startswith("cannot start "):
        raise FileNotFoundError(output.strip())
    code = child.returncode if child.returncode >= 0 else 128 - child.returncode
    filled = disk is not None and disk.filled
    return Completed(code if in_time and not filled else None, output, time.monotonic() - started, filled)


class _Disk:
    """Watches how much free space is left where a command may write."""

    def __init__(self, folders: Sequence[Path | str | None], limit: int) -> None:
        self._before = {folder: _free(folder) for folder in folders if folder and Path(folder).is_dir()}
        self._limit = limit
        self._next = 0.0
        self.filled = False

    def look(self, now: float) -> bool:
        """Whether too much is gone; looks ten times a second at most."""
        if now >= self._next and not self.filled:
            self._next = now + 0.1
            self.filled = any(
                before - free > self._limit or (free < _DISK_RESERVE and before - free > free)
                for before, free in ((before, _free(folder)) for folder, before in self._before.items())
            )
        return self.filled


def _free(folder: Path | str) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def _confinement(limits: Limits | None) -> list[str]:
    if limits is None:
        return []
    arguments = [
        f"--memory={limits.memory}",
        f"--file-size={limits.file_size}",
        f"--processes={limits.processes}",
    ]
    return [*arguments, "--network" if limits.network else "--no-network"]


def _drain(child: subprocess.Popen[bytes], deadline: float, output_limit: int, disk: _Disk | None) -> tuple[str, bool]:
    assert child.stdout is not None
    half = output_limit // 2
    head, tail, dropped = bytearray(), bytearray(), 0
    exited_at: float | None = None
    with selectors.DefaultSelector() as selector, child.stdout as stream:
        os.set_blocking(stream.fileno(), False)
        selector.register(stream, selectors.EVENT_READ)
        while True:
            now = time.monotonic()
            if child.poll() is not None and exited_at is None:
                exited_at = now
            # A grandchild may hold the pipe open: once the child has exited, read what is there and stop.
            if exited_at is not None and now > exited_at + 0.5:
                break
            if now > deadline or (disk and disk.look(now)):
                break
            if not selector.select(timeout=0.05):
                continue
            chunk = stream.read(65536)
            if chunk == b"":
                break
            if chunk:
                room = half - len(head)
                head += chunk[:room] if room > 0 else b""
                tail += chunk[max(room, 0) :]
                if len(tail) > half:
                    dropped += len(tail) - half
                    del tail[:-half]
    in_time = _ends(child, deadline, disk)
    gap = f"\n[… {dropped} bytes …]\n".encode() if dropped else b""
    return (bytes(head) + gap + bytes(tail)).decode("utf-8", "replace"), in_time


def _ends(child: subprocess.Popen[bytes], deadline: float, disk: _Disk | None) -> bool:
    """Wait for a child that may have closed its output long before; False when a limit was reached first."""
    while disk is None or not disk.filled:
        left = max(0.0, deadline - time.monotonic())
        try:
            child.wait(timeout=min(left, 0.5) if disk else left)
            return True
        except subprocess.TimeoutExpired:
            if time.monotonic() >= deadline or (disk and disk.look(time.monotonic())):
                return False
    return False


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    # PermissionError: how macOS says that only zombies are left in the group.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
