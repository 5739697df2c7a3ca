"""The ledger in a dictionary, for the tests of steps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

from hotfix.adapters.bug_database.errors import AttemptTaken, IncidentNotRecorded, NothingOwed
from hotfix.domain.document import Document, Sha
from hotfix.domain.effect import Effect, EffectKind, EffectState, Intent
from hotfix.domain.errors import TakenOver
from hotfix.domain.follow_up import FollowUpItem, FollowUpKind, PullRequest
from hotfix.domain.incident import Incident
from hotfix.domain.outcome import RunOutcome
from hotfix.domain.testing import TestHistory, TestRun
from hotfix.ports.bug_database import Event, IncidentRow, IncidentStatus
from tests.contract.fakes.correspondence import InMemoryCorrespondence

D = TypeVar("D", bound=Document)
Attempt = tuple[str, int]


class InMemoryBugDatabase(InMemoryCorrespondence):
    """A ``BugDatabase`` for one process. Documents are kept as JSON, so that what cannot be stored fails here too.

    ``issues`` holds what ``save_issue`` kept: incident id to (title, body, labels).
    """

    def __init__(self) -> None:
        super().__init__()
        self.issues: dict[str, tuple[str, str, tuple[str, ...]]] = {}
        self._incidents: dict[Attempt, tuple[str, IncidentRow]] = {}
        self._documents: dict[tuple[Attempt, str], str] = {}
        self._events: dict[tuple[Attempt, str], Event] = {}
        self._pulls: dict[tuple[str, str], tuple[str, str]] = {}
        self._follow_ups: dict[tuple[str, FollowUpKind], FollowUpItem] = {}
        self._broken: set[tuple[str, str, str]] = set()
        self._times: dict[tuple[str, str], tuple[float, bool]] = {}
        self._effects: dict[tuple[Attempt, EffectKind, str], Effect] = {}
        self._keepers: dict[Attempt, str] = {}
        self._baselines: dict[tuple[str, str, str], str] = {}

    def open_incident(self, incident: Incident) -> Incident:
        _key(incident.run_id)
        if known := self.incident_of_run(incident.run_id):
            return known
        if _attempt(incident) in self._incidents:
            raise AttemptTaken(incident)
        row = IncidentRow(
            id=incident.id,
            attempt=incident.attempt,
            service=incident.service,
            title=_prose(incident.title),
            status=IncidentStatus.OPEN,
            opened_at=incident.opened_at,
            closed_at=None,
            run_id=incident.run_id,
            facts={},
        )
        self._incidents[_attempt(incident)] = (incident.model_dump_json(), row)
        return incident

    def incident_of_run(self, run_id: str) -> Incident | None:
        for content, row in self._incidents.values():
            if row.run_id == run_id:
                return Incident.model_validate_json(content)
        return None

    def attempts(self, incident_id: str) -> tuple[IncidentRow, ...]:
        found = [row for _, row in self._incidents.values() if row.id == incident_id]
        return tuple(sorted(found, key=lambda row: row.attempt))

    def incidents(self, since: datetime | None = None) -> tuple[IncidentRow, ...]:
        if since is not None:
            _moment(since)
        found = [row for _, row in self._incidents.values() if since is None or row.opened_at >= since]
        by_name = sorted(found, key=lambda row: (row.id, -row.attempt))
        return tuple(sorted(by_name, key=lambda row: row.opened_at, reverse=True))

    def close_incident(
        self, incident: Incident, status: IncidentStatus, at: datetime, facts: Mapping[str, str]
    ) -> None:
        self._require(incident)
        content, row = self._incidents[_attempt(incident)]
        closed = {
            "status": status,
            "closed_at": row.closed_at or _moment(at),
            "facts": {**row.facts, **facts},
        }
        self._incidents[_attempt(incident)] = (content, row.model_copy(update=closed))

    def record(self, incident: Incident, document: Document) -> None:
        self._require(incident)
        self._documents[_attempt(incident), type(document).__name__] = document.model_dump_json()

    def find(self, incident: Incident, kind: type[D]) -> D | None:
        content = self._documents.get((_attempt(incident), kind.__name__))
        return None if content is None else kind.model_validate_json(content)

    def note(self, incident: Incident, event: Event) -> None:
        self._require(incident)
        _moment(event.at)
        clean = event.model_copy(update={"step": _prose(event.step), "what": _prose(event.what)})
        self._events[_attempt(incident), _key(event.key)] = clean

    def timeline(self, incident: Incident) -> tuple[Event, ...]:
        found = [event for (attempt, _), event in self._events.items() if attempt == _attempt(incident)]
        return tuple(sorted(found, key=lambda event: event.at))

    def save_pull_request(self, incident: Incident, pull: PullRequest, body: str) -> None:
        self._require(incident)
        self._pulls[incident.id, _key(pull.branch)] = (pull.model_dump_json(), _prose(body))

    def pull_request(self, incident_id: str, branch: str) -> tuple[PullRequest, str] | None:
        found = self._pulls.get((incident_id, branch))
        return (PullRequest.model_validate_json(found[0]), found[1]) if found else None

    def owe(self, incident: Incident, items: tuple[FollowUpItem, ...]) -> None:
        self._require(incident)
        for item in items:
            known = self._follow_ups.get((incident.id, item.kind))
            if known is None or known.done_at is None:
                self._follow_ups[incident.id, item.kind] = item

    def owed(self, incident_id: str | None = None, only_open: bool = True) -> tuple[tuple[str, FollowUpItem], ...]:
        found = [
            (of, item)
            for (of, _), item in self._follow_ups.items()
            if incident_id in (None, of) and not (only_open and item.done_at)
        ]
        return tuple(
            sorted(found, key=lambda one: (one[1].done_at is not None, one[1].due_at, one[0], one[1].kind.value))
        )

    def settle(self, incident_id: str, kind: FollowUpKind, at: datetime, evidence: str) -> None:
        item = self._follow_ups.get((incident_id, kind))
        if item is None:
            raise NothingOwed(incident_id, kind)
        if item.done_at is None:
            done = {"done_at": _moment(at), "evidence": _prose(evidence)}
            self._follow_ups[incident_id, kind] = item.model_copy(update=done)

    def save_issue(self, incident: Incident, title: str, body: str, labels: tuple[str, ...]) -> str:
        self._require(incident)
        self.issues[incident.id] = (_prose(title), _prose(body), labels)
        return f"bug-database:issues/{incident.id}"

    def remember_tests(
        self,
        incident: Incident,
        changed: tuple[str, ...],
        broken: tuple[str, ...],
        seconds: Mapping[str, float],
        failed: frozenset[str],
    ) -> None:
        self._require(incident)
        self._broken.update((incident.service, path, test) for path in changed for test in broken if _fits(path, test))
        for test in filter(_fits, seconds):
            self._times[incident.service, test] = (seconds[test], test in failed)

    def test_history(self, service: str, changed: tuple[str, ...]) -> TestHistory:
        times = {test: known for (of, test), known in self._times.items() if of == service}
        return TestHistory(
            seconds={test: seconds for test, (seconds, _) in times.items()},
            failed=frozenset(test for test, (_, failed) in times.items() if failed),
            broken_by_similar=tuple(
                sorted({test for of, path, test in self._broken if of == service and path in changed})
            ),
        )

    def keep_test_baseline(self, service: str, version: Sha, selection: str, run: TestRun) -> None:
        kept = run.model_copy(update={"output": "", "junit": ""})
        self._baselines[service, version, selection] = kept.model_dump_json()

    def test_baseline(self, service: str, version: Sha, selection: str) -> TestRun | None:
        content = self._baselines.get((service, version, selection))
        return TestRun.model_validate_json(content) if content else None

    def begin_effect(self, incident: Incident, intent: Intent, run_id: str, at: datetime) -> None:
        self._require(incident)
        keeper = self._keepers.get(_attempt(incident))
        if keeper and run_id == incident.run_id:
            raise TakenOver(incident.id, incident.attempt, keeper)
        name = (_attempt(incident), intent.kind, _key(intent.key))
        tries = self._effects[name].tries + 1 if name in self._effects else 1
        self._effects[name] = Effect(
            **intent.model_dump(), state=EffectState.UNDER_WAY, run_id=_key(run_id), begun_at=_moment(at), tries=tries
        )

    def end_effect(self, incident: Incident, intent: Intent, state: EffectState, at: datetime, what: str = "") -> None:
        name = (_attempt(incident), intent.kind, intent.key)
        if effect := self._effects.get(name):
            ended = {"state": state, "ended_at": _moment(at), "what": _prose(what)}
            self._effects[name] = effect.model_copy(update=ended)

    def effects(self, incident: Incident) -> tuple[Effect, ...]:
        return tuple(effect for (attempt, _, _), effect in self._effects.items() if attempt == _attempt(incident))

    def take_over(self, incident: Incident, run_id: str) -> None:
        self._require(incident)
        self._keepers[_attempt(incident)] = run_id

    def unfinished(self) -> tuple[Incident, ...]:
        left = [
            Incident.model_validate_json(content)
            for attempt, (content, _) in self._incidents.items()
            if (attempt, RunOutcome.__name__) not in self._documents
        ]
        return tuple(sorted(left, key=lambda incident: (incident.opened_at, incident.id, incident.attempt)))

    def _require(self, incident: Incident) -> None:
        if _attempt(incident) not in self._incidents:
            raise IncidentNotRecorded(incident)


def _attempt(incident: Incident) -> Attempt:
    return incident.id, incident.attempt


def _fits(*keys: str) -> bool:
    return all(0 < len(key) <= 250 and "\0" not in key for key in keys)


def _moment(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"{at.isoformat()} has no timezone; give the time with one")
    return at


def _key(value: str) -> str:
    if not (0 < len(value) <= 250 and "\0" not in value):
        raise ValueError(f"{value!r:.80} is no key: use 1 to 250 characters without NUL")
    return value


def _prose(value: str) -> str:
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode("utf-8")
