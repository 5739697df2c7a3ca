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

from hotfix.adapters.deployers.process_table import alive, session, start_of
from hotfix.adapters.deployers.waiting import wait_for
from hotfix.adapters.http_monitoring.client import new_client
from hotfix.adapters.http_monitoring.version import read_version
from hotfix.adapters.placeholders import fill
from hotfix.adapters.processes import minimal_environment, run
from hotfix.domain.document import Sha, clip
from hotfix.domain.service import HaproxyDeployerProfile
from hotfix.ports.clock import Clock

# Becomes the server, and says before that which process of which start it will be: there is no moment in between at
# which a crash could leave a server that nobody knows.
LAUNCH = 'echo "$$ $(cut -d" " -f22 /proc/$$/stat)" >"$0" && exec "$@"'
STOP_SECONDS = 10.0
OUTPUT_CHARACTERS = 3_000


class SlotFailed(Exception):
    """The server of a slot does not come up, or does not go; the text says why."""


class Slot:
    """``<root>/slots/<name>`` links to the release that its server is started from.

    ``<name>.log`` beside it is the server's output (``.log.1``: of the one before), and ``<name>.session`` says which
    processes are the server's. Its environment is PATH, a locale and what the profile names.
    """

    def __init__(self, profile: HaproxyDeployerProfile, name: str, version_path: str, clock: Clock) -> None:
        self.name = name
        self._profile = profile
        self._clock = clock
        self._address, _, self._port = profile.slots[name].rpartition(":")
        self.url = f"http://{profile.slots[name]}{version_path}"
        self.link = Path(profile.root) / "slots" / name
        self._log = self.link.with_name(f"{name}.log")
        self._session = self.link.with_name(f"{name}.session")
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
        if self._log.exists():
            self._log.replace(self._log.with_name(f"{self._log.name}.1"))
        with self._log.open("ab") as log:
            # A session of its own, and no tie to this process: it is production, and outlives the deployment.
            child = subprocess.Popen(
                self._launched(release),
                cwd=release,
                # Not the one of trials and tests: a fixed hash seed is nothing for production.
                env={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", **self._profile.environment},
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
        raise SlotFailed(f"the server in slot {self.name} {what}. Its output:\n{self._output()}")

    def processes(self) -> dict[int, int]:
        """The server's processes, each with its parent."""
        try:
            leader, started = self._session.read_text(encoding="ascii").split()
        except (OSError, ValueError):
            return {}
        found = session(int(leader))
        # Somebody else may have got the number by now.
        return {} if int(leader) in found and start_of(int(leader)) != started else found

    def stop(self) -> None:
        """End the server, if it was started as this slot.

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
        patience = STOP_SECONDS if self._end() or self._profile.stop else 0
        if not wait_for(self._clock, patience, lambda: self.version() is None):
            raise SlotFailed(
                f"{self.url} still answers with {self.version()}, and no process there was started as this slot: end "
                "it, and start it the next time as the documentation of the deployer says."
            )

    def by_hand(self, release: Path) -> tuple[str, ...]:
        """What a person types to run the release here in place of what runs here now."""
        settings = [f"{name}={value}" for name, value in self._profile.environment.items()]
        start = shlex.join((*(("env", *settings) if settings else ()), "setsid", *self._launched(release)))
        url, log = shlex.quote(self.url), shlex.quote(str(self._log))
        heads = _heads(self.processes())
        ending = [f"kill -TERM {' '.join(map(str, heads))}"] if heads else []
        if self._profile.stop:
            ending = [shlex.join(self._filled(self._profile.stop, self.link))]
        return (
            *ending,
            *((f"while curl -s -o /dev/null {url}; do sleep 1; done",) if ending else ()),
            f"ln -sfn {shlex.quote(str(release))} {shlex.quote(str(self.link))}",
            f"cd {shlex.quote(str(release))} && {start} >>{log} 2>&1 </dev/null &",
            f"until curl -fsS {url} | grep {release.name}; do sleep 1; done",
        )

    def _end(self) -> bool:
        """Whether there was anything to end."""
        processes = self.processes()
        for pid in _heads(processes):
            _signal(pid, signal.SIGTERM)
        if not wait_for(self._clock, STOP_SECONDS, lambda: not any(alive(pid) for pid in processes)):
            for pid in self.processes():
                _signal(pid, signal.SIGKILL)
        return bool(processes)

    def _point(self, release: Path) -> None:
        new = self.link.with_name(f"{self.name}.new")
        new.unlink(missing_ok=True)
        new.symlink_to(release)
        new.replace(self.link)

    def _launched(self, release: Path) -> tuple[str, ...]:
        return ("sh", "-c", LAUNCH, str(self._session), *self._filled(self._profile.start, release))

    def _filled(self, argv: Sequence[str], release: Path) -> tuple[str, ...]:
        values = {"slot": self.name, "release": str(release), "address": self._address, "port": self._port}
        return fill(argv, {**values, "python": sys.executable})

    def _output(self) -> str:
        text = self._log.read_text(encoding="utf-8", errors="replace")
        return clip(text.strip(), OUTPUT_CHARACTERS) or "(none)"


def _heads(processes: Mapping[int, int]) -> list[int]:
    """Those that no other of them looks after: a master ends its workers itself."""
    return [pid for pid, parent in processes.items() if parent not in processes]


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
