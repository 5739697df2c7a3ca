"""Deploys behind haproxy, and kills itself on the way. Arguments: the point, profile (JSON), URL, version, source."""

from __future__ import annotations

import os
import signal
import sys
from datetime import datetime
from pathlib import Path

from hotfix.adapters.clock import SystemClock
from hotfix.adapters.deployers.haproxy import HaproxyDeployer
from hotfix.adapters.deployers.haproxy_socket import HaproxyBackend
from hotfix.adapters.deployers.history import History
from hotfix.adapters.deployers.slots import Slot
from hotfix.domain.document import Sha
from hotfix.domain.service import HaproxyDeployerProfile

POINTS = ("starting", "in_canary", "switched", "linked")


def main(point: str, described: str, url: str, version: str, source: str) -> None:
    profile = HaproxyDeployerProfile.model_validate_json(described)
    root = Path(profile.root)
    backend = HaproxyBackend(Path(profile.socket), profile.backend, profile.slots)

    green = Slot(profile, "green", "/version", SystemClock())

    def reached() -> bool:
        serving = [name for name, server in backend.servers().items() if server.serves]
        return {
            "starting": bool(green.processes()),
            "in_canary": len(serving) == 2,
            "switched": serving == ["green"],
            "linked": (root / "current").readlink().name == version,
        }[point]

    def die_when_reached() -> None:
        if reached():
            os.kill(os.getpid(), signal.SIGKILL)

    class FatalClock(SystemClock):
        def now(self) -> datetime:
            die_when_reached()
            return super().now()

    class FatalHistory(History):
        def add(self, version: Sha, deployed_at: datetime | None) -> None:
            die_when_reached()
            super().add(version, deployed_at)

    deployer = HaproxyDeployer(profile, url, FatalClock())
    deployer._history = FatalHistory(root / "history.jsonl")
    deployer.deploy(version, Path(source))


if __name__ == "__main__":
    main(*sys.argv[1:])
