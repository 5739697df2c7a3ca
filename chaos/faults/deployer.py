"""The deployer fails."""

from __future__ import annotations

from dataclasses import dataclass

from chaos.fault import ROLLED_BACK, Expected, Fault, Live, approval_is_sought
from chaos.stage import Stage
from hotfix.ports.bug_database import IncidentStatus

TIME_LIMIT = 10


@dataclass(frozen=True)
class Broken(Fault):
    """From the approval on the trial boot hangs or fails; with ``heals``, only for the first try."""

    mode: str = "hang"
    heals: bool = False

    def prepare(self, stage: Stage) -> None:
        stage.profile["deployer"]["time_limit"] = TIME_LIMIT

    def at(self, stage: Stage, task: str, state: str) -> None:
        if approval_is_sought(task, state):
            stage.trial(self.mode)

    def after(self, stage: Stage) -> None:
        stage.trial("")


class GunicornDies(Fault):
    """The link names the hotfix, and no process is there to take it up: the deployment stays half done."""

    def prepare(self, stage: Stage) -> None:
        stage.profile["deployer"]["time_limit"] = TIME_LIMIT

    def at(self, stage: Stage, task: str, state: str) -> None:
        if approval_is_sought(task, state):
            stage.world.production.stop()

    def after(self, stage: Stage) -> None:
        stage.world.production.start()


@dataclass(frozen=True)
class Unbootable(Fault):
    """The hotfix itself does not boot."""

    expected: Expected = ROLLED_BACK
    patch: str | None = "fails-to-boot.patch"


DEPLOYER: tuple[Fault, ...] = (
    Broken("deployer-hangs", "every deployment hangs until its time limit", ROLLED_BACK, mode="hang"),
    Broken("deployer-fails", "every deployment fails", ROLLED_BACK, mode="fail"),
    GunicornDies(
        "production-dies",
        "production dies before the deployment, which stays half done",
        Expected(IncidentStatus.FAILED, Live.BEFORE, green=False),
    ),
    Unbootable("hotfix-does-not-boot", "the hotfix does not boot in production"),
)
