"""The git remote fails."""

from __future__ import annotations

from dataclasses import dataclass

from chaos.fault import ROLLED_BACK, Expected, Fault, Live, approval_is_sought
from chaos.faults.tasks import BY_COMPLIANCE
from chaos.stage import Stage, comply
from demo.sample_service.git import git


class RemoteDown(Fault):
    """Away from the approval on, until a task has seen it."""

    def at(self, stage: Stage, task: str, state: str) -> None:
        if approval_is_sought(task, state):
            stage.hide_remote(True)
        if state == "up_for_retry":
            stage.hide_remote(False)

    def problems(self, stage: Stage) -> list[str]:
        return [] if any(each.endswith(":up_for_retry") for each in stage.seen) else ["no task met the remote away"]


class RemoteGone(Fault):
    """Away from the approval on, until the run has ended."""

    def at(self, stage: Stage, task: str, state: str) -> None:
        if approval_is_sought(task, state):
            stage.hide_remote(True)

    def after(self, stage: Stage) -> None:
        stage.hide_remote(False)
        comply(stage)


class RemoteSlow(Fault):
    def prepare(self, stage: Stage) -> None:
        stage.hook("pre-receive", "sleep 6")


class PushRefused(Fault):
    """By a hook, as a protected branch is."""

    def prepare(self, stage: Stage) -> None:
        refuse = "while read old new ref; do case $ref in refs/heads/hotfix/*) echo protected >&2; exit 1;; esac; done"
        stage.hook("pre-receive", refuse)


class MainMoved(Fault):
    def at(self, stage: Stage, task: str, state: str) -> None:
        if approval_is_sought(task, state):
            stage.commit("main", "main", "Somebody else's work")


@dataclass(frozen=True)
class BranchTaken(Fault):
    """The hotfix branch is there already, with somebody's commit on it."""

    expected: Expected = ROLLED_BACK

    def prepare(self, stage: Stage) -> None:
        stage.commit(f"hotfix/{stage.issue}", "main", "Somebody else's hotfix")

    def problems(self, stage: Stage) -> list[str]:
        subject = git(stage.remote, "log", "-1", "--format=%s", f"refs/heads/hotfix/{stage.issue}")
        return [] if subject == "Somebody else's hotfix" else [f"their branch was moved to “{subject}”"]


class ProductionMoved(Fault):
    """Somebody deploys another version while the approval is awaited."""

    def at(self, stage: Stage, task: str, state: str) -> None:
        if approval_is_sought(task, state):
            stage.world.deploy(stage.world.history.head)


GIT: tuple[Fault, ...] = (
    RemoteGone("remote-gone", "the git remote is away from the approval on, also for the rollback", BY_COMPLIANCE),
    RemoteDown(
        "remote-down",
        "the git remote is away from the approval on, and comes back when a task has met that",
        quick=True,
    ),
    RemoteSlow("remote-slow", "the git remote takes 6 s for every push"),
    PushRefused("push-refused", "the remote's hook refuses the hotfix branch", ROLLED_BACK),
    MainMoved("main-moved", "the default branch moves on while the approval is awaited"),
    BranchTaken("branch-taken", "the hotfix branch is there already and somebody else's"),
    ProductionMoved(
        "production-moved",
        "somebody deploys another version while the approval is awaited",
        Expected(ROLLED_BACK.status, Live.THEIRS, green=False),
    ),
)
