"""A deployer whose production is a variable."""

from __future__ import annotations

from pathlib import Path

from hotfix.domain.document import Sha
from hotfix.domain.errors import DeploymentFailed, RollbackFailed
from hotfix.domain.release import DeployerStatus, Release
from hotfix.ports.clock import Clock


class FakeDeployer:
    """``refuses`` holds versions that never come up; ``calls`` is what was really done, in order."""

    name = "fake"

    def __init__(self, live: Sha | None, clock: Clock) -> None:
        self._clock = clock
        self._history = [Release(version=live, deployed_at=None)] if live else []
        self.refuses: set[Sha] = set()
        self.problems: tuple[str, ...] = ()
        self.calls: list[tuple[str, Sha]] = []

    def status(self) -> DeployerStatus:
        return DeployerStatus(live=self.live(), problems=self.problems)

    def live(self) -> Sha | None:
        return self._history[0].version if self._history else None

    def history(self) -> tuple[Release, ...]:
        return tuple(self._history)

    def can_restore(self, version: Sha) -> bool:
        return any(release.version == version for release in self._history)

    def deploy(self, version: Sha, source: Path) -> None:
        if self.live() == version:
            return
        self.calls.append(("deploy", version))
        if version in self.refuses or not source.is_dir():
            raise DeploymentFailed(f"The deployment of {version} failed.", "Correct the cause and deploy again.")
        self._put(version)

    def restore(self, version: Sha) -> None:
        if self.live() == version:
            return
        self.calls.append(("restore", version))
        if version in self.refuses or not self.can_restore(version):
            commands = "\n".join(self.by_hand(version))
            raise RollbackFailed(f"The return to {version} failed; {self.live()} is live.", f"By hand:\n{commands}")
        self._put(version)

    def by_hand(self, version: Sha) -> tuple[str, ...]:
        return (f"put-back {version}",)

    def _put(self, version: Sha) -> None:
        self._history.insert(0, Release(version=version, deployed_at=self._clock.now()))
