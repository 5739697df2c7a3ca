"""The runs of ``emergency_hotfix``, seen from outside a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class HotfixRuns(Protocol):
    """Every method raises ``CannotStartRun`` when Airflow's database does not answer."""

    def start(self, run_id: str, params: Mapping[str, Any], started_by: str, note: str) -> bool:
        """Start a run; False when a run of that id is there already.

        Raises:
            InvalidIncident: the DAG's own schema refuses the params; nothing was started.
            CannotStartRun: the DAG is not there, is paused or is broken.
        """

    def rehearse(self, params: Mapping[str, Any]) -> None:
        """Everything that ``start`` does, and take it back: what only the first start loads is loaded then.

        Raises as ``start`` does.
        """

    def latest(self, prefix: str) -> str | None:
        """The newest run whose id begins with ``prefix``."""

    def active(self, service: str) -> str | None:
        """A run of that service that waits or is under way; the oldest, if there are several."""

    def note(self, run_id: str, text: str) -> None:
        """Add a line to the run's note in Airflow; a line that is there already is not added again."""
