"""Deploys, and kills itself on the way. Arguments: the point, root, pid file, URL, version, source, trial command."""

from __future__ import annotations

import os
import signal
import sys
from datetime import datetime
from pathlib import Path

from hotfix.adapters.clock import SystemClock
from hotfix.adapters.deployers.local import LocalDeployer
from hotfix.domain.service import LocalDeployerProfile

POINTS = ("in_trial", "switched", "successor_asked_for", "successor_up", "master_told_to_go", "taken_over")


def main(point: str, root: str, pid_file: str, url: str, version: str, source: str, *trial: str) -> None:
    here, pids = Path(root), Path(pid_file)
    first_master = pids.read_text()
    really_kill = os.kill

    def die() -> None:
        really_kill(os.getpid(), signal.SIGKILL)

    def reached() -> bool:
        switched = (here / "current").readlink().name == version
        second = Path(f"{pids}.2").exists()
        return {
            "in_trial": (here / "releases" / version).exists() and not switched,
            "switched": switched,
            "successor_up": second,
            "taken_over": pids.exists() and pids.read_text() not in ("", first_master),
        }.get(point, False)

    class FatalClock(SystemClock):
        def now(self) -> datetime:
            if point != "in_trial" and reached():
                die()
            return super().now()

        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if reached():
                die()

    def fatal_kill(pid: int, number: int) -> None:
        really_kill(pid, number)
        if (point, number) in (
            ("successor_asked_for", signal.SIGUSR2),
            ("master_told_to_go", signal.SIGTERM),
        ):
            die()

    os.kill = fatal_kill
    profile = LocalDeployerProfile(kind="local", root=root, pid_file=pid_file, trial=trial, time_limit=20)
    LocalDeployer(profile, url, FatalClock()).deploy(version, Path(source))


if __name__ == "__main__":
    main(*sys.argv[1:])
