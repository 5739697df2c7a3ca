"""Runs that died half-way are found, ended as they should, and those that are alive are left alone."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import timedelta

import pytest

from hotfix.adapters.journaled import Journal, Work, journaled_repository
from hotfix.domain.effect import EffectKind, EffectState, Intent
from hotfix.domain.errors import InvalidCatalog, RemoteUnavailable, ServiceBusy
from hotfix.domain.outcome import Ending, RunOutcome
from hotfix.domain.recovery import Liveness
from hotfix.ports.bug_database import Event, IncidentStatus
from hotfix.steps.close_run import close_run, taken_over_by_another_run
from hotfix.steps.find_dead_runs import SILENCE, find_dead_runs
from hotfix.steps.recover_run import recover_run
from hotfix.steps.release_stale_locks import LockReport, release_stale_locks
from hotfix.steps.what_went_wrong import TAKEN_OVER
from tests.contract.fakes.runs import FakeRuns
from tests.support.documents import a_live_check, a_stability_report, an_assessment
from tests.support.world import World
from tests.unit.steps.test_rollback import BRANCH, KEPT, Emergency

MINUTE = timedelta(minutes=1)


@pytest.fixture
def emergency(world: World) -> Emergency:
    emergency = Emergency(world, world.open(issue="OPS-1", failing_request="/quote?qty=11"))
    world.bug_database.record(emergency.incident, an_assessment())
    return emergency


def dead(world: World, **states: Liveness) -> list[str]:
    found = find_dead_runs(bug_database=world.bug_database, runs=FakeRuns(**states), clock=world.clock)
    return [run.why for run in found]


def recover(emergency: Emergency) -> tuple[str, ...]:
    return recover_run(emergency.incident, emergency.world.recovery_tools)


def close(emergency: Emergency) -> RunOutcome:
    world = emergency.world
    return close_run(
        emergency.incident, repository=world.repository, bug_database=world.bug_database, clock=world.clock
    )


# --- finding them


def test_a_run_that_is_alive_is_left_alone(emergency: Emergency) -> None:
    assert dead(emergency.world) == []


def test_a_run_that_ended_without_a_last_word_is_dead(emergency: Emergency) -> None:
    assert dead(emergency.world, run_1=Liveness.ENDED) == ["the run has ended without a last word"]


def test_a_run_that_airflow_has_forgotten_is_dead(emergency: Emergency) -> None:
    assert dead(emergency.world, run_1=Liveness.GONE) == ["Airflow knows no such run any more"]


def test_a_closed_row_without_an_outcome_is_still_looked_after(emergency: Emergency) -> None:
    world = emergency.world
    world.bug_database.close_incident(emergency.incident, IncidentStatus.RESOLVED, world.clock.now(), {})
    assert len(dead(world, run_1=Liveness.ENDED)) == 1


def test_a_run_with_a_last_word_is_finished_whatever_airflow_says(emergency: Emergency) -> None:
    emergency.world.bug_database.record(emergency.incident, a_last_word())
    assert dead(emergency.world, run_1=Liveness.GONE) == []


@pytest.mark.parametrize("sign", ["timeline", "effect begun", "effect ended"])
def test_silence_counts_from_the_last_sign_of_life(emergency: Emergency, sign: str) -> None:
    world, incident = emergency.world, emergency.incident
    world.clock.sleep((SILENCE - MINUTE).total_seconds())
    intent = Intent(kind=EffectKind.DEPLOY, key=world.production)
    if sign == "timeline":
        world.bug_database.note(incident, Event(at=world.clock.now(), step="deploy", what="started", key="deploy"))
    if sign == "effect begun":
        world.bug_database.begin_effect(incident, intent, "run-1", world.clock.now())
    if sign == "effect ended":
        world.bug_database.begin_effect(incident, intent, "run-1", incident.opened_at)
        world.bug_database.end_effect(incident, intent, EffectState.DONE, world.clock.now())
    world.clock.sleep(2 * MINUTE.total_seconds())
    assert dead(world) == [], "silent since its opening, but for this"
    world.clock.sleep(SILENCE.total_seconds())
    assert [why.split(" since")[0] for why in dead(world)] == ["nothing was heard of it"]


# --- ending them


def test_a_run_that_died_after_its_deployment_is_rolled_back(emergency: Emergency) -> None:
    push, world = emergency.ship(), emergency.world
    assert world.deployer.live() == push.commit
    steps = [step.split(":")[0] for step in recover(emergency)]
    assert steps == [
        "roll_back_deployment",
        "roll_back_fix",
        "verify_rollback",
        "write_post_mortem",
        "update_bug_database",
    ]
    assert world.deployer.live() == world.production
    assert world.history.ref(BRANCH) is None
    assert world.history.ref(KEPT) == push.commit, "nothing is lost"
    outcome = close(emergency)
    assert outcome.ending is Ending.ROLLED_BACK
    assert world.history.ref(emergency.incident.lock_ref) is None


def test_a_run_that_died_before_it_touched_anything_is_only_closed(emergency: Emergency) -> None:
    world = emergency.world
    before = list(world.deployer.calls)
    recover(emergency)
    assert world.deployer.calls == before
    assert close(emergency).ending is Ending.ROLLED_BACK


def test_a_run_that_was_never_assessed_has_nothing_to_undo(world: World) -> None:
    emergency = Emergency(world, world.open(issue="OPS-1"))
    assert recover(emergency) == ()
    assert close(emergency).ending is Ending.FAILED
    assert world.history.ref(emergency.incident.lock_ref) is None


def test_a_run_that_left_no_trace_is_said_to_have_died(world: World) -> None:
    emergency = Emergency(world, world.open(issue="OPS-1"))
    said = Event(at=world.clock.now(), step="hotfix_compliance", what="the run died", key=TAKEN_OVER)
    world.bug_database.note(emergency.incident, said)
    assert close(emergency).summary.endswith("nothing was touched: the run died")


def test_a_fix_that_was_seen_to_be_stable_stays_and_its_papers_are_filed(emergency: Emergency) -> None:
    push, world = emergency.ship(), emergency.world
    world.bug_database.record(emergency.incident, a_live_check(version=push.commit))
    world.bug_database.record(emergency.incident, a_stability_report())
    steps = [step.split(":")[0] for step in recover(emergency)]
    assert steps == ["write_post_mortem", "update_bug_database", "open_follow_up_pr"]
    assert world.deployer.live() == push.commit
    assert world.history.ref(BRANCH) == push.commit
    assert world.history.ref("refs/heads/follow-up/OPS-1") == push.commit
    assert world.bug_database.owed("OPS-1")


def test_a_second_recovery_finds_nothing_to_do(emergency: Emergency) -> None:
    emergency.ship()
    recover(emergency)
    calls, refs = list(emergency.world.deployer.calls), emergency.world.repository.remote_refs("refs/")
    assert recover(emergency) == ()
    assert emergency.world.deployer.calls == calls
    assert emergency.world.repository.remote_refs("refs/") == refs


def test_git_goes_back_also_where_production_cannot(emergency: Emergency) -> None:
    emergency.ship()
    emergency.world.deployer.refuses.add(emergency.world.production)
    steps = recover(emergency)
    assert any(step.startswith("roll_back_deployment: failed: ") for step in steps)
    assert any("put production back by hand" in step.lower() for step in steps)
    assert emergency.world.history.ref(BRANCH) is None
    outcome = close(emergency)
    assert outcome.ending is Ending.FAILED
    assert f"put-back {emergency.world.production}" in outcome.summary, "with the commands for a person"


def test_a_remote_that_is_down_is_asked_again(emergency: Emergency, monkeypatch: pytest.MonkeyPatch) -> None:
    emergency.ship()

    def down() -> None:
        raise RemoteUnavailable("no answer")

    monkeypatch.setattr(emergency.world.repository, "fetch", down)
    with pytest.raises(RemoteUnavailable):
        recover(emergency)


def test_full_artefact_storage_keeps_nothing_else_from_going_back(
    emergency: Emergency, monkeypatch: pytest.MonkeyPatch
) -> None:
    emergency.ship()

    def full(name: str, content: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(emergency.world.artefacts, "put", full)
    steps = recover(emergency)
    assert any(step.startswith("write_post_mortem: failed: OSError: [Errno 28]") for step in steps)
    assert steps[-1].startswith("update_bug_database: finished")
    assert close(emergency).ending is Ending.ROLLED_BACK


# --- the journal at the end


def test_what_was_under_way_is_looked_up_in_the_end(emergency: Emergency) -> None:
    push, world, incident = emergency.ship(), emergency.world, emergency.incident
    recover(emergency)
    begun = {
        "there": Intent(kind=EffectKind.SET_REF, key=KEPT, target=push.commit),
        "not there": Intent(kind=EffectKind.SET_REF, key=BRANCH, target=push.commit),
        "gone": Intent(kind=EffectKind.DELETE_REF, key=BRANCH, target=push.commit),
        "replaced": Intent(kind=EffectKind.DEPLOY, key=push.commit),
        "restored": Intent(kind=EffectKind.RESTORE, key=world.production),
        "unknown": Intent(kind=EffectKind.OPEN_ISSUE, key="OPS-1"),
    }
    for intent in begun.values():
        world.bug_database.begin_effect(incident, intent, incident.run_id, world.clock.now())
    close(emergency)
    found = {(effect.kind, effect.key): effect.state for effect in world.bug_database.effects(incident)}
    assert {name: found[intent.kind, intent.key] for name, intent in begun.items()} == {
        "there": EffectState.DONE,
        "not there": EffectState.FAILED,
        "gone": EffectState.DONE,
        "replaced": EffectState.FAILED,
        "restored": EffectState.DONE,
        "unknown": EffectState.UNDER_WAY,
    }


def test_only_a_run_that_was_started_takes_over(emergency: Emergency) -> None:
    world, incident = emergency.world, emergency.incident
    intent = Intent(kind=EffectKind.START_RUN, key="incident_response/OPS-1__1")
    assert not taken_over_by_another_run(incident, world.bug_database)
    world.bug_database.begin_effect(incident, intent, "run-1", world.clock.now())
    assert not taken_over_by_another_run(incident, world.bug_database)
    world.bug_database.end_effect(incident, intent, EffectState.DONE, world.clock.now())
    assert taken_over_by_another_run(incident, world.bug_database)


# --- locks


class OneService:
    """A catalog of the world's shop."""

    def __init__(self, world: World) -> None:
        self.world = world

    def names(self) -> tuple[str, ...]:
        return ("shop",)

    def profile(self, name: str) -> object:
        return self.world.profile


