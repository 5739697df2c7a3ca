"""Booting a release beside production before production is touched."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from hotfix.adapters.deployers.waiting import wait_for
from hotfix.adapters.http_monitoring.client import new_client
from hotfix.adapters.http_monitoring.version import read_version
from hotfix.adapters.placeholders import fill
from hotfix.adapters.processes import LAUNCHER, minimal_environment
from hotfix.domain.document import Sha, clip
from hotfix.domain.service import LocalDeployerProfile
from hotfix.ports.clock import Clock

STOP_SECONDS = 5.0
OUTPUT_CHARACTERS = 3_000


class TrialFailed(Exception):
    """The release does not boot; the text ends with what it printed."""


class Trial:
    """``profile.trial`` on a free loopback port, asked for its version at ``version_path``."""

    def __init__(self, profile: LocalDeployerProfile, version_path: str, clock: Clock) -> None:
        self._profile = profile
        self._version_path = version_path
        self._clock = clock

    def boot(self, release: Path, version: Sha) -> None:
        """Start the release, wait until it answers with ``version``, and stop it.

        Raises:
            TrialFailed: it ended, or did not answer so in time.
        """
        port = _free_port()
        argv = fill(self._profile.trial, {"release": str(release), "port": str(port), "python": sys.executable})
        url = f"http://127.0.0.1:{port}{self._version_path}"
        with (
            tempfile.TemporaryFile() as output,
            self._running(argv, release, output) as child,
            new_client() as client,
        ):

            def look() -> str | None:
                if read_version(client, url) == version:
                    return "answered"
                return None if child.poll() is None else "ended"

            outcome = wait_for(self._clock, self._profile.time_limit, look)
            if outcome == "answered":
                return
            what = (
                f"ended with exit code {child.returncode}"
                if outcome == "ended"
                else f"did not answer with its version at {self._version_path} within {self._profile.time_limit} s"
            )
            raise TrialFailed(f"the trial boot {what}; production was not touched. Its output:\n{_tail(output)}")

    @contextmanager
    def _running(self, argv: tuple[str, ...], release: Path, output: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
        # The launcher ties the trial to this process: killed here, nothing is left behind there.
        child = subprocess.Popen(
            [sys.executable, "-I", "-S", str(LAUNCHER), f"--parent={os.getpid()}", "--", *argv],
            cwd=release,
            env=minimal_environment(self._profile.trial_environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield child
        finally:
            _stop(child)


def _stop(child: subprocess.Popen[bytes]) -> None:
    """End the trial's whole session: politely, then for sure."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _tail(output: IO[bytes]) -> str:
    size = output.seek(0, 2)
    output.seek(max(0, size - OUTPUT_CHARACTERS))
    return clip(output.read(OUTPUT_CHARACTERS).decode("utf-8", "replace").strip(), OUTPUT_CHARACTERS) or "(none)"
