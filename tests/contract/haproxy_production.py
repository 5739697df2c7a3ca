"""A real haproxy before two slots, with a real gunicorn in one of them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from hotfix.adapters.clock import SystemClock
from hotfix.adapters.deployers.haproxy import HaproxyDeployer
from hotfix.adapters.deployers.slots import Slot
from hotfix.domain.document import Sha
from hotfix.domain.service import HaproxyDeployerProfile
from tests.contract.production import GUNICORN, OPTIONS, Service

HAPROXY = shutil.which("haproxy", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
BACKEND = "shop"
CONFIGURATION = """
global
    stats socket {root}/haproxy.sock mode 600 level admin expose-fd listeners
    server-state-file {root}/haproxy.state
defaults
    mode http
    timeout connect 2s
    timeout client 20s
    timeout server 20s
    load-server-state-from-file global
frontend users
    bind 127.0.0.1:{port}
    default_backend shop
backend shop
    balance {balance}
    option httpchk GET /version
    server blue 127.0.0.1:{blue} check inter 200ms weight 100
    server green 127.0.0.1:{green} check inter 200ms weight 0
"""


class HaproxyProduction(Service):
    """``root`` with one release, served from the slot blue."""

    def __init__(self, root: Path, sources: Path, first: Sha, balance: str = "roundrobin") -> None:
        super().__init__(root, sources, first)
        self.blue, self.green = free_port(), free_port()
        self.configuration = root / "haproxy.cfg"
        self.configuration.write_text(
            CONFIGURATION.format(root=root, port=self.port, blue=self.blue, green=self.green, balance=balance)
        )
        self.first = first
        self.deployer = self.new_deployer()
        self._haproxy: subprocess.Popen[bytes] | None = None

    def profile(self, **changes: object) -> HaproxyDeployerProfile:
        start = ["--chdir", "{release}", "--bind", "{address}:{port}", "--workers", "2", *OPTIONS]
        return HaproxyDeployerProfile.model_validate(
            {
                "kind": "haproxy",
                "root": str(self.root),
                "socket": str(self.root / "haproxy.sock"),
                "backend": BACKEND,
                "slots": {"blue": f"127.0.0.1:{self.blue}", "green": f"127.0.0.1:{self.green}"},
                "start": [GUNICORN, *start],
                "canary": [20],
                "step_seconds": 0.5,
                "drain": 10,
                "state_file": str(self.root / "haproxy.state"),
                "time_limit": 20,
                **changes,
            }
        )

    def new_deployer(self, **changes: object) -> HaproxyDeployer:
        return HaproxyDeployer(self.profile(**changes), self.url, SystemClock())

    def start(self) -> None:
        self.slot("blue").start(self.root / "releases" / self.first)
        self.start_haproxy()

    def slot(self, name: str) -> Slot:
        return Slot(self.profile(), name, "/version", SystemClock())

    def start_haproxy(self) -> None:
        assert HAPROXY is not None
        with (self.root / "haproxy.log").open("ab") as log:
            argv = [HAPROXY, "-W", "-db", "-f", str(self.configuration)]
            self._haproxy = subprocess.Popen(argv, stdout=log, stderr=log)
        self.wait_until_it_answers(self.root / "haproxy.log")

    def reload_haproxy(self) -> None:
        """A new worker process with the configuration and the state file of now."""
        assert self._haproxy is not None
        before = self._worker()
        self._haproxy.send_signal(signal.SIGUSR2)
        deadline = time.monotonic() + 20
        while self._worker() == before:
            assert time.monotonic() < deadline, (self.root / "haproxy.log").read_text()
            time.sleep(0.05)

    def stop_haproxy(self) -> None:
        if self._haproxy is not None:
            self._haproxy.terminate()
            self._haproxy.wait(20)
            self._haproxy = None

    def slot_processes(self, name: str) -> dict[int, int]:
        return self.slot(name).processes()

    def stop(self) -> None:
        self.stop_haproxy()
        for name in ("blue", "green"):
            for pid in self.slot_processes(name):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _worker(self) -> str:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.root / "haproxy.sock"))
            connection.sendall(b"show info\n")
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
        return next(line for line in answer.decode().splitlines() if line.startswith("Pid:"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert time.monotonic() < deadline, f"nothing listens on {port}"
        time.sleep(0.05)
