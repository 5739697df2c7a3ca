"""What people are shown of a run, from its record."""

from __future__ import annotations

from datetime import timedelta

from hotfix.domain.document import Document
from hotfix.domain.outcome import Ending, RunOutcome
from hotfix.domain.rollback import DeploymentRollback
from hotfix.domain.run_state import DeploymentState, GateState, RunState
from hotfix.domain.stability import StabilityVerdict
from hotfix.domain.testing import TestVerdict
from hotfix.ports.bug_database import Event
from hotfix.steps.record import read_record
from hotfix.steps.run_state import TESTS, run_state
from tests.contract.fakes.bug_database import InMemoryBugDatabase
from tests.support.documents import (
    FIX,
    NOW,
    a_deployment,
    a_fix,
    a_push,
    a_security_report,
    a_stability_report,
    a_test_report,
    an_approval,
    an_assessment,
    an_incident,
)


def state_of(*documents: Document) -> RunState:
    database = InMemoryBugDatabase()
    incident = database.open_incident(an_incident())
    for document in documents:
        database.record(incident, document)
    database.note(incident, Event(at=NOW, step="deploy", what="started", key="a"))
    database.note(incident, Event(at=NOW + timedelta(seconds=1), step="deploy", what="finished", key="b"))
    return run_state(read_record(incident, database), database, NOW)


def test_at_the_beginning_every_gate_waits() -> None:
    state = state_of()
    assert state.phase == "assessment"
    assert {gate.state for gate in state.gates} == {GateState.WAITING}
    assert len(state.gates) == 4
    assert (state.fix_commit, state.shipped, state.ending) == (None, None, None)
    assert state.timeline == ("03:00:01 deploy: finished",)


def test_a_gate_says_what_its_document_says() -> None:
    state = state_of(an_assessment(), a_fix(), a_test_report(verdict=TestVerdict.FAILED, why="2 failed"))
    (gate,) = [gate for gate in state.gates if gate.name == TESTS]
    assert (gate.state, gate.why) == (GateState.FAILED, "2 failed")
    assert (state.phase, state.fix_commit) == ("validation", FIX)


def through_the_gates() -> tuple[Document, ...]:
    return (an_assessment(), a_fix(), a_test_report(), a_security_report(), an_approval(), a_push(), a_deployment())


def test_what_shipped_is_watched_then_stable_or_not_then_back() -> None:
    watched = state_of(*through_the_gates()).shipped
    stable = state_of(*through_the_gates(), a_stability_report()).shipped
    unstable = state_of(*through_the_gates(), a_stability_report(StabilityVerdict.UNSTABLE)).shipped
    back = DeploymentRollback(needed=True, restored="a" * 40, live="a" * 40, what="restored")
    gone = state_of(*through_the_gates(), a_stability_report(StabilityVerdict.UNSTABLE), back).shipped
    assert [each.state for each in (watched, stable, unstable, gone) if each] == list(DeploymentState)
    assert gone is not None
    assert gone.why == "restored"


def test_an_outcome_is_the_end() -> None:
    outcome = RunOutcome(ending=Ending.FIXED, summary="fixed by the revert", criteria=())
    state = state_of(*through_the_gates(), a_stability_report(), outcome)
    assert (state.phase, state.ending, state.doing) == ("ended", Ending.FIXED, "fixed by the revert")
    assert state.waiting_for == ""


def test_a_gate_that_still_waits_at_the_end_was_not_reached() -> None:
    outcome = RunOutcome(ending=Ending.ROLLED_BACK, summary="the tests failed", criteria=())
    state = state_of(an_assessment(), a_fix(), a_test_report(verdict=TestVerdict.FAILED, why="2 failed"), outcome)
    assert [gate.state for gate in state.gates] == [GateState.FAILED, *[GateState.NOT_REACHED] * 3]
