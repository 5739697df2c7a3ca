"""No space is left for artefacts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chaos.fault import ROLLED_BACK, Expected, Fault, Live
from chaos.stage import Stage, comply
from hotfix.ports.bug_database import IncidentStatus

FULL = Path("/dev/full")


@dataclass(frozen=True)
class DiskFull(Fault):
    """Every write of the artefact ``name`` gets ENOSPC from the kernel, until the run has ended."""

    artefact: str = ""

    def prepare(self, stage: Stage) -> None:
        stage.artefacts.mkdir(parents=True, exist_ok=True)
        (stage.artefacts / self.artefact).symlink_to(FULL)

    def after(self, stage: Stage) -> None:
        (stage.artefacts / self.artefact).unlink()
        if self.expected.finished_by != "emergency_hotfix":
            comply(stage)


STORAGE: tuple[Fault, ...] = (
    DiskFull("disk-full-fix", "no space for the fix's diff", ROLLED_BACK, artefact="fix.diff"),
    DiskFull(
        "disk-full-post-mortem",
        "no space for the post-mortem, until the run has ended",
        Expected(IncidentStatus.RESOLVED, Live.FIX, green=False, finished_by="hotfix_compliance"),
        artefact="post-mortem.md",
    ),
)
