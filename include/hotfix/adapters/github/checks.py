"""What the gates said about a commit, where GitHub shows it: beside the commit."""

from __future__ import annotations

from typing import Any

from hotfix.adapters.github.api import GithubApi, look_or_make
from hotfix.adapters.github.texts import cell
from hotfix.domain.document import Sha
from hotfix.domain.errors import CodeHostFailed, CodeHostUnavailable
from hotfix.domain.incident import Incident
from hotfix.domain.run_state import GateResult, GateState

PREFIX = "hotfix"
DESCRIPTION_LIMIT = 140
_STATUS = {
    GateState.WAITING: "pending",
    GateState.PASSED: "success",
    GateState.FAILED: "failure",
    GateState.NOT_REACHED: "error",
}
_CONCLUSION = {GateState.PASSED: "success", GateState.FAILED: "failure", GateState.NOT_REACHED: "skipped"}
_WORDS = {GateState.WAITING: "not judged yet", GateState.NOT_REACHED: "the run ended before"}


class GateChecks:
    """A check run for each gate; a commit status where the token is no App's, since only Apps may write check runs."""

    def __init__(self, api: GithubApi, repository: str) -> None:
        self._api = api
        self._path = f"/repos/{repository}"

    def tell(self, incident: Incident, commit: Sha, gates: tuple[GateResult, ...]) -> None:
        try:
            self._as_check_runs(incident, commit, gates)
        except CodeHostUnavailable:
            raise
        except CodeHostFailed:
            self._as_statuses(commit, gates)

    def _as_check_runs(self, incident: Incident, commit: Sha, gates: tuple[GateResult, ...]) -> None:
        for gate in gates:
            name = f"{PREFIX}: {gate.name}"
            body = _check_run(name, gate, incident)

            def look(name: str = name) -> Any | None:
                path = f"{self._path}/commits/{commit}/check-runs"
                return next((each for each in self._api.pages(path, "check_runs", check_name=name)), None)

            def make(body: dict[str, Any] = body) -> Any:
                return self._api.post(f"{self._path}/check-runs", {**body, "head_sha": commit})

            found = look_or_make(look, make)
            if (found["status"], found["conclusion"]) != (body["status"], body.get("conclusion")):
                self._api.patch(f"{self._path}/check-runs/{found['id']}", body)

    def _as_statuses(self, commit: Sha, gates: tuple[GateResult, ...]) -> None:
        # Newest first: what a context said last is what counts.
        there: dict[str, str] = {}
        for status in self._api.pages(f"{self._path}/commits/{commit}/statuses"):
            there.setdefault(status["context"], status["state"])
        for gate in gates:
            context = f"{PREFIX}/{gate.name.replace(' ', '-')}"
            if there.get(context) != _STATUS[gate.state]:
                described = cell(gate.why or _WORDS.get(gate.state, "no reason given"), DESCRIPTION_LIMIT)
                body = {"context": context, "state": _STATUS[gate.state], "description": described}
                self._api.post(f"{self._path}/statuses/{commit}", body)


def _check_run(name: str, gate: GateResult, incident: Incident) -> dict[str, Any]:
    body: dict[str, Any] = {
        "name": name,
        "external_id": f"{incident.id}/{incident.attempt}/{gate.name}",
        "output": {
            "title": cell(gate.why, 120) or _WORDS.get(gate.state, "no reason given"),
            "summary": cell(gate.why, 60_000) or _WORDS.get(gate.state, "no reason given"),
        },
    }
    if gate.state is GateState.WAITING:
        return {**body, "status": "in_progress"}
    return {**body, "status": "completed", "conclusion": _CONCLUSION[gate.state]}
