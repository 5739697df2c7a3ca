"""Promises are kept only where git or a person shows it, and the figures count what happened."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from hotfix.domain.follow_up import FollowUpItem, FollowUpKind
from hotfix.domain.incident import Incident
from hotfix.ports.bug_database import IncidentStatus
from hotfix.steps.check_compliance import compliance_report, settle_by_evidence
from hotfix.steps.measure import digest, measure
from tests.contract.fakes.bug_database import InMemoryBugDatabase
from tests.contract.fakes.clock import FakeClock
from tests.support.documents import a_push, an_incident
from tests.support.world import World

FOLLOW_UP = "follow-up/OPS-1"


def an_item(kind: FollowUpKind, due_at: datetime) -> FollowUpItem:
    return FollowUpItem(kind=kind, title=f"Do the {kind.value}", due_at=due_at)


@pytest.fixture
def incident(world: World) -> Incident:
    """Shipped as production's newest commit, with everything still owed."""
    incident = world.open(issue="OPS-1")
    shipped = world.history.commit("hotfix", {"a.txt": "1"}, branch="hotfix/OPS-1", parents=[world.production])
    world.history.move(f"refs/heads/{FOLLOW_UP}", shipped)
    world.bug_database.record(incident, a_push(commit=shipped))
    due = world.clock.now() + timedelta(days=1)
    world.bug_database.owe(incident, (an_item(FollowUpKind.FULL_FIX, due), an_item(FollowUpKind.CODE_REVIEW, due)))
    return incident


def settle(world: World) -> tuple[str, ...]:
    return settle_by_evidence(
        bug_database=world.bug_database,
        profile=lambda name: world.profile,
        repository=lambda profile: world.repository,
        clock=world.clock,
    )


def open_kinds(world: World) -> set[FollowUpKind]:
    return {item.kind for _, item in world.bug_database.owed("OPS-1")}


def merge_into_main(world: World, branch: str) -> None:
    world.history.merge("Merge", world.history.ref(f"refs/heads/{branch}") or "", {})


def test_work_on_top_of_the_hotfix_in_the_default_branch_is_the_proper_fix(world: World, incident: Incident) -> None:
    proper = world.history.commit("The proper fix", {"a.txt": "2"}, branch=FOLLOW_UP)
    merge_into_main(world, FOLLOW_UP)
    (line,) = settle(world)
    assert proper[:12] in line
    assert open_kinds(world) == {FollowUpKind.CODE_REVIEW}, "a review is a person's word"
    assert settle(world) == ()


def test_work_that_is_not_merged_is_no_fix_yet(world: World, incident: Incident) -> None:
    world.history.commit("The proper fix", {"a.txt": "2"}, branch=FOLLOW_UP)
    assert settle(world) == ()
    assert FollowUpKind.FULL_FIX in open_kinds(world)


def test_the_hotfix_alone_in_the_default_branch_is_no_proper_fix(world: World, incident: Incident) -> None:
    merge_into_main(world, FOLLOW_UP)
    assert settle(world) == ()
    assert FollowUpKind.FULL_FIX in open_kinds(world)


def test_an_earlier_attempt_does_not_make_the_hotfix_alone_a_proper_fix(world: World, incident: Incident) -> None:
    """The first attempt pushed another commit, which was rolled back; the branch stands where the second shipped."""
    world.bug_database.close_incident(incident, IncidentStatus.ROLLED_BACK, world.clock.now(), {})
    second = world.bug_database.open_incident(incident.model_copy(update={"attempt": 2, "run_id": "run-2"}))
    push = world.bug_database.find(incident, type(a_push()))
    assert push is not None
    world.bug_database.record(second, push)
    world.bug_database.record(incident, a_push(commit=world.commits["culprit"]))
    merge_into_main(world, FOLLOW_UP)
    assert settle(world) == ()
    assert FollowUpKind.FULL_FIX in open_kinds(world)


def test_a_branch_that_was_deleted_proves_nothing(world: World, incident: Incident) -> None:
    world.history.remove(f"refs/heads/{FOLLOW_UP}")
    assert settle(world) == ()


