"""A scheduler that says what the test has it say."""

from __future__ import annotations

from hotfix.domain.recovery import RunState


class FakeRuns:
    """Every run is alive unless ``states`` (by run id) says otherwise."""

    def __init__(self, **states: RunState) -> None:
        self.states = {run.replace("_", "-"): state for run, state in states.items()}

    def state(self, dag_id: str, run_id: str) -> RunState:
        return self.states.get(run_id, RunState.ALIVE)
