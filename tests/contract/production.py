"""A real gunicorn in a folder of its own, and a crowd that uses it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hotfix.adapters.clock import SystemClock
from hotfix.adapters.deployers.local import LocalDeployer
from hotfix.domain.document import Sha
from hotfix.domain.service import LocalDeployerProfile
from tests.contract.deployer_contract import BROKEN

GUNICORN = str(Path(sys.executable).with_name("gunicorn"))
OPTIONS = ("--no-control-socket", "--graceful-timeout", "10", "--worker-tmp-dir", "/dev/shm", "app:app")
APP = """
import json, os, pathlib, time

VERSION = (pathlib.Path(__file__).parent / "REVISION").read_text().strip()

def app(environ, start_response):
    time.sleep(0.01)
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"version": VERSION}).encode()]
"""

NEVER_BOOTS = "\nraise RuntimeError('no database at db.' + 'internal')\n"


class Service:
    """``root`` with one release of a little service that answers with its version at ``url``."""

    def __init__(self, root: Path, sources: Path, first: Sha) -> None:
        self.root, self.sources = root, sources
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/version"
        release = root / "releases" / first
        release.mkdir(parents=True)
        (release / "app.py").write_text(APP)
        (release / "REVISION").write_text(first)
        (root / "current").symlink_to(f"releases/{first}")

    def source(self, version: Sha, extra: str = "") -> Path:
        """A checkout of ``version``: the service, with ``extra`` code that runs when it is imported."""
        folder = self.sources / version
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".git").write_text("gitdir: elsewhere\n")
        (folder / "app.py").write_text(APP + (extra or (NEVER_BOOTS if version == BROKEN else "")))
        return folder

    def ask(self) -> Sha:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/version")
            response = connection.getresponse()
            assert response.status == 200
            return str(json.loads(response.read())["version"])
        finally:
            connection.close()

    def running(self) -> Sha | None:
        """What every answer says; None when production does not answer, or with two tongues."""
        try:
            answers = {self.ask() for _ in range(10)}
        except (OSError, AssertionError):
            return None
        return answers.pop() if len(answers) == 1 else None

    def wait_until_it_answers(self, log: Path) -> None:
        deadline = time.monotonic() + 20
        while self.running() is None:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)


class Production(Service):
    """A gunicorn under the ``current`` link. Every process of it is in a session of ``self._started``."""

    def __init__(self, root: Path, sources: Path, first: Sha) -> None:
        super().__init__(root, sources, first)
        self.pid_file = root / "gunicorn.pid"
        self.deployer = self.new_deployer()
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, folder: str = "current") -> None:
        with (self.root / "gunicorn.log").open("ab") as log:
            where = ("--chdir", str(self.root / folder), "--pid", str(self.pid_file))
            argv = [GUNICORN, *where, "--bind", f"127.0.0.1:{self.port}", "--workers", "2", *OPTIONS]
            self._started.append(subprocess.Popen(argv, stdout=log, stderr=log, start_new_session=True))
        self.wait_until_it_answers(self.root / "gunicorn.log")

    def new_deployer(self, time_limit: int = 20) -> LocalDeployer:
        trial = ("{python}", "-m", "gunicorn", "--chdir", "{release}", "--bind", "127.0.0.1:{port}", *OPTIONS)
        profile = LocalDeployerProfile(
            kind="local",
            root=str(self.root),
            pid_file=str(self.pid_file),
            trial=trial,
            trial_environment={"TRIAL": "1"},
            time_limit=time_limit,
        )
        return LocalDeployer(profile, self.url, SystemClock())

    def processes(self) -> dict[int, int]:
        """Living processes of production with their parents."""
        sessions = {str(child.pid) for child in self._started}
        found = {}
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                state, parent, _, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
                if session in sessions and state != "Z":
                    found[int(entry.name)] = int(parent)
        return found

    def masters(self) -> list[int]:
        """Processes of production that are not a child of one that is not a master itself: workers are leaves."""
        found = self.processes()
        roots = [pid for pid, parent in found.items() if parent not in found]
        return roots + [pid for pid in found if pid not in roots and pid in found.values()]

    def stop(self) -> None:
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for child in self._started:
            child.wait()


def run_until_it_kills_itself(script: str, *arguments: str) -> None:
    """Run a script of this folder that ends with SIGKILL: without any chance to tidy up."""
    completed = subprocess.run(
        [sys.executable, str(Path(__file__).with_name(script)), *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert completed.returncode == -signal.SIGKILL, completed.stderr


class Crowd:
    """Users who ask all the time, each request on a connection of its own."""

    def __init__(self, production: Service) -> None:
        self._production = production
        self._over = threading.Event()
        self.answered = 0
        self.failed: list[str] = []

    def _use(self) -> None:
        while not self._over.is_set():
            try:
                self._production.ask()
                self.answered += 1
            except Exception as error:
                self.failed.append(repr(error))
            time.sleep(0.01)

    @contextmanager
    def at_work(self) -> Iterator[Crowd]:
        threads = [threading.Thread(target=self._use) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._over.set()
            for thread in threads:
                thread.join()
