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
from hotfix.adapters.deployers.slots import Slot
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

    class FatalClock(SystemClock):
        def now(self) -> datetime:
            if reached():
                os.kill(os.getpid(), signal.SIGKILL)
            return super().now()

    HaproxyDeployer(profile, url, FatalClock()).deploy(version, Path(source))


if __name__ == "__main__":
    main(*sys.argv[1:])
