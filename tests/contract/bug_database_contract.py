"""What every ``BugDatabase`` promises. Subclass it and give a fixture ``database``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from hotfix.domain.approval import Answer
from hotfix.domain.effect import EffectKind, EffectState, Intent
from hotfix.domain.errors import HotfixError, TakenOver
from hotfix.domain.follow_up import FollowUpItem, FollowUpKind, PullRequest
from hotfix.domain.incident import ApprovalMode, Criterion, Incident
from hotfix.domain.message import Place, Told
from hotfix.domain.outcome import Ending, RunOutcome
from hotfix.domain.release import LiveCheck, Push
from hotfix.domain.rollback import DeploymentRollback
from hotfix.domain.testing import Outcome, TestCase, TestHistory, TestRun
from hotfix.ports.bug_database import BugDatabase, Event, IncidentStatus

NOW = datetime(2026, 3, 1, 3, 0, 0, 123456, tzinfo=timezone.utc)
SHA = "a" * 40


def an_incident(**changes: Any) -> Incident:
    values: dict[str, Any] = {
        "id": "INC-1",
        "attempt": 1,
        "service": "shop",
        "title": "Checkout answers 500 — für alle",
        "description": "Every checkout fails since the last release.",
        "criteria": (Criterion.PRODUCTION_DOWN,),
        "dag_id": "emergency_hotfix",
        "run_id": "run-1",
        "reported_by": "ada",
        "opened_at": NOW,
        "started_at": NOW - timedelta(minutes=10),
        "production": SHA,
        "good": None,
        "failing_request": "/checkout",
        "stack_trace": None,
        "reproducer": None,
        "patch": None,
        "fix_commit": None,
        "suspected_paths": ("shop/cart.py",),
        "approval": ApprovalMode.REQUIRED,
        "approval_window": 300,
        "irreversible_change_accepted": False,
        "excluded_candidates": (),
    }
    return Incident(**{**values, **changes})


def an_event(key: str, at: datetime = NOW, what: str = "it happened") -> Event:
    return Event(at=at, step="deploy", what=what, key=key)


def an_item(kind: FollowUpKind, days: int = 3, title: str = "do it") -> FollowUpItem:
    return FollowUpItem(kind=kind, title=title, due_at=NOW + timedelta(days=days))


def a_pull(**changes: Any) -> PullRequest:
    values = {"branch": "hotfix/INC-1", "title": "Fix it", "url": "somewhere", "draft": True, "head": SHA}
    return PullRequest.model_validate({**values, **changes})


PUSHED = Intent(kind=EffectKind.SET_REF, key="refs/heads/hotfix/INC-1", target=SHA)
SHIPPED = Intent(kind=EffectKind.DEPLOY, key=SHA, target="local")


class BugDatabaseContract:
    @pytest.fixture
    def incident(self, database: BugDatabase) -> Incident:
        return database.open_incident(an_incident())

    def test_a_retried_run_gets_its_first_record_back(self, database: BugDatabase) -> None:
        first = database.open_incident(an_incident())
        again = database.open_incident(an_incident(id="INC-2", title="Another name for it"))
        assert again == first == an_incident()
        assert database.incident_of_run("run-1") == first
        assert [row.id for row in database.incidents()] == ["INC-1"]

    def test_an_unknown_run_has_no_incident(self, database: BugDatabase) -> None:
        assert database.incident_of_run("never") is None

    def test_two_runs_cannot_hold_the_same_attempt(self, database: BugDatabase, incident: Incident) -> None:
        with pytest.raises(HotfixError, match="belongs to another run"):
            database.open_incident(an_incident(run_id="run-2"))
        assert database.incident_of_run("run-2") is None
        assert database.incident_of_run("run-1") == incident

    def test_attempts_come_oldest_first(self, database: BugDatabase) -> None:
        database.open_incident(an_incident(attempt=2, run_id="run-2", opened_at=NOW + timedelta(hours=1)))
        database.open_incident(an_incident())
        database.open_incident(an_incident(id="INC-2", run_id="run-3"))
        assert [(row.id, row.attempt, row.run_id) for row in database.attempts("INC-1")] == [
            ("INC-1", 1, "run-1"),
            ("INC-1", 2, "run-2"),
        ]
        assert database.attempts("INC-9") == ()

    def test_incidents_come_newest_first_from_a_moment_on(self, database: BugDatabase) -> None:
        for number in (2, 1, 3):
            opened_at = NOW + timedelta(hours=number)
            database.open_incident(an_incident(id=f"INC-{number}", run_id=f"run-{number}", opened_at=opened_at))
        assert [row.id for row in database.incidents()] == ["INC-3", "INC-2", "INC-1"]
        assert [row.id for row in database.incidents(NOW + timedelta(hours=2))] == ["INC-3", "INC-2"]

    def test_times_keep_their_moment_and_their_timezone(self, database: BugDatabase) -> None:
        in_tokyo = NOW.astimezone(timezone(timedelta(hours=9)))
        incident = database.open_incident(an_incident(opened_at=in_tokyo))
        database.note(incident, an_event("one", at=in_tokyo))
        (row,) = database.incidents(since=in_tokyo)
        (event,) = database.timeline(incident)
        assert row.opened_at == event.at == NOW
        assert row.opened_at.tzinfo is not None
        assert event.at.tzinfo is not None

    def test_a_time_without_a_timezone_is_refused(self, database: BugDatabase, incident: Incident) -> None:
        with pytest.raises(ValueError, match="timezone"):
            database.note(incident, an_event("one", at=NOW.replace(tzinfo=None)))
        with pytest.raises(ValueError, match="timezone"):
            database.close_incident(incident, IncidentStatus.RESOLVED, NOW.replace(tzinfo=None), {})
        with pytest.raises(ValueError, match="timezone"):
            database.incidents(since=NOW.replace(tzinfo=None))
        assert database.timeline(incident) == ()
        assert database.attempts("INC-1")[0].status is IncidentStatus.OPEN

    def test_closing_merges_facts_and_keeps_the_first_closing_time(
        self, database: BugDatabase, incident: Incident
    ) -> None:
        later = NOW + timedelta(hours=1)
        database.close_incident(incident, IncidentStatus.FAILED, NOW, {"culprit": "abc", "fix": "none"})
        database.close_incident(incident, IncidentStatus.RESOLVED, later, {"fix": "déf", "odd": "a\0b"})
        (row,) = database.attempts("INC-1")
        assert row.status is IncidentStatus.RESOLVED
        assert row.closed_at == NOW
        assert row.facts == {"culprit": "abc", "fix": "déf", "odd": "a\0b"}

    def test_an_open_incident_has_no_closing_time(self, database: BugDatabase, incident: Incident) -> None:
        (row,) = database.attempts(incident.id)
        assert (row.status, row.closed_at, row.facts) == (IncidentStatus.OPEN, None, {})

    def test_a_document_comes_back_as_it_was(self, database: BugDatabase, incident: Incident) -> None:
        check = LiveCheck(version=SHA, confirmations=3, first_seen_at=NOW, seconds=1.25)
        database.record(incident, check)
        assert database.find(incident, LiveCheck) == check

    def test_a_document_replaces_the_one_of_its_kind(self, database: BugDatabase, incident: Incident) -> None:
        database.record(incident, Push(branch="a", commit=SHA, remote="r"))
        database.record(incident, Push(branch="b\0 ü", commit=SHA, remote="r"))
        database.record(incident, LiveCheck(version=SHA, confirmations=1, first_seen_at=NOW, seconds=0))
        assert database.find(incident, Push) == Push(branch="b\0 ü", commit=SHA, remote="r")

    def test_a_step_that_never_finished_has_no_document(self, database: BugDatabase, incident: Incident) -> None:
        second = database.open_incident(an_incident(attempt=2, run_id="run-2"))
        database.record(second, DeploymentRollback(needed=False, restored=None, live=None, what="-"))
        assert database.find(incident, DeploymentRollback) is None
        assert database.find(second, DeploymentRollback) is not None

    def test_a_document_of_any_size_is_kept(self, database: BugDatabase, incident: Incident) -> None:
        large = Push(branch="x" * 1_000_000, commit=SHA, remote="r")
        database.record(incident, large)
        assert database.find(incident, Push) == large

    def test_the_timeline_is_in_order_of_time_then_of_writing(self, database: BugDatabase, incident: Incident) -> None:
        database.note(incident, an_event("late", at=NOW + timedelta(seconds=1)))
        database.note(incident, an_event("b"))
        database.note(incident, an_event("a"))
        database.note(incident, an_event("b", what="it happened again"))
        assert [(event.key, event.what) for event in database.timeline(incident)] == [
            ("b", "it happened again"),
            ("a", "it happened"),
            ("late", "it happened"),
        ]

    def test_every_attempt_has_its_own_timeline(self, database: BugDatabase, incident: Incident) -> None:
        second = database.open_incident(an_incident(attempt=2, run_id="run-2"))
        database.note(incident, an_event("one"))
        database.note(second, an_event("one", what="other"))
        assert [event.what for event in database.timeline(incident)] == ["it happened"]
        assert [event.what for event in database.timeline(second)] == ["other"]

    def test_raw_output_in_a_text_loses_nothing_but_the_unstorable(
        self, database: BugDatabase, incident: Incident
    ) -> None:
        database.note(incident, an_event("one", what="before\0after 'quoted' %s :name 🔥"))
        database.save_issue(incident, "half a pair \ud800", "body\0", ())
        (event,) = database.timeline(incident)
        assert event.what == "before\N{REPLACEMENT CHARACTER}after 'quoted' %s :name 🔥"

    @pytest.mark.parametrize("key", ["", "x" * 251, "a\0b"], ids=["empty", "long", "nul"])
    def test_what_cannot_be_a_key_is_refused(self, database: BugDatabase, incident: Incident, key: str) -> None:
        with pytest.raises(ValueError, match="is no key"):
            database.note(incident, an_event(key))
        database.note(incident, an_event("x" * 250))
        assert len(database.timeline(incident)) == 1

    def test_a_pull_request_is_one_a_branch_whatever_the_attempt(
        self, database: BugDatabase, incident: Incident
    ) -> None:
        second = database.open_incident(an_incident(attempt=2, run_id="run-2"))
        assert database.pull_request("INC-1", "hotfix/INC-1") is None
        database.save_pull_request(incident, a_pull(), "first")
        database.save_pull_request(second, a_pull(title="Fix it well"), "second")
        assert database.pull_request("INC-1", "hotfix/INC-1") == (a_pull(title="Fix it well"), "second")
        assert database.pull_request("INC-2", "hotfix/INC-1") is None
        assert database.pull_request("INC-1", "hotfix/other") is None

    def test_what_is_owed_comes_most_urgent_first(self, database: BugDatabase, incident: Incident) -> None:
        other = database.open_incident(an_incident(id="INC-2", run_id="run-2"))
        database.owe(incident, (an_item(FollowUpKind.FULL_FIX, 9), an_item(FollowUpKind.CODE_REVIEW, 1)))
        database.owe(other, (an_item(FollowUpKind.CODE_REVIEW, 2),))
        assert [(of, item.kind) for of, item in database.owed()] == [
            ("INC-1", FollowUpKind.CODE_REVIEW),
            ("INC-2", FollowUpKind.CODE_REVIEW),
            ("INC-1", FollowUpKind.FULL_FIX),
        ]
        assert [item.kind for _, item in database.owed("INC-2")] == [FollowUpKind.CODE_REVIEW]
        assert database.owed("INC-9") == ()

    def test_owing_again_replaces_an_open_item(self, database: BugDatabase, incident: Incident) -> None:
        database.owe(incident, (an_item(FollowUpKind.FULL_FIX, 9),))
        database.owe(incident, (an_item(FollowUpKind.FULL_FIX, 2, title="do it well"),))
        assert database.owed() == (("INC-1", an_item(FollowUpKind.FULL_FIX, 2, title="do it well")),)

    def test_a_settled_item_stays_settled(self, database: BugDatabase, incident: Incident) -> None:
        database.owe(incident, (an_item(FollowUpKind.FULL_FIX, 1), an_item(FollowUpKind.CODE_REVIEW, 2)))
        database.settle("INC-1", FollowUpKind.FULL_FIX, NOW, "commit abc")
        database.settle("INC-1", FollowUpKind.FULL_FIX, NOW + timedelta(days=1), "again")
        database.owe(incident, (an_item(FollowUpKind.FULL_FIX, 5, title="do it again"),))
        settled = an_item(FollowUpKind.FULL_FIX, 1).model_copy(update={"done_at": NOW, "evidence": "commit abc"})
        still_open = an_item(FollowUpKind.CODE_REVIEW, 2)
        assert database.owed() == (("INC-1", still_open),)
        assert database.owed(only_open=False) == (("INC-1", still_open), ("INC-1", settled))

    def test_what_nobody_owes_cannot_be_settled(self, database: BugDatabase, incident: Incident) -> None:
        database.owe(incident, (an_item(FollowUpKind.FULL_FIX),))
        with pytest.raises(HotfixError, match="owes no code_review"):
            database.settle("INC-1", FollowUpKind.CODE_REVIEW, NOW, "said so")
        assert len(database.owed()) == 1

    def test_an_incident_has_one_issue(self, database: BugDatabase, incident: Incident) -> None:
        first = database.save_issue(incident, "Down", "body", ("emergency",))
        again = database.save_issue(incident, "Down and out", "body", ("emergency", "ü"))
        assert first == again
        assert "INC-1" in first

    def test_an_effect_is_in_the_journal_before_it_happens_and_after(
        self, database: BugDatabase, incident: Incident
    ) -> None:
        database.begin_effect(incident, PUSHED, "run-1", NOW)
        (effect,) = database.effects(incident)
        assert (effect.kind, effect.key, effect.target) == (PUSHED.kind, PUSHED.key, PUSHED.target)
        assert (effect.state, effect.run_id, effect.tries) == (EffectState.UNDER_WAY, "run-1", 1)
        assert (effect.begun_at, effect.ended_at, effect.what) == (NOW, None, "")
        later = NOW + timedelta(seconds=2)
        database.end_effect(incident, PUSHED, EffectState.FAILED, later, "no answer\0")
        (effect,) = database.effects(incident)
        assert (effect.state, effect.ended_at) == (EffectState.FAILED, later)
        assert effect.what == "no answer\N{REPLACEMENT CHARACTER}"

    def test_an_effect_that_is_tried_again_is_one_effect(self, database: BugDatabase, incident: Incident) -> None:
        database.begin_effect(incident, PUSHED, "run-1", NOW)
        database.begin_effect(incident, SHIPPED, "run-1", NOW)
        database.end_effect(incident, PUSHED, EffectState.FAILED, NOW, "no answer")
        later = NOW + timedelta(seconds=5)
        database.begin_effect(incident, PUSHED, "run-1", later)
        pushed, shipped = database.effects(incident)
        assert (pushed.key, shipped.key) == (PUSHED.key, SHIPPED.key)
        assert (pushed.state, pushed.tries, pushed.begun_at) == (EffectState.UNDER_WAY, 2, later)
        assert (pushed.ended_at, pushed.what) == (None, "")
        assert shipped.tries == 1

    def test_every_attempt_has_a_journal_of_its_own(self, database: BugDatabase, incident: Incident) -> None:
        second = database.open_incident(an_incident(attempt=2, run_id="run-2"))
        database.begin_effect(second, PUSHED, "run-2", NOW)
        database.end_effect(incident, PUSHED, EffectState.DONE, NOW)
        assert database.effects(incident) == ()
        assert [effect.state for effect in database.effects(second)] == [EffectState.UNDER_WAY]

    def test_a_run_that_was_taken_for_dead_changes_nothing_any_more(
        self, database: BugDatabase, incident: Incident
    ) -> None:
        second = database.open_incident(an_incident(attempt=2, run_id="run-2"))
        database.take_over(incident, "compliance-7")
        with pytest.raises(TakenOver, match="taken over by the run compliance-7"):
            database.begin_effect(incident, PUSHED, "run-1", NOW)
        assert database.effects(incident) == ()
        database.begin_effect(incident, PUSHED, "compliance-7", NOW)
        database.begin_effect(second, PUSHED, "run-2", NOW)
        assert [effect.run_id for effect in database.effects(incident)] == ["compliance-7"]
        database.take_over(incident, "compliance-8")
        with pytest.raises(TakenOver, match="compliance-8"):
            database.begin_effect(incident, PUSHED, "run-1", NOW)

    def test_unfinished_is_what_no_outcome_closed(self, database: BugDatabase, incident: Incident) -> None:
        older = database.open_incident(an_incident(id="INC-2", run_id="run-2", opened_at=NOW - timedelta(hours=1)))
        again = database.open_incident(an_incident(attempt=2, run_id="run-3"))
        database.close_incident(incident, IncidentStatus.ROLLED_BACK, NOW, {})
        assert database.unfinished() == (older, incident, again), "a closed row alone is not the run's last word"
        database.record(incident, RunOutcome(ending=Ending.ROLLED_BACK, summary="taken back", criteria=()))
        assert database.unfinished() == (older, again)

    def test_nothing_is_kept_for_an_attempt_that_was_never_opened(
        self, database: BugDatabase, incident: Incident
    ) -> None:
        stranger = an_incident(attempt=2, run_id="run-2")
        writes: list[Callable[[], object]] = [
            lambda: database.record(stranger, Push(branch="a", commit=SHA, remote="r")),
            lambda: database.note(stranger, an_event("one")),
            lambda: database.close_incident(stranger, IncidentStatus.RESOLVED, NOW, {}),
            lambda: database.save_pull_request(stranger, a_pull(), ""),
            lambda: database.owe(stranger, (an_item(FollowUpKind.FULL_FIX),)),
            lambda: database.save_issue(stranger, "t", "b", ()),
            lambda: database.begin_effect(stranger, PUSHED, "run-2", NOW),
            lambda: database.take_over(stranger, "run-3"),
        ]
        for write in writes:
            with pytest.raises(HotfixError, match="Attempt 2 at incident INC-1 is not in the bug database") as caught:
                write()
            assert not caught.value.retryable
        assert database.find(stranger, Push) is None
        assert database.timeline(stranger) == ()
        assert database.owed() == ()

    def test_what_changes_broke_is_found_by_service_and_path(self, database: BugDatabase, incident: Incident) -> None:
        other = database.open_incident(an_incident(id="INC-2", run_id="run-2", service="desk"))
        for _ in range(2):
            database.remember_tests(incident, ("a.py", "b.py"), ("t::one",), {"t::one": 1.5}, frozenset({"t::one"}))
        database.remember_tests(other, ("a.py",), ("t::two",), {"t::two": 2.5}, frozenset())
        found = database.test_history("shop", ("a.py", "c.py"))
        assert (found.broken_by_similar, found.seconds, found.failed) == (("t::one",), {"t::one": 1.5}, {"t::one"})
        assert database.test_history("shop", ("c.py",)).broken_by_similar == ()
        assert database.test_history("desk", ("a.py",)).broken_by_similar == ("t::two",)
        assert database.test_history("nobody", ()) == TestHistory()

    def test_the_last_run_of_a_test_counts(self, database: BugDatabase, incident: Incident) -> None:
        database.remember_tests(incident, (), (), {"t": 1.0}, frozenset({"t"}))
        database.remember_tests(incident, (), (), {"t": 2.0}, frozenset())
        found = database.test_history("shop", ())
        assert (found.seconds, found.failed) == ({"t": 2.0}, frozenset())

    def test_a_test_whose_name_is_no_key_is_left_out(self, database: BugDatabase, incident: Incident) -> None:
        names = ("x" * 251, "nul\0", "")
        database.remember_tests(
            incident, ("a.py", *names), ("t", *names), dict.fromkeys(("t", *names), 1.0), frozenset()
        )
        found = database.test_history("shop", ("a.py", *names))
        assert (found.broken_by_similar, found.seconds) == (("t",), {"t": 1.0})

    def test_a_run_on_a_version_is_kept_by_its_selection(self, database: BugDatabase) -> None:
        case = TestCase(id="t", outcome=Outcome.PASSED, seconds=1)
        run = TestRun(cases=(case,), exit_code=0, seconds=1, output="long", junit="<a/>")
        database.keep_test_baseline("shop", SHA, "one", run)
        database.keep_test_baseline("shop", SHA, "one", run)
        assert database.test_baseline("shop", SHA, "one") == run.model_copy(update={"output": "", "junit": ""})
        assert database.test_baseline("shop", SHA, "two") is None
        assert database.test_baseline("desk", SHA, "one") is None

    def test_an_answer_is_kept_once_and_as_it_was_first_heard(self, database: BugDatabase, incident: Incident) -> None:
        later = NOW + timedelta(seconds=2)
        reaction = Answer(option="Approve", user="grace", channel="Slack", at=later, account="U1", reference="U1/ok")
        typed = Answer(option="Reject", user="", channel="Slack", at=NOW, account="U9", reference="17.1", remark="no")
        database.keep_answer(incident, reaction)
        database.keep_answer(incident, reaction.model_copy(update={"at": later + timedelta(minutes=1)}))
        database.keep_answer(incident, typed)
        assert database.answers(incident) == (typed, reaction)
        second = database.open_incident(an_incident(attempt=2, run_id="run-2"))
        assert database.answers(second) == (), "each attempt asks anew"

    def test_only_one_begins_a_message(self, database: BugDatabase) -> None:
        assert database.told("INC-1", "incident") is None
        assert database.begin_message("INC-1", "incident", NOW)
        assert not database.begin_message("INC-1", "incident", NOW + timedelta(minutes=1))
        assert database.begin_message("INC-2", "incident", NOW)
        assert database.told("INC-1", "incident") == Told(key="incident", begun_at=NOW)

    def test_where_a_message_stands_is_kept_and_replaced(self, database: BugDatabase) -> None:
        told = Told(key="incident", begun_at=NOW, place=Place(channel="C1", id="17.1"), digest="one")
        database.save_told("INC-1", told)
        database.save_told("INC-1", told.model_copy(update={"digest": "two"}))
        assert database.told("INC-1", "incident") == told.model_copy(update={"digest": "two"})
        assert database.told("INC-1", "approval") is None
