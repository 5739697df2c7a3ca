"""A scheduler that says what the test has it say."""

from __future__ import annotations

from hotfix.domain.recovery import Liveness


class FakeRuns:
    """Every run is alive unless ``states`` (by run id) says otherwise."""

    def __init__(self, **states: Liveness) -> None:
        self.states = {run.replace("_", "-"): state for run, state in states.items()}

    def liveness(self, dag_id: str, run_id: str) -> Liveness:
        return self.states.get(run_id, Liveness.ALIVE)