def release(world: World) -> LockReport:
    return release_stale_locks(
        catalog=OneService(world),  # type: ignore[arg-type]
        repository=lambda profile: world.repository,
        about=lambda incident: nullcontext(),
        bug_database=world.bug_database,
        clock=world.clock,
    )


NOTHING = LockReport(released=(), unknown=(), unchecked=())


def a_last_word() -> RunOutcome:
    return RunOutcome(ending=Ending.ROLLED_BACK, summary="taken back", criteria=())


def test_the_lock_of_a_run_without_a_last_word_stays(emergency: Emergency) -> None:
    assert release(emergency.world) == NOTHING
    assert emergency.world.history.ref(emergency.incident.lock_ref)


def test_the_lock_of_a_run_that_ended_is_given_back_with_a_record(emergency: Emergency) -> None:
    world, incident = emergency.world, emergency.incident
    world.bug_database.record(incident, a_last_word())
    report = release(world)
    assert (len(report.released), report.unknown, report.unchecked) == (1, (), ())
    assert world.history.ref(incident.lock_ref) is None
    assert report.released[0] in [event.what for event in world.bug_database.timeline(incident)]
    assert release(world) == NOTHING


def test_a_lock_that_the_ledger_does_not_know_is_for_people(emergency: Emergency) -> None:
    world = emergency.world
    stranger = world.repository.mark('{"incident": "X-1", "attempt": 1, "run": "elsewhere"}', world.clock.now())
    world.repository.delete("refs/hotfix-locks/shop", expect=world.history.ref("refs/hotfix-locks/shop") or "")
    world.repository.push("refs/hotfix-locks/shop", stranger, expect=None)
    report = release(world)
    (line,) = report.unknown
    assert report.released == ()
    assert "of which this bug database knows nothing" in line
    assert f"git push {world.repository.remote} :refs/hotfix-locks/shop" in line
    assert world.history.ref("refs/hotfix-locks/shop") == stranger


