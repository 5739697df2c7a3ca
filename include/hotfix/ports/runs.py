"""What the scheduler knows of runs."""

from __future__ import annotations

from typing import Protocol

from hotfix.domain.recovery import Liveness


class Runs(Protocol):
    def liveness(self, dag_id: str, run_id: str) -> Liveness:
        """What the scheduler says of that run now."""
