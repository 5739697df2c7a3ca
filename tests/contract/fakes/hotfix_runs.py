"""The runs of ``emergency_hotfix`` in a list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from hotfix.domain.errors import CannotStartRun
from hotfix.domain.incident import IncidentReport

NOTE_LIMIT = 1000


@dataclass
class Run:
    run_id: str
    params: dict[str, Any]
    started_by: str
    lines: list[str]
    ended: bool = False


@dataclass
class InMemoryHotfixRuns:
    """``runs`` holds what was started, oldest first."""

    runs: list[Run] = field(default_factory=list)
    paused: bool = False

    def start(self, run_id: str, params: Mapping[str, Any], started_by: str, note: str) -> bool:
        if self.paused:
            raise CannotStartRun("The DAG emergency_hotfix is paused.")
        if self._named(run_id):
            return False
        IncidentReport.parse(params, datetime.now(timezone.utc))
        self.runs.append(Run(run_id, dict(params), started_by, [note]))
        return True

    def rehearse(self, params: Mapping[str, Any]) -> None:
        if self.start("rehearsal", params, "", ""):
            self.runs.pop()

    def latest(self, prefix: str) -> str | None:
        return next((run.run_id for run in reversed(self.runs) if run.run_id.startswith(prefix)), None)

    def active(self, service: str) -> str | None:
        under_way = (run.run_id for run in self.runs if run.params["service"] == service and not run.ended)
        return next(under_way, None)

    def note(self, run_id: str, text: str) -> None:
        run = self._named(run_id)
        if run and text not in run.lines:
            while run.lines[1:] and len("\n".join((*run.lines, text))) > NOTE_LIMIT:
                del run.lines[1]
            run.lines.append(text)

    def noted(self, run_id: str) -> str:
        run = self._named(run_id)
        assert run
        return "\n".join(run.lines)

    def finish(self, run_id: str) -> None:
        run = self._named(run_id)
        assert run
        run.ended = True

    def pause(self, paused: bool) -> None:
        self.paused = paused

    def _named(self, run_id: str) -> Run | None:
        return next((run for run in self.runs if run.run_id == run_id), None)
