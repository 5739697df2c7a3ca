"""Deployment on this machine behind haproxy: the new version in the free slot, a canary, and the switch."""

from __future__ import annotations

import os
import shlex
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from hotfix.adapters.deployers.canary import CanaryFailed
from hotfix.adapters.deployers.haproxy_socket import HaproxyBackend, HaproxyUnusable
from hotfix.adapters.deployers.history import History
from hotfix.adapters.deployers.machine_lock import held_by
from hotfix.adapters.deployers.releases import Releases
from hotfix.adapters.deployers.slots import Slot, SlotFailed
from hotfix.adapters.deployers.switch import ALL, Switch, SwitchFailed
from hotfix.adapters.deployers.turns import Failure, Turns
from hotfix.adapters.http_monitoring.client import new_client
from hotfix.adapters.http_monitoring.version import read_version
from hotfix.domain.document import Sha
from hotfix.domain.errors import DeploymentFailed, RollbackFailed
from hotfix.domain.release import DeployerStatus, Release
from hotfix.domain.service import HaproxyDeployerProfile
from hotfix.ports.clock import Clock


class HaproxyDeployer:
    """``version_url`` is production's address, through haproxy; its path is also asked of each slot.

    Haproxy says which slot serves, and the servers in the slots say which version they are: nothing else is believed.
    The version before stays in its slot, shut off and warm, until the next deployment needs the slot.
    """

    name = "haproxy"

    def __init__(self, profile: HaproxyDeployerProfile, version_url: str, clock: Clock) -> None:
        self._profile = profile
        self._version_url = version_url
        self._clock = clock
        self._client = new_client()
        root = Path(profile.root)
        self._releases = Releases(root)
        self._history = History(root / "history.jsonl")
        self._backend = HaproxyBackend(Path(profile.socket), profile.backend, profile.slots)
        self._slots = {name: Slot(profile, name, urlsplit(version_url).path, clock) for name in profile.slots}
        self._switch = Switch(profile, self._backend, self._slots, self._answer, clock)
        self._turns = Turns(root / "deploy.lock", clock, profile.time_limit, self._answer, self.by_hand)

    def status(self) -> DeployerStatus:
        problem = self._problem()
        return DeployerStatus(live=self.live(), busy=held_by(self._turns.lock), problems=(problem,) if problem else ())

    def live(self) -> Sha | None:
        return self._answer() or self._releases.current()

    def history(self) -> tuple[Release, ...]:
        return self._history.headed_by(self.live())

    def can_restore(self, version: Sha) -> bool:
        """Whether the release is complete on the disk, and haproxy lets itself be told what to do."""
        return self._releases.has(version) and not self._problem()

    def deploy(self, version: Sha, source: Path) -> None:
        with self._turn(version, DeploymentFailed):
            if self._is_live(version, self._problem()):
                return
            self._bring(version, self._releases.build(version, source), self._profile.canary)

    def restore(self, version: Sha) -> None:
        """Without a canary: the version was live before, and users are waiting."""
        with self._turn(version, RollbackFailed):
            if self._is_live(version, self._unusable()):
                return
            if not self._releases.has(version):
                raise SwitchFailed(f"there is no complete release {self._releases.path(version)}.")
            self._bring(version, self._releases.path(version), ())

    def by_hand(self, version: Sha) -> tuple[str, ...]:
        """Needs socat and curl. The old version keeps running, drained, until the next deployment."""
        try:
            new, running = self._switch.choose(version, self._releases.current())
        except HaproxyUnusable:
            new, running = next(iter(self._slots)), False
        backend, old = self._profile.backend, self._switch.other(new)
        tell = f"socat stdio unix-connect:{shlex.quote(self._profile.socket)}"
        shut = f"echo 'set server {backend}/{new} state maint' | {tell}"
        start = () if running else (shut, *self._slots[new].by_hand(self._releases.path(version)))
        switch = (
            f"set server {backend}/{new} weight {ALL}; set server {backend}/{new} state ready; "
            f"set server {backend}/{old} state drain"
        )
        state = self._profile.state_file
        return (
            *start,
            f"echo '{switch}' | {tell}",
            f"ln -sfn releases/{version} {shlex.quote(str(self._releases.link))}",
            *((f"echo 'show servers state' | {tell} >{shlex.quote(state)}",) if state else ()),
            f"curl -fsS {shlex.quote(self._version_url)} | grep {version}",
        )

    def _turn(self, version: Sha, failure: Failure) -> AbstractContextManager[None]:
        return self._turns.take(version, failure, (HaproxyUnusable, SlotFailed, CanaryFailed, SwitchFailed))

    def _answer(self) -> Sha | None:
        return read_version(self._client, self._version_url)

    def _problem(self) -> str:
        """What keeps a deployment from working; empty when nothing is seen."""
        if problem := self._unusable():
            return problem
        state = self._profile.state_file
        if state and not os.access(Path(state).parent, os.W_OK):
            return f"the folder of deployer.state_file, {Path(state).parent}, is not there or cannot be written"
        return ""

    def _unusable(self) -> str:
        """What keeps even a return from working."""
        try:
            servers = self._backend.servers()
        except HaproxyUnusable as error:
            return str(error)
        for name, address in self._profile.slots.items():
            if servers[name].address != address:
                return f"deployer.slots says that slot {name} is {address}, haproxy says {servers[name].address}"
        return ""

    def _is_live(self, version: Sha, problem: str) -> bool:
        """Whether nothing is left to do, but for the link, the state file and the history after an interruption.

        Raises:
            SwitchFailed: there is a ``problem``, and nothing was touched.
        """
        if problem:
            raise SwitchFailed(f"{problem} Nothing was touched.")
        if not self._switch.is_complete(version):
            return False
        self._remember(version, self._clock.now())
        return True

    def _bring(self, version: Sha, release: Path, steps: tuple[int, ...]) -> None:
        meant = self._releases.current()
        previous = self._answer() or meant
        if previous is not None and previous != version:
            self._history.add(previous, None)
        began = self._clock.now()
        self._switch.bring(version, release, meant, steps)
        self._remember(version, began)

    def _remember(self, version: Sha, since: datetime) -> None:
        if self._releases.has(version):
            self._releases.point(version)
        self._save_state()
        self._history.add(version, since)

    def _save_state(self) -> None:
        """What haproxy loads when it is started or reloaded, so that it goes on with the same slot."""
        if self._profile.state_file is None:
            return
        path = Path(self._profile.state_file)
        new = path.with_name(f"{path.name}.new")
        new.write_text(self._backend.everything(), encoding="utf-8")
        new.replace(path)
