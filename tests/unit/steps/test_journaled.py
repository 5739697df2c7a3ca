"""Nothing changes the world outside without a row in the ledger, written before it happens."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pytest

from hotfix.adapters.journaled import (
    Journal,
    NoIncident,
    Work,
    journaled_code_host,
    journaled_deployer,
    journaled_repository,
)
from hotfix.adapters.journaled.effects import CODE_HOST, DEPLOYER, REPOSITORY, Effects
from hotfix.domain.effect import EffectKind, EffectState, Intent
from hotfix.domain.errors import DeploymentFailed, HotfixError, RollbackFailed, TakenOver
from hotfix.domain.incident import Incident
from hotfix.ports.code_host import CodeHost
from hotfix.ports.deployer import Deployer
from hotfix.ports.repository import Repository
from tests.contract.fakes.bug_database import InMemoryBugDatabase
from tests.support.world import World

# Methods of the ports that change nothing outside this machine. A new method belongs here or into the effects.
READS: Mapping[type, set[str]] = {
    Repository: {
        "remote",
        "fetch",
        "resolve",
        "commit",
        "message",
        "commits",
        "patches",
        "is_ancestor",
        "merge_base",
        "tags_before",
        "checkout",
        "checkouts",
        "files",
        "read_file",
        "grep",
        "changes",
        "diff",
        "last_changed_by",
        "fingerprints",
        # Commits and tag objects in the worker's own mirror: nobody sees them before they are pushed.
        "apply_patch",
        "revert",
        "conflicts",
        "reverse_patch",
        "commit_files",
        "graft",
        "seal",
        "mark",
        "read_mark",
        "remote_ref",
        "remote_refs",
    },
    Deployer: {"name", "status", "live", "history", "can_restore", "by_hand"},
    # To show a run is no effect: it is brought to the newest state again and again, and nothing depends on it.
    CodeHost: {"pull_for", "answers", "name", "introduction", "listens", "show"},
}
EFFECTS: Mapping[type, Effects] = {Repository: REPOSITORY, Deployer: DEPLOYER, CodeHost: CODE_HOST}


def methods(port: type) -> set[str]:
    ports = [each for each in port.__mro__ if getattr(each, "_is_protocol", False)]
    return {name for each in ports for name in vars(each) if not name.startswith("_")}


@pytest.mark.parametrize("port", EFFECTS, ids=lambda port: port.__name__)
def test_every_method_of_a_port_is_known_to_read_or_to_have_an_effect(port: type) -> None:
    assert EFFECTS[port]
    assert not READS[port] & set(EFFECTS[port])
    assert READS[port] | set(EFFECTS[port]) == methods(port)


@pytest.mark.parametrize("port", EFFECTS, ids=lambda port: port.__name__)
def test_an_intent_takes_what_its_method_takes(port: type) -> None:
    for name, intent in EFFECTS[port].items():
        taken = [each for each in inspect.signature(getattr(port, name)).parameters if each != "self"]
        bound = inspect.signature(intent).bind(**{each: each for each in taken}).arguments
        in_order = inspect.signature(intent).bind(*taken).arguments
        named = [each for each in bound if each != "more"]
        assert named, name
        assert {each: in_order[each] for each in named} == {each: each for each in named}, name


@pytest.fixture
def incident(world: World) -> Incident:
    return world.open(issue="OPS-1", failing_request="/quote?qty=11")


@pytest.fixture
def journal(world: World, incident: Incident) -> Journal:
    return Journal(world.bug_database, world.clock, lambda: Work(incident, incident.run_id))


def states(world: World, incident: Incident) -> dict[tuple[EffectKind, str], EffectState]:
    return {(effect.kind, effect.key): effect.state for effect in world.bug_database.effects(incident)}


def test_a_ref_that_is_set_and_deleted_leaves_two_rows(world: World, incident: Incident, journal: Journal) -> None:
    repository = journaled_repository(world.repository, journal)
    repository.push("refs/hotfix/OPS-1/backup-1", world.production, expect=None)
    assert repository.remote_ref("refs/hotfix/OPS-1/backup-1") == world.production, "reads pass through"
    repository.delete("refs/hotfix/OPS-1/backup-1", expect=world.production)
    assert states(world, incident) == {
        (EffectKind.SET_REF, "refs/hotfix/OPS-1/backup-1"): EffectState.DONE,
        (EffectKind.DELETE_REF, "refs/hotfix/OPS-1/backup-1"): EffectState.DONE,
    }


def test_a_deployment_is_in_the_journal_while_it_goes_on(world: World, incident: Incident, journal: Journal) -> None:
    seen: list[EffectState] = []

    class Watched:
        name = "watched"

        def deploy(self, version: str, source: Path) -> None:
            seen.extend(effect.state for effect in world.bug_database.effects(incident))

        def restore(self, version: str) -> None:
            raise RollbackFailed("the host is gone")

    deployer = journaled_deployer(Watched(), journal)  # type: ignore[arg-type]
    assert deployer.name == "watched"
    deployer.deploy(world.production, world.folder)
    with pytest.raises(RollbackFailed):
        deployer.restore(world.production)
    assert seen == [EffectState.UNDER_WAY]
    deployed, restored = world.bug_database.effects(incident)
    assert (deployed.kind, deployed.state) == (EffectKind.DEPLOY, EffectState.DONE)
    assert (restored.kind, restored.state) == (EffectKind.RESTORE, EffectState.FAILED)
    assert restored.what == "RollbackFailed: the host is gone"


def test_pull_requests_and_issues_are_effects(world: World, incident: Incident, journal: Journal) -> None:
    code_host = journaled_code_host(world.code_host, journal)
    code_host.open_pull(incident, "follow-up/OPS-1", world.production, "title", "body")
    code_host.open_issue(incident, "title", "body", ())
    assert states(world, incident) == {
        (EffectKind.OPEN_PULL_REQUEST, "follow-up/OPS-1"): EffectState.DONE,
        (EffectKind.OPEN_ISSUE, "OPS-1"): EffectState.DONE,
    }


def test_what_died_half_way_stays_under_way_and_its_retry_is_the_same_effect(
    world: World, incident: Incident, journal: Journal
) -> None:
    intent = Intent(kind=EffectKind.DEPLOY, key=world.production)
    world.bug_database.begin_effect(incident, intent, incident.run_id, world.clock.now())
    assert set(states(world, incident).values()) == {EffectState.UNDER_WAY}
    with journal.effect(intent):
        pass
    (effect,) = world.bug_database.effects(incident)
    assert (effect.state, effect.tries) == (EffectState.DONE, 2)


def test_without_an_incident_nothing_is_done(world: World) -> None:
    nobody = Journal(world.bug_database, world.clock, lambda: Work(None, "run-9"))
    before = world.repository.remote_refs("refs/")
    with pytest.raises(NoIncident, match="set_ref refs/heads/hotfix/OPS-1"):
        journaled_repository(world.repository, nobody).push("refs/heads/hotfix/OPS-1", world.production, expect=None)
    assert world.repository.remote_refs("refs/") == before


def test_a_run_that_was_taken_for_dead_changes_nothing(world: World, incident: Incident, journal: Journal) -> None:
    world.bug_database.take_over(incident, "compliance-1")
    before = world.repository.remote_refs("refs/")
    with pytest.raises(TakenOver):
        journaled_repository(world.repository, journal).push("refs/heads/hotfix/OPS-1", world.production, expect=None)
    assert world.repository.remote_refs("refs/") == before


class ClosedLedger(InMemoryBugDatabase):
    """Answers as long as it is ``open``."""

    open = True

    def begin_effect(self, incident: Incident, intent: Intent, run_id: str, at: datetime) -> None:
        if not self.open:
            raise HotfixError("the ledger does not answer")
        super().begin_effect(incident, intent, run_id, at)

    def end_effect(self, incident: Incident, intent: Intent, state: EffectState, at: datetime, what: str = "") -> None:
        if not self.open:
            raise HotfixError("the ledger does not answer")
        super().end_effect(incident, intent, state, at, what)


@pytest.fixture
def closing(world: World) -> ClosedLedger:
    world.bug_database = ClosedLedger()
    return world.bug_database


def test_what_cannot_be_journaled_is_not_done(closing: ClosedLedger, world: World) -> None:
    incident = world.open(issue="OPS-1")
    closing.open = False
    done = []
    with (
        pytest.raises(HotfixError, match="does not answer"),
        Journal(closing, world.clock, lambda: Work(incident, "run-1")).effect(
            Intent(kind=EffectKind.DEPLOY, key=world.production)
        ),
    ):
        done.append("deployed")
    assert done == []


def test_a_failure_is_not_hidden_by_one_of_the_ledger(closing: ClosedLedger, world: World) -> None:
    incident = world.open(issue="OPS-1")
    journal = Journal(closing, world.clock, lambda: Work(incident, "run-1"))

    def deploy() -> None:
        with journal.effect(Intent(kind=EffectKind.DEPLOY, key=world.production)):
            closing.open = False
            raise DeploymentFailed("no boot")

    with pytest.raises(DeploymentFailed, match="no boot"):
        deploy()
    assert [effect.state for effect in closing.effects(incident)] == [EffectState.UNDER_WAY]