def test_a_repository_that_does_not_answer_keeps_the_items_open(world: World, incident: Incident) -> None:
    world.history.path.rename(world.folder / "elsewhere")
    (line,) = settle(world)
    assert line.startswith("OPS-1: could not be checked")
    assert FollowUpKind.FULL_FIX in open_kinds(world)


def test_what_is_owed_and_what_is_overdue(world: World, incident: Incident) -> None:
    late = an_item(FollowUpKind.FULL_TEST_SUITE, world.clock.now())
    world.bug_database.owe(incident, (late,))
    report = compliance_report(("x",), bug_database=world.bug_database, clock=world.clock)
    assert (len(report.open), len(report.overdue), report.settled) == (2, 1, ("x",))
    assert report.overdue[0].startswith("OPS-1: Do the full_test_suite (due 2026-03-01 04:00 UTC)")
    world.clock.sleep(86400)
    assert len(compliance_report((), bug_database=world.bug_database, clock=world.clock).overdue) == 3


# --- figures


class Ledger:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.database = InMemoryBugDatabase()

    def incident(
        self,
        name: str,
        status: IncidentStatus,
        minutes: float,
        days_ago: float = 1,
        attempt: int = 1,
        deployed: bool = True,
    ) -> Incident:
        opened = self.clock.now() - timedelta(days=days_ago)
        incident = self.database.open_incident(
            an_incident(id=name, attempt=attempt, run_id=f"{name}-{attempt}", opened_at=opened)
        )
        if status is not IncidentStatus.OPEN:
            facts = {"deployed": "f" * 40} if deployed else {}
            self.database.close_incident(incident, status, opened + timedelta(minutes=minutes), facts)
        return incident


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


def test_the_figures_of_a_period(ledger: Ledger) -> None:
    fast = ledger.incident("A", IncidentStatus.RESOLVED, 10)
    ledger.incident("B", IncidentStatus.ROLLED_BACK, 20)
    ledger.incident("B", IncidentStatus.RESOLVED, 30, attempt=2)
    ledger.incident("C", IncidentStatus.RESOLVED, 50)
    ledger.incident("D", IncidentStatus.HANDED_OVER, 1, deployed=False)
    ledger.incident("E", IncidentStatus.OPEN, 0)
    ledger.incident("F", IncidentStatus.FAILED, 5)
    ledger.incident("G", IncidentStatus.ROLLED_BACK, 5, deployed=False)
    ledger.incident("OLD", IncidentStatus.RESOLVED, 999, days_ago=31)
    now = ledger.clock.now()
    ledger.database.owe(
        fast,
        (
            an_item(FollowUpKind.FULL_FIX, now - timedelta(hours=1)),
            an_item(FollowUpKind.CODE_REVIEW, now + timedelta(hours=1)),
            an_item(FollowUpKind.FULL_TEST_SUITE, now - timedelta(hours=1)),
            an_item(FollowUpKind.REPRODUCER_TEST, now + timedelta(hours=1)),
        ),
    )
    ledger.database.settle("A", FollowUpKind.FULL_TEST_SUITE, now, "ran")
    metrics = measure(bug_database=ledger.database, clock=ledger.clock, days=30)
    assert metrics.incidents == 7
    assert metrics.median_resolution_seconds == 30 * 60
    assert metrics.rollback_rate == pytest.approx(2 / 5), "of what was deployed, in any attempt"
    assert (metrics.follow_ups_done, metrics.follow_ups_overdue) == (0.25, 1)
    assert metrics.incidents_per_week == pytest.approx(7 / 30 * 7, abs=0.01)
    assert metrics.by_status["resolved"] == 3
    text = digest(metrics)
    for figure in ("| incidents | 7", "30.0 min", "40%", "25%", "| follow-up overdue | 1 |"):
        assert figure in text


def test_nothing_to_count_is_no_data_and_not_zero(ledger: Ledger) -> None:
    metrics = measure(bug_database=ledger.database, clock=ledger.clock, days=30)
    assert (metrics.incidents, metrics.median_resolution_seconds, metrics.rollback_rate) == (0, None, None)
    assert metrics.follow_ups_done is None
    assert digest(metrics).count("no data") == 3
