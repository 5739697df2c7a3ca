"""The real components that tests talk to, as ``tools/install-rig`` puts them there."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_NPM = ROOT / ".rig" / "node_modules" / ".bin"
_SYSTEM = ("/usr/sbin", "/sbin", "/usr/lib/git-core")


def program(name: str) -> Path:
    """Where a component's program is; a test that needs one which is absent is skipped with its name."""
    scripts = str(Path(sys.executable).parent)
    where = os.pathsep.join((scripts, str(_NPM), os.environ.get("PATH", os.defpath), *_SYSTEM))
    found = shutil.which(name, path=where)
    if found is None:
        pytest.skip(f"{name} is not installed: tools/install-rig")
    return Path(found)


def npm_file(path: str) -> Path:
    """A file of an npm package of the rig; skips like ``program``."""
    found = ROOT / ".rig" / "node_modules" / path
    if not found.exists():
        pytest.skip(f"{path} is not installed: tools/install-rig")
    return found


def free_ports(count: int) -> int:
    """The first of ``count`` neighbouring loopback ports that nothing listens on."""
    for _ in range(200):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            first: int = probe.getsockname()[1]
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            continue
        return first
    raise RuntimeError(f"no {count} neighbouring free ports were found")


@contextmanager
def server(command: Sequence[str], ports: Sequence[int], time_limit: float = 60) -> Iterator[int]:
    """A server process that listens on ``ports`` of loopback; ended by its own process group. Gives its pid."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + time_limit
            while not all(_answers(port) for port in ports):
                if process.poll() is not None or time.monotonic() > deadline:
                    said.seek(0)
                    raise RuntimeError(f"{command[0]} did not come up: {said.read().decode('utf-8', 'replace')}")
                time.sleep(0.05)
            yield process.pid
        finally:
            if process.poll() is None:
                os.killpg(process.pid, 15)
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, 9)
                    process.wait()


def _answers(port: int) -> bool:
    for address in ("127.0.0.1", "::1"):
        try:
            with socket.create_connection((address, port), 0.5):
                return True
        except OSError:
            continue
    return False
