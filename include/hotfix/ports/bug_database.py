"""The ledger: what happened in every incident, and what is still owed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Protocol, TypeVar

from hotfix.domain.document import Document, Sha
from hotfix.domain.effect import Effect, EffectState, Intent
from hotfix.domain.follow_up import FollowUpItem, FollowUpKind, PullRequest
from hotfix.domain.incident import Incident
from hotfix.domain.testing import TestHistory, TestRun
from hotfix.ports.correspondence import Correspondence

D = TypeVar("D", bound=Document)


class IncidentStatus(str, Enum):
    OPEN = "open"
    RESOLVED = "resolved"
    ROLLED_BACK = "rolled_back"
    HANDED_OVER = "handed_over"
    FAILED = "failed"


class Event(Document):
    """Something that happened, for the timeline. ``key`` makes it one event however often it is written."""

    at: datetime
    step: str
    what: str
    key: str


class IncidentRow(Document):
    """An incident as a list shows it."""

    id: str
    attempt: int
    service: str
    title: str
    status: IncidentStatus
    opened_at: datetime
    closed_at: datetime | None
    run_id: str
    facts: dict[str, str]


class BugDatabase(Correspondence, Protocol):
    """Every write may be repeated: the same key replaces, never doubles."""

    def open_incident(self, incident: Incident) -> Incident:
        """Record an attempt and return it as it is recorded: a retried run gets its first record back."""

    def incident_of_run(self, run_id: str) -> Incident | None: ...

    def attempts(self, incident_id: str) -> tuple[IncidentRow, ...]:
        """Attempts at an incident, oldest first."""

    def incidents(self, since: datetime | None = None) -> tuple[IncidentRow, ...]:
        """Attempts at all incidents, newest first."""

    def close_incident(
        self, incident: Incident, status: IncidentStatus, at: datetime, facts: Mapping[str, str]
    ) -> None:
        """Set the final state; ``facts`` (culprit, fix, approval, …) are merged into the row. A closing time stays."""

    def record(self, incident: Incident, document: Document) -> None:
        """Keep a step's document; one of a kind an attempt."""

    def find(self, incident: Incident, kind: type[D]) -> D | None:
        """The document of that kind; None when that step never finished."""

    def note(self, incident: Incident, event: Event) -> None: ...

    def timeline(self, incident: Incident) -> tuple[Event, ...]:
        """Events of one attempt, oldest first."""

    def save_pull_request(self, incident: Incident, pull: PullRequest, body: str) -> None: ...

    def pull_request(self, incident_id: str, branch: str) -> tuple[PullRequest, str] | None: ...

    def owe(self, incident: Incident, items: tuple[FollowUpItem, ...]) -> None:
        """Add follow-up items; one of a kind an incident, a done one stays done."""

    def owed(self, incident_id: str | None = None, only_open: bool = True) -> tuple[tuple[str, FollowUpItem], ...]:
        """(incident id, item), the most urgent first."""

    def settle(self, incident_id: str, kind: FollowUpKind, at: datetime, evidence: str) -> None:
        """Mark a follow-up item as done."""

    def save_issue(self, incident: Incident, title: str, body: str, labels: tuple[str, ...]) -> str:
        """Keep an issue record (one an incident) and return where a person finds it."""

    def remember_tests(
        self,
        incident: Incident,
        changed: tuple[str, ...],
        broken: tuple[str, ...],
        seconds: Mapping[str, float],
        failed: frozenset[str],
    ) -> None:
        """Keep what a run of tests showed: which a change of the paths ``changed`` broke, how long each took.

        Of a test or path whose name is longer than a key may be, nothing is kept.
        """

    def test_history(self, service: str, changed: tuple[str, ...]) -> TestHistory:
        """What is known of a service's tests, for a change of the paths ``changed``."""

    def keep_test_baseline(self, service: str, version: Sha, selection: str, run: TestRun) -> None:
        """Keep a run on a version under a name of its selection; of its output and JUnit XML nothing is kept."""

    def test_baseline(self, service: str, version: Sha, selection: str) -> TestRun | None: ...

    def begin_effect(self, incident: Incident, intent: Intent, run_id: str, at: datetime) -> None:
        """Journal an effect before it happens: one row for each kind and key, whose tries are counted.

        Raises:
            TakenOver: ``run_id`` began this attempt, and another run has taken it over.
        """

    def end_effect(self, incident: Incident, intent: Intent, state: EffectState, at: datetime, what: str = "") -> None:
        """Journal how an effect ended; one that was never begun is left alone."""

    def effects(self, incident: Incident) -> tuple[Effect, ...]:
        """The journal of one attempt, in the order of first beginnings."""

    def take_over(self, incident: Incident, run_id: str) -> None:
        """From now on the run that began this attempt has no effects any more, also if it comes back to life."""

    def unfinished(self) -> tuple[Incident, ...]:
        """Attempts whose run left no ``RunOutcome``, oldest first."""
