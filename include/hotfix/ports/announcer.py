"""A place where people see what a run is doing."""

from __future__ import annotations

from typing import Protocol

from hotfix.domain.run_state import RunState


class Announcer(Protocol):
    """What is shown is told, not done: nothing about production or the release depends on it."""

    @property
    def name(self) -> str:
        """For messages: where something was not told."""

    @property
    def introduction(self) -> str:
        """For the record: where the run is shown, or what is not done and why."""

    def show(self, state: RunState, sarif: str | None) -> tuple[str, ...]:
        """Bring everything that is shown of a run to ``state``; ``sarif`` is the content of its security report.

        May be called again with the same state, and with a newer one after any number of states that nobody was shown.
        Returns what could not be shown, one sentence each; one thing that fails does not stop the others.
        """
