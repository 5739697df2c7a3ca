"""What a fault is: what it does, when, and what is right afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from chaos.stage import Stage
from hotfix.ports.bug_database import IncidentStatus


class Live(str, Enum):
    """What production has to run in the end."""

    FIX = "the hotfix"
    BEFORE = "what it ran before"
    THEIRS = "what somebody else deployed"


@dataclass(frozen=True)
class Expected:
    """``green``: the run's colour. ``finished_by``: the DAG that had the last word."""

    status: IncidentStatus = IncidentStatus.RESOLVED
    live: Live = Live.FIX
    green: bool = True
    finished_by: str = "emergency_hotfix"


FIXED = Expected()
ROLLED_BACK = Expected(IncidentStatus.ROLLED_BACK, Live.BEFORE, green=False)


def approval_is_sought(task: str, state: str) -> bool:
    """The moment for what has to be broken before the hotfix ships; a busy machine may see only the end of the wait."""
    return task == "await_approval" and state in ("deferred", "success")


@dataclass(frozen=True)
class Fault:
    """Nothing goes wrong. Each kind of fault says what does by one or two of the hooks."""

    name: str
    about: str
    expected: Expected = FIXED
    patch: str | None = "good-fix.patch"
    """The demo's patch that the operator supplies; None: the fix is found by the analysis, which takes longer."""
    quick: bool = False

    def prepare(self, stage: Stage) -> None:
        """Before production starts; the profile may still be changed."""

    def report(self, stage: Stage) -> None:
        """Trigger the workflow."""
        stage.trigger(**self.params())

    def at(self, stage: Stage, task: str, state: str) -> None:
        """A task (short name) has changed to a state."""

    def after(self, stage: Stage) -> None:
        """The run has ended: whoever lives mends what is broken, and the hour strikes for compliance."""

    def problems(self, stage: Stage) -> list[str]:
        """What only this fault has to show, beyond what all runs have in common."""
        return []

    def params(self) -> dict[str, str]:
        from demo.scenarios import PATCHES

        return {"patch": (PATCHES / self.patch).read_text()} if self.patch else {}
