"""Keep the exact state before the fix."""

from __future__ import annotations

from hotfix.domain.fix import Backup, FixPlan
from hotfix.domain.incident import Incident
from hotfix.ports.clock import Clock
from hotfix.ports.repository import Repository


def back_up_files(incident: Incident, plan: FixPlan, *, repository: Repository, clock: Clock) -> Backup:
    """A ref on the remote at production's commit, and the checksum of every file that a candidate may change."""
    ref = f"{incident.ref_prefix}/backup-{incident.attempt}"
    repository.push(ref, plan.base, expect=None)
    paths = tuple(sorted({path for candidate in plan.candidates for path in candidate.paths}))
    return Backup(ref=ref, commit=plan.base, files=repository.fingerprints(plan.base, paths), at=clock.now())