def test_an_emergency_does_not_wait_for_a_leftover_lock(emergency: Emergency) -> None:
    world = emergency.world
    with pytest.raises(ServiceBusy, match="trigger hotfix_compliance"):
        world.open("run-2", issue="OPS-2")
    world.bug_database.record(emergency.incident, a_last_word())
    second = world.open("run-3", issue="OPS-3")
    assert "run-3" in (world.repository.read_mark(second.lock_ref) or "")
    assert any("given back" in event.what for event in world.bug_database.timeline(second))


def test_a_dead_run_that_comes_back_to_life_changes_nothing(emergency: Emergency) -> None:
    world, incident = emergency.world, emergency.incident
    fix = emergency.make_fix()
    world.bug_database.take_over(incident, "compliance-1")
    before = world.repository.remote_refs("refs/")
    journal = Journal(world.bug_database, world.clock, lambda: Work(incident, incident.run_id))
    with pytest.raises(Exception, match="taken over by the run compliance-1"):
        journaled_repository(world.repository, journal).push(BRANCH, fix.commit, expect=None)
    assert world.repository.remote_refs("refs/") == before


def test_a_service_that_cannot_be_asked_keeps_no_other_from_being_asked(emergency: Emergency) -> None:
    world = emergency.world
    world.bug_database.record(emergency.incident, a_last_word())

    class TwoServices(OneService):
        def names(self) -> tuple[str, ...]:
            return ("broken", "shop")

        def profile(self, name: str) -> object:
            if name == "broken":
                raise InvalidCatalog("broken.yaml does not describe a service")
            return super().profile(name)

    report = release_stale_locks(
        catalog=TwoServices(world),  # type: ignore[arg-type]
        repository=lambda profile: world.repository,
        about=lambda incident: nullcontext(),
        bug_database=world.bug_database,
        clock=world.clock,
    )
    assert len(report.released) == 1
    assert report.unchecked == ("broken: could not be checked (broken.yaml does not describe a service)",)
