"""Each invariant sees what it is there to see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from chaos import invariants
from chaos.fault import FIXED, ROLLED_BACK, Expected
from chaos.invariants import CHECKS, After
from hotfix.domain.effect import EffectKind, EffectState, Intent
from hotfix.domain.follow_up import FollowUpItem
from hotfix.domain.outcome import Ending, RunOutcome
from hotfix.ports.bug_database import Event
from tests.contract.fakes.bug_database import InMemoryBugDatabase
from tests.support.documents import BASE, FIX, NOW, a_fix, a_rollback_report, an_incident

LOCK = "refs/hotfix-locks/shop"
BRANCH = "refs/heads/hotfix/OPS-1"
FOLLOW_UP = "refs/heads/follow-up/OPS-1"
CANDIDATE, KEPT = "refs/hotfix/OPS-1/candidate-1", "refs/hotfix/OPS-1/rolled-back-1"


def found(expected: Expected) -> After:
    """A run of incident OPS-1 that ended as it has to: fixed, or rolled back."""
    incident, fixed = an_incident(), expected is FIXED
    records = InMemoryBugDatabase()
    records.open_incident(incident)
    outcome = Ending.FIXED if fixed else Ending.ROLLED_BACK
    records.record(incident, RunOutcome(ending=outcome, summary="over", criteria=()))
    if not fixed:
        records.record(incident, a_rollback_report())
    records.close_incident(incident, expected.status, NOW, {})
    for kind, key in ((EffectKind.SET_REF, LOCK), (EffectKind.SET_REF, BRANCH), (EffectKind.DEPLOY, FIX)):
        intent = Intent(kind=kind, key=key, target=FIX)
        records.begin_effect(incident, intent, incident.run_id, NOW)
        records.end_effect(incident, intent, EffectState.DONE, NOW)
    kept = {BRANCH: FIX, FOLLOW_UP: FIX} if fixed else {KEPT: FIX}
    stage = SimpleNamespace(
        records=records,
        refs_before={"refs/heads/main": BASE},
        state=lambda run: "success" if fixed else "failed",
        deployments=[FIX] if fixed else [FIX, BASE],
        responses=[] if fixed else ["OPS-1__1"],
    )
    return After(
        stage=stage,  # type: ignore[arg-type]
        expected=expected,
        rows=records.attempts("OPS-1"),
        incident=incident,
        fix=a_fix(),
        refs={"refs/heads/main": BASE, CANDIDATE: FIX, **kept},
        version=FIX if fixed else BASE,
        effects=records.effects(incident),
    )


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invariants, "deployments", lambda stage: list(stage.deployments))
    monkeypatch.setattr(invariants, "responses", lambda stage: list(stage.responses))


def problems(after: After) -> list[str]:
    return [f"{check.__name__}: {problem}" for check in CHECKS for problem in check(after)]


@pytest.mark.parametrize("expected", [FIXED, ROLLED_BACK], ids=["fixed", "rolled back"])
def test_what_ended_well_breaks_none(expected: Expected) -> None:
    assert problems(found(expected)) == []


def refs(**changes: str | None) -> Callable[[After], After]:
    names = {"branch": BRANCH, "kept": KEPT, "lock": LOCK, "candidate": CANDIDATE, "main": "refs/heads/main"}

    def spoil(after: After) -> After:
        changed = {**after.refs, **{names.get(name, f"refs/heads/{name}"): value for name, value in changes.items()}}
        return replace(after, refs={name: value for name, value in changed.items() if value is not None})

    return spoil


def stage(**changes: Any) -> Callable[[After], After]:
    def spoil(after: After) -> After:
        vars(after.stage).update(changes)
        return after

    return spoil


def left_under_way(after: After) -> After:
    records = after.stage.records
    records.begin_effect(after.incident, Intent(kind=EffectKind.RESTORE, key=BASE), "run-1", NOW)
    return replace(after, effects=records.effects(after.incident))


def taken_over(after: After) -> After:
    event = Event(at=NOW, step="hotfix_compliance", what="the run died", key="hotfix_compliance/taken_over")
    after.stage.records.note(after.incident, event)
    return after


def owing_twice(after: After) -> After:
    item = SimpleNamespace(kind="code_review")
    after.stage.records.owed = lambda *_, **__: (("OPS-1", item), ("OPS-1", item))  # type: ignore[method-assign]
    assert not isinstance(item, FollowUpItem)
    return after


@pytest.mark.parametrize(
    ("expected", "spoil", "says"),
    [
        (FIXED, lambda after: replace(after, version=BASE), "production runs aaa"),
        (
            ROLLED_BACK,
            lambda after: replace(after, version=FIX),
            "production_is_where_the_record_says: production runs",
        ),
        (FIXED, lambda after: replace(after, version="e" * 40), "the record names no eeeeeeeeeeee"),
        (FIXED, lambda after: replace(after, rows=after.rows * 2), "there are 2 records of attempts"),
        (FIXED, refs(branch=None), "git_agrees: hotfix/OPS-1 is at None"),
        (ROLLED_BACK, refs(branch=FIX), "git_agrees: hotfix/OPS-1 is still there"),
        (FIXED, refs(lock=BASE), "git_agrees: a lock was left"),
        (FIXED, refs(main=None), "nothing_is_lost: the remote has lost refs/heads/main"),
        (FIXED, refs(candidate=None), "nothing_is_lost: refs/hotfix/OPS-1/candidate-1 does not keep the fix"),
        (ROLLED_BACK, refs(kept=None), "nothing_is_lost: refs/hotfix/OPS-1/rolled-back-1 does not keep"),
        (FIXED, refs(surprise=FIX), "everything_happened_once: there are branches beside the incident's"),
        (FIXED, stage(deployments=[FIX, FIX]), "everything_happened_once: the hotfix was deployed 2 times"),
        (FIXED, stage(deployments=[]), "everything_happened_once: the hotfix was deployed 0 times"),
        (FIXED, owing_twice, "everything_happened_once: something is owed twice"),
        (FIXED, stage(responses=["OPS-1__1"]), "people_hear_of_it_once: incident_response was started 1 times, not 0"),
        (ROLLED_BACK, stage(responses=[]), "people_hear_of_it_once: incident_response was started 0 times, not 1"),
        (FIXED, left_under_way, "the_journal_is_settled: the journal has an open end: restore"),
        (FIXED, lambda after: replace(after, effects=()), "the_journal_is_settled: the journal is empty"),
        (FIXED, lambda after: replace(after, effects=after.effects[1:]), "the journal does not know of the lock"),
        (FIXED, lambda after: replace(after, effects=after.effects[:2]), "the journal does not say that deploy"),
        (FIXED, stage(state=lambda run: "failed"), "the_colour_is_right: the run is failed"),
        (ROLLED_BACK, stage(state=lambda run: "success"), "the_colour_is_right: the run is success"),
        (FIXED, taken_over, "the_last_word_is_whose_it_should_be: the compliance DAG had the last word"),
    ],
)
def test_what_is_wrong_is_seen(expected: Expected, spoil: Callable[[After], After], says: str) -> None:
    seen = problems(spoil(found(expected)))
    assert any(says in problem for problem in seen), seen


def test_a_record_without_an_end_is_seen() -> None:
    after = found(FIXED)
    records = InMemoryBugDatabase()
    records.open_incident(after.incident)
    open_ended = replace(after, stage=SimpleNamespace(**{**vars(after.stage), "records": records}))  # type: ignore[arg-type]
    open_ended = replace(open_ended, rows=records.attempts("OPS-1"))
    assert [problem.split(": ")[1] for problem in problems(open_ended) if problem.startswith("the_record")] == [
        "the record says open, not resolved",
        "the record has no closing time",
        "the record has no last word",
    ]
