"""Deployment on this machine: release folders, the ``current`` link, and gunicorn upgraded in place."""

from __future__ import annotations

import shlex
from pathlib import Path
from urllib.parse import urlsplit

from hotfix.adapters.deployers.gunicorn import Gunicorn
from hotfix.adapters.deployers.history import History
from hotfix.adapters.deployers.machine_lock import held_by
from hotfix.adapters.deployers.releases import Releases
from hotfix.adapters.deployers.trial import Trial, TrialFailed
from hotfix.adapters.deployers.turns import Turns
from hotfix.adapters.deployers.upgrade import SuccessorFailed, Upgrade, UpgradeFailed
from hotfix.adapters.deployers.waiting import wait_for
from hotfix.adapters.http_monitoring.client import new_client
from hotfix.adapters.http_monitoring.version import read_version
from hotfix.domain.document import Sha
from hotfix.domain.errors import DeploymentFailed, RollbackFailed
from hotfix.domain.release import DeployerStatus, Release
from hotfix.domain.service import LocalDeployerProfile
from hotfix.ports.clock import Clock

# A master that is taking over has no pid file for a moment.
TAKE_OVER_SECONDS = 2.0


class LocalDeployer:
    """``version_url`` is production's own address; its path is also asked in the trial boot.

    The ``current`` link names the version that is meant to be live, and ``version_url`` says which one is.
    ``profile.time_limit`` holds for each step (lock, trial, start, take-over), not for all of them together.
    """

    name = "local"

    def __init__(self, profile: LocalDeployerProfile, version_url: str, clock: Clock) -> None:
        self._root = Path(profile.root)
        self._version_url = version_url
        self._clock = clock
        self._client = new_client()
        self._releases = Releases(self._root)
        self._history = History(self._root / "history.jsonl")
        self._trial = Trial(profile, urlsplit(version_url).path, clock)
        self._gunicorn = Gunicorn(Path(profile.pid_file), clock)
        self._upgrade = Upgrade(self._gunicorn, self._answer, clock, profile.time_limit)
        self._turns = Turns(self._root / "deploy.lock", clock, profile.time_limit, self._answer, self.by_hand)

    def live(self) -> Sha | None:
        return self._answer() or self._releases.current()

    def history(self) -> tuple[Release, ...]:
        return self._history.headed_by(self.live())

    def status(self) -> DeployerStatus:
        gunicorn = self._gunicorn
        problem = f"no gunicorn runs behind {gunicorn.pid_file}" if gunicorn.master() is None else ""
        return DeployerStatus(live=self.live(), busy=held_by(self._turns.lock), problems=(problem,) if problem else ())

    def can_restore(self, version: Sha) -> bool:
        return self._releases.has(version)

    def deploy(self, version: Sha, source: Path) -> None:
        with self._turns.take(version, DeploymentFailed, (TrialFailed, UpgradeFailed)):
            self._upgrade.settle(version, self._releases.current())
            if self._is_live(version):
                return
            release = self._releases.build(version, source)
            self._trial.boot(release, version)
            self._switch(version)

    def restore(self, version: Sha) -> None:
        """Without a trial boot: the version was live before, and users are waiting."""
        with self._turns.take(version, RollbackFailed, (UpgradeFailed,)):
            self._upgrade.settle(version, self._releases.current())
            if self._is_live(version):
                return
            if not self._releases.has(version):
                raise UpgradeFailed(f"there is no complete release {self._releases.path(version)}.")
            self._switch(version)

    def by_hand(self, version: Sha) -> tuple[str, ...]:
        link, pid_file = shlex.quote(str(self._releases.link)), shlex.quote(str(self._gunicorn.pid_file))
        ask = f"curl -fsS {shlex.quote(self._version_url)}"
        return (
            f"ln -sfn releases/{version} {link}",
            f"kill -USR2 $(cat {pid_file})",
            f"until {ask} | grep {version}; do sleep 1; done",
            f"kill -TERM $(cat {pid_file})",
            f"while test -e {pid_file}.2; do sleep 1; done",
            f"{ask} | grep {version}",
        )

    def _answer(self) -> Sha | None:
        return read_version(self._client, self._version_url)

    def _is_live(self, version: Sha) -> bool:
        """Whether nothing is left to do, but for the link and the history after an interruption."""
        if not self._upgrade.is_complete(version):
            return False
        if self._releases.has(version):
            self._releases.point(version)
        self._history.add(version, self._clock.now())
        return True

    def _switch(self, version: Sha) -> None:
        running = self._answer()
        previous = running if running and self._releases.has(running) else self._releases.current()
        if previous is not None and previous != version:
            self._history.add(previous, None)
        self._releases.point(version)
        master = wait_for(self._clock, TAKE_OVER_SECONDS, self._gunicorn.master)
        if master is None:
            raise UpgradeFailed(
                f"no gunicorn runs behind {self._gunicorn.pid_file}. The current link names {version} already: start "
                f"gunicorn with its usual command (--chdir {self._releases.link} --pid {self._gunicorn.pid_file}), "
                "and that version is live."
            )
        began = self._clock.now()
        try:
            self._upgrade.run(master, version)
        except SuccessorFailed:
            if previous is not None:
                self._releases.point(previous)
            raise
        self._history.add(version, began)
