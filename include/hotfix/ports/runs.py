"""What the scheduler knows of runs."""

from __future__ import annotations

from typing import Protocol

from hotfix.domain.recovery import RunState


class Runs(Protocol):
    def state(self, dag_id: str, run_id: str) -> RunState:
        """Whether tasks of that run may still start."""
