"""The two places on this machine where a release can run beside the other."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from hotfix.adapters.deployers.process_table import alive, marked
from hotfix.adapters.deployers.waiting import wait_for
from hotfix.adapters.http_monitoring.client import new_client
from hotfix.adapters.http_monitoring.version import read_version
from hotfix.adapters.placeholders import fill
from hotfix.adapters.processes import minimal_environment, run
from hotfix.domain.document import Sha, clip
from hotfix.domain.service import HaproxyDeployerProfile
from hotfix.ports.clock import Clock

# In the environment of every process of a slot: it tells them from strangers, whoever started them.
MARK = "HOTFIX_SLOT"
STOP_SECONDS = 10.0
OUTPUT_CHARACTERS = 3_000


class SlotFailed(Exception):
    """The server of a slot does not come up, or does not go; the text says why."""


class Slot:
    """``<root>/slots/<name>`` links to the release that its server is started from; ``<name>.log`` is its output."""

    def __init__(self, profile: HaproxyDeployerProfile, name: str, version_path: str, clock: Clock) -> None:
        self.name = name
        self._profile = profile
        self._clock = clock
        self._address, _, self._port = profile.slots[name].rpartition(":")
        self.url = f"http://{profile.slots[name]}{version_path}"
        self.link = Path(profile.root) / "slots" / name
        self._log = self.link.with_name(f"{name}.log")
        self._mark = f"{MARK}={self.link}"
        self._client = new_client()

    def version(self) -> Sha | None:
        """What its server says that it runs; None when there is no such answer."""
        return read_version(self._client, self.url)

    def start(self, release: Path) -> None:
        """Run the release here, in place of what ran here before, until it answers with its version.

        Raises:
            SlotFailed: it does not; nothing of it is left running.
        """
        self.stop()
        self.link.parent.mkdir(parents=True, exist_ok=True)
        self._point(release)
        began = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            # A session of its own, and no tie to this process: it is production, and outlives the deployment.
            child = subprocess.Popen(
                self._filled(self._profile.start, release),
                cwd=release,
                env=minimal_environment(self._environment()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

        def look() -> str | None:
            if self.version() == release.name:
                return "answered"
            managed = self._profile.stop is not None and child.poll() == 0
            return "ended" if child.poll() is not None and not managed else None

        outcome = wait_for(self._clock, self._profile.time_limit, look)
        if outcome == "answered":
            return
        what = (
            f"ended with exit code {child.returncode}"
            if outcome == "ended"
            else f"did not answer with its version at {self.url} within {self._profile.time_limit} s"
        )
        self.stop()
        raise SlotFailed(f"the server in slot {self.name} {what}. Its output:\n{self._output(began)}")

    def stop(self) -> None:
        """End the server, whoever started it with our mark.

        Raises:
            SlotFailed: something still answers here.
        """
        if self._profile.stop is not None:
            argv = self._filled(self._profile.stop, self.link)
            completed = run(
                argv,
                cwd=Path(self._profile.root),
                environment=minimal_environment(self._profile.environment),
                time_limit=self._profile.time_limit,
            )
            if completed.exit_code != 0:
                raise SlotFailed(f"{shlex.join(argv)} did not end slot {self.name}: {completed.output.strip()}")
        self._end_marked()
        if not wait_for(self._clock, STOP_SECONDS, lambda: self.version() is None):
            raise SlotFailed(
                f"{self.url} still answers with {self.version()}, and no process there was started as this slot: end "
                "it, and start it the next time as the documentation of the deployer says."
            )

    def by_hand(self, release: Path) -> tuple[str, ...]:
        """What a person types to run the release here in place of what runs here now."""
        start = shlex.join(self._filled(self._profile.start, release))
        settings = shlex.join(["env", *(f"{name}={value}" for name, value in self._environment().items())])
        ours = f"grep -lzxF {shlex.quote(self._mark)} /proc/[0-9]*/environ 2>/dev/null"
        ending = (
            (shlex.join(self._filled(self._profile.stop, self.link)),)
            if self._profile.stop
            else (
                f"for each in $({ours} | cut -d/ -f3); do kill -TERM $each; done",
                f"while {ours}; do sleep 1; done",
            )
        )
        log = shlex.quote(str(self._log))
        return (
            *ending,
            f"ln -sfn {shlex.quote(str(release))} {shlex.quote(str(self.link))}",
            f"cd {shlex.quote(str(release))} && {settings} setsid {start} >>{log} 2>&1 </dev/null &",
            f"until curl -fsS {shlex.quote(self.url)} | grep {release.name}; do sleep 1; done",
        )

    def _end_marked(self) -> None:
        processes = marked(self._mark)
        # Only those that no other of them looks after: a master ends its workers itself.
        for pid in (pid for pid, parent in processes.items() if parent not in processes):
            _signal(pid, signal.SIGTERM)
        if not wait_for(self._clock, STOP_SECONDS, lambda: not any(alive(pid) for pid in processes)):
            for pid in marked(self._mark):
                _signal(pid, signal.SIGKILL)

    def _point(self, release: Path) -> None:
        new = self.link.with_name(f"{self.name}.new")
        new.unlink(missing_ok=True)
        new.symlink_to(release)
        new.replace(self.link)

    def _environment(self) -> Mapping[str, str]:
        return {**self._profile.environment, MARK: str(self.link)}

    def _filled(self, argv: Sequence[str], release: Path) -> tuple[str, ...]:
        values = {"slot": self.name, "release": str(release), "address": self._address, "port": self._port}
        return fill(argv, {**values, "python": sys.executable})

    def _output(self, began: int) -> str:
        with self._log.open("rb") as log:
            log.seek(began)
            return clip(log.read().decode("utf-8", "replace").strip(), OUTPUT_CHARACTERS) or "(none)"


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
