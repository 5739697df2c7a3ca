"""What the pages show, put together from the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from hotfix.domain.follow_up import FollowUp, FollowUpItem, PostMortem
from hotfix.domain.incident import Incident
from hotfix.domain.rollback import Escalation
from hotfix.domain.stability import StabilityReport
from hotfix.ports.bug_database import BugDatabase, Event, IncidentRow
from hotfix.steps.take_alert import STEP as INTAKE
from hotfix.steps.what_went_wrong import CHAT, FAILED, FINISHED, STARTED

# Shown in their own place and not among the other facts.
_OWN_PLACE = ("post_mortem", "why_not")


@dataclass(frozen=True)
class Happening:
    """The events of one try of one step. ``ended`` is None while nothing but its start is known."""

    step: str
    at: datetime
    ended: datetime | None
    what: str
    failed: bool


@dataclass(frozen=True)
class Attempt:
    row: IncidentRow
    incident: Incident | None
    post_mortem: PostMortem | None
    follow_up: FollowUp | None
    escalation: Escalation | None
    stability: StabilityReport | None
    happenings: tuple[Happening, ...]

    @property
    def facts(self) -> Mapping[str, str]:
        return {name: value for name, value in self.row.facts.items() if name not in _OWN_PLACE}


@dataclass(frozen=True)
class Debt:
    """A follow-up item and the incident that owes it."""

    incident_id: str
    item: FollowUpItem
    title: str
    service: str


def attempts(bug_database: BugDatabase, incident_id: str) -> tuple[Attempt, ...]:
    """Attempts at an incident, newest first; empty when there is no such incident."""
    return tuple(attempt(bug_database, row) for row in reversed(bug_database.attempts(incident_id)))


def attempt(bug_database: BugDatabase, row: IncidentRow) -> Attempt:
    incident = bug_database.incident_of_run(row.run_id)
    if incident is None:
        return Attempt(row, None, None, None, None, None, ())
    return Attempt(
        row=row,
        incident=incident,
        post_mortem=bug_database.find(incident, PostMortem),
        follow_up=bug_database.find(incident, FollowUp),
        escalation=bug_database.find(incident, Escalation),
        stability=bug_database.find(incident, StabilityReport),
        happenings=happenings(bug_database.timeline(incident)),
    )


def debts(bug_database: BugDatabase) -> tuple[Debt, ...]:
    """Everything that is owed, the most urgent first."""
    # The newest attempt is read first, and its title stays.
    known: dict[str, IncidentRow] = {}
    for row in bug_database.incidents():
        known.setdefault(row.id, row)
    return tuple(Debt(of, item, known[of].title, known[of].service) for of, item in bug_database.owed())


def happenings(events: Iterable[Event]) -> tuple[Happening, ...]:
    """A timeline with the start and the end of each try in one line."""
    groups: list[list[Event]] = []
    for event in events:
        # An alert or a message may be noted while a step is at work, and is a happening of its own.
        same_step = next((group for group in reversed(groups) if group[-1].step == event.step), None)
        if same_step and event.what != STARTED and event.step not in (INTAKE, CHAT):
            same_step.append(event)
        else:
            groups.append([event])
    return tuple(_happening(group) for group in groups)


def time_taken(row: IncidentRow, now: datetime) -> timedelta:
    """From the opening to the end, or until now."""
    return (row.closed_at or now) - row.opened_at


def _happening(group: list[Event]) -> Happening:
    first, last = group[0], group[-1]
    said = [event.what.removeprefix(FINISHED).removeprefix(": ") for event in group if event.what != STARTED]
    return Happening(
        step=first.step,
        at=first.at,
        ended=None if last.what == STARTED else last.at,
        what="; ".join(filter(None, said)),
        failed=last.what.startswith(FAILED),
    )
