"""Production and git go back, nobody else's work is touched, and the result is looked at, not assumed."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from hotfix.domain.errors import RollbackFailed
from hotfix.domain.fix import Backup, Fix
from hotfix.domain.incident import Incident
from hotfix.domain.release import HotfixCommit, Push
from hotfix.domain.rollback import DeploymentRollback, FixRollback, RollbackReport
from hotfix.steps.back_up_files import back_up_files
from hotfix.steps.deploy import deploy
from hotfix.steps.open_incident import release_lock
from hotfix.steps.push_hotfix import push_hotfix
from hotfix.steps.roll_back_deployment import roll_back_deployment
from hotfix.steps.roll_back_fix import roll_back_fix
from hotfix.steps.verify_rollback import verify_rollback
from tests.contract.fakes.deployer import FakeDeployer
from tests.support.documents import a_push
from tests.support.world import World

BRANCH = "refs/heads/hotfix/OPS-1"
KEPT = "refs/hotfix/OPS-1/rolled-back-1"
TAG = "refs/tags/rolled-back/OPS-1-1"


@dataclass
class Emergency:
    """An incident that goes as far as a test lets it."""

    world: World
    incident: Incident
    fix: Fix | None = None
    push: Push | None = None
    alternative: FakeDeployer | None = None

    def make_fix(self) -> Fix:
        world = self.world
        plan = world.plan(self.incident)
        backup = back_up_files(self.incident, plan, repository=world.repository, clock=world.clock)
        world.bug_database.record(self.incident, backup)
        self.fix = world.apply(self.incident, plan)
        return self.fix

    def publish(self) -> Push:
        fix = self.fix or self.make_fix()
        self.push = push_hotfix(self.incident, a_sealed(fix), repository=self.world.repository)
        self.world.bug_database.record(self.incident, self.push)
        return self.push

    def ship(self) -> Push:
        push, world = self.publish(), self.world
        deploy(
            self.incident,
            push,
            policy=world.profile.policy,
            repository=world.repository,
            deployer=world.deployer,
            alternative=self.alternative,
            clock=world.clock,
            progress=world.progress,
        )
        return push

    def undo_deployment(self) -> DeploymentRollback:
        return roll_back_deployment(
            self.incident,
            deployer=self.world.deployer,
            alternative=self.alternative,
            bug_database=self.world.bug_database,
            progress=self.world.progress,
        )

    def undo_fix(self) -> FixRollback:
        return roll_back_fix(self.incident, repository=self.world.repository)

    def verify(self) -> RollbackReport:
        world = self.world
        return verify_rollback(
            self.incident,
            repository=world.repository,
            deployer=world.deployer,
            monitoring=world.monitoring,
            bug_database=world.bug_database,
            clock=world.clock,
        )


def a_sealed(fix: Fix) -> HotfixCommit:
    return HotfixCommit(commit=fix.commit, seal="refs/hotfix/OPS-1/approved-1", message=fix.message)


@pytest.fixture
def emergency(world: World) -> Emergency:
    return Emergency(world, world.open(issue="OPS-1", failing_request="/quote?qty=11"))


def test_everything_goes_back_after_a_deployment(emergency: Emergency) -> None:
    push = emergency.ship()
    assert emergency.world.deployer.live() == push.commit, "there is something to put back"
    rollback = emergency.undo_deployment()
    assert (rollback.needed, rollback.restored, rollback.live) == (True, emergency.world.production, rollback.restored)
    undone = emergency.undo_fix()
    assert (undone.needed, undone.removed_branch, undone.kept_as) == (True, "hotfix/OPS-1", KEPT)
    history = emergency.world.history
    assert history.ref(BRANCH) is None
    assert history.ref(KEPT) == push.commit, "nothing is lost"
    assert emergency.world.repository.remote_ref(TAG) is not None, "people who fetch see it, too"
    emergency.world.repository.fetch()
    assert emergency.world.repository.resolve(TAG) == push.commit
    report = emergency.verify()
    assert report.verified
    assert len(report.checks) == 4
    assert all(check.startswith("yes: ") for check in report.checks)


def test_rolling_back_again_changes_nothing(emergency: Emergency) -> None:
    emergency.ship()
    emergency.undo_deployment()
    emergency.undo_fix()
    calls = list(emergency.world.deployer.calls)
    refs = emergency.world.repository.remote_refs("refs/")
    assert emergency.undo_deployment().restored == emergency.world.production
    emergency.undo_fix()
    assert emergency.world.deployer.calls == calls
    assert emergency.world.repository.remote_refs("refs/") == refs
    assert emergency.verify().verified


def test_there_is_one_automatic_rollback_at_most(emergency: Emergency) -> None:
    """Somebody ships the hotfix again after it was put back: that is theirs to answer for."""
    push = emergency.ship()
    emergency.world.bug_database.record(emergency.incident, emergency.undo_deployment())
    emergency.world.deployer.deploy(push.commit, emergency.world.folder)
    calls = list(emergency.world.deployer.calls)
    again = emergency.undo_deployment()
    assert (again.needed, again.live) == (False, push.commit)
    assert "put back once already" in again.what
    assert emergency.world.deployer.calls == calls
    emergency.undo_fix()
    assert "the deployer says" in unverified(emergency), "and it is said loudly"


def test_the_tag_of_a_rollback_names_no_healthy_version(emergency: Emergency) -> None:
    """The proper fix may be built on the hotfix that did not stay."""
    push = emergency.ship()
    emergency.undo_deployment()
    emergency.undo_fix()
    world = emergency.world
    world.history.move("refs/heads/main", push.commit)
    newest = world.push_production()
    world.repository.fetch()
    assert [name for name, _ in world.repository.tags_before(newest)][:1] == ["rolled-back/OPS-1-1"]
    world.deployer._history[:] = [release for release in world.deployer._history if release.version == newest]
    release_lock(emergency.incident, world.repository)
    assert world.open("run-2", issue="OPS-2").good == world.commits["first"]


def test_before_anything_was_pushed_nothing_is_put_back(emergency: Emergency) -> None:
    rollback = emergency.undo_deployment()
    assert (rollback.needed, rollback.what) == (False, "nothing had been deployed")
    assert emergency.undo_fix() == FixRollback(
        needed=False, removed_branch=None, kept_as=None, what="no fix had been made"
    )
    assert emergency.world.deployer.calls == []
    assert emergency.verify().verified


def test_a_fix_that_was_not_published_is_kept(emergency: Emergency) -> None:
    fix = emergency.make_fix()
    undone = emergency.undo_fix()
    assert (undone.removed_branch, undone.kept_as) == (None, KEPT)
    assert emergency.world.history.ref(KEPT) == fix.commit
    assert emergency.world.repository.remote_ref(TAG) is None, "nobody has seen it"
    assert emergency.verify().verified


def test_a_push_that_died_before_it_was_recorded_is_found(emergency: Emergency) -> None:
    fix = emergency.make_fix()
    push_hotfix(emergency.incident, a_sealed(fix), repository=emergency.world.repository)
    assert emergency.world.bug_database.find(emergency.incident, Push) is None
    assert emergency.undo_fix().removed_branch == "hotfix/OPS-1"
    assert emergency.world.history.ref(BRANCH) is None


def test_work_of_others_on_the_branch_is_left_alone(emergency: Emergency) -> None:
    emergency.publish()
    theirs = emergency.world.history.commit("More", {"shop/stock.py": "x = 1\n"}, branch="hotfix/OPS-1")
    undone = emergency.undo_fix()
    assert (undone.needed, undone.removed_branch, undone.kept_as) == (False, None, KEPT)
    assert "left alone" in undone.what
    assert emergency.world.history.ref(BRANCH) == theirs


def test_a_version_that_somebody_else_deployed_is_left_alone(emergency: Emergency) -> None:
    emergency.ship()
    theirs = emergency.world.push_production()
    emergency.world.deployer.calls.clear()
    rollback = emergency.undo_deployment()
    assert (rollback.needed, rollback.live) == (False, theirs)
    assert "somebody else deployed" in rollback.what
    assert emergency.world.deployer.calls == []
    emergency.undo_fix()
    assert emergency.verify().verified


def test_somebody_elses_version_is_no_failed_rollback_of_a_run_that_pushed_nothing(emergency: Emergency) -> None:
    """It must not be answered with the commands that would throw their version out of production."""
    emergency.make_fix()
    theirs = emergency.world.push_production()
    assert emergency.undo_deployment().live == theirs
    emergency.undo_fix()
    report = emergency.verify()
    assert report.verified
    assert report.production == theirs


def test_a_deployment_that_died_half_way_is_restored(emergency: Emergency) -> None:
    """Production still answers with the old version, and the ledger knows of no deployment."""
    push = emergency.publish()
    asked: list[str] = []
    emergency.world.deployer.restore = asked.append  # type: ignore[method-assign]
    rollback = emergency.undo_deployment()
    assert asked == [emergency.world.production]
    assert (rollback.needed, rollback.live) == (False, emergency.world.production)
    assert push.commit not in asked


def test_a_production_that_says_nothing_is_restored(emergency: Emergency) -> None:
    emergency.ship()
    history = emergency.world.deployer._history
    emergency.world.deployer.live = lambda: None if len(history) == 3 else history[0].version  # type: ignore[method-assign]
    assert emergency.undo_deployment().needed
    assert history[0].version == emergency.world.production


def test_a_restore_that_fails_is_not_hidden(emergency: Emergency) -> None:
    emergency.ship()
    emergency.world.deployer.refuses.add(emergency.world.production)
    with pytest.raises(RollbackFailed, match=f"put-back {emergency.world.production}"):
        emergency.undo_deployment()


def an_alternative(world: World) -> FakeDeployer:
    """A second way into the same production."""
    other = FakeDeployer(world.production, world.clock)
    other.name = "other"
    return other


def test_where_the_services_own_deployer_cannot_the_alternative_puts_production_back(emergency: Emergency) -> None:
    world = emergency.world
    push = emergency.ship()
    emergency.alternative = an_alternative(world)
    emergency.alternative.deploy(push.commit, world.folder)
    world.deployer.refuses.add(world.production)
    emergency.undo_deployment()
    assert emergency.alternative.live() == world.production


def test_when_both_fail_the_commands_for_both_are_said(emergency: Emergency) -> None:
    world = emergency.world
    emergency.ship()
    emergency.alternative = an_alternative(world)
    emergency.alternative.deploy("b" * 40, world.folder)
    emergency.alternative.by_hand = lambda version: (f"other-way {version}",)  # type: ignore[method-assign]
    for deployer in (world.deployer, emergency.alternative):
        deployer.refuses.add(world.production)
    with pytest.raises(RollbackFailed) as failure:
        emergency.undo_deployment()
    assert f"put-back {world.production}" in str(failure.value)
    assert f"other-way {world.production}" in str(failure.value)


def test_what_the_alternative_deployer_shipped_is_put_back_by_it(emergency: Emergency) -> None:
    """The service's own deployer failed, and as far as it knows the old version was there all along."""
    world = emergency.world
    emergency.alternative = an_alternative(world)
    world.deployer.refuses.add(emergency.make_fix().commit)
    push = emergency.ship()
    assert (world.deployer.live(), emergency.alternative.live()) == (world.production, push.commit)
    emergency.undo_deployment()
    assert emergency.alternative.live() == world.production


# --- seeing for oneself


def unverified(emergency: Emergency) -> str:
    with pytest.raises(RollbackFailed) as caught:
        emergency.verify()
    words = str(caught.value)
    assert "THE ROLLBACK IS NOT COMPLETE" in words
    assert f"put-back {emergency.world.production}" in words, "what a person can type"
    return "\n".join(line for line in words.splitlines() if "NO: " in line)


def test_a_production_that_still_runs_the_hotfix_is_not_back(emergency: Emergency) -> None:
    push = emergency.ship()
    emergency.undo_fix()
    assert f"the deployer says that production runs {push.commit[:12]}" in unverified(emergency)


@pytest.mark.parametrize("reported", [None, "hotfix"])
def test_productions_own_word_counts(emergency: Emergency, reported: str | None) -> None:
    push = emergency.ship()
    emergency.undo_deployment()
    emergency.undo_fix()
    emergency.world.monitoring._version = lambda: push.commit if reported else None
    assert "production itself reports" in unverified(emergency)


def test_a_service_that_was_down_before_anything_was_deployed_is_no_failed_rollback(emergency: Emergency) -> None:
    emergency.world.monitoring._version = lambda: None
    assert emergency.verify().verified


def test_a_branch_that_is_still_there_is_not_back(emergency: Emergency) -> None:
    emergency.publish()
    assert "hotfix/OPS-1 is still on the remote" in unverified(emergency)


@pytest.mark.parametrize("change", ["moved", "gone"])
def test_a_backup_that_does_not_agree_is_said(emergency: Emergency, change: str) -> None:
    emergency.make_fix()
    emergency.undo_fix()
    history = emergency.world.history
    backup = emergency.world.bug_database.find(emergency.incident, Backup)
    assert backup is not None
    if change == "moved":
        history.move(backup.ref, emergency.world.commits["first"])
    else:
        history.remove(backup.ref)
    assert f"the backup {backup.ref}" in unverified(emergency)


def test_a_worker_whose_mirror_is_old_can_verify_too(world: World) -> None:
    """Any task may run on any worker, also on one that has not fetched since production's commit was made."""
    other = world.another_worker()
    other.fetch()
    newest = world.push_production()
    assert newest != world.production
    emergency = Emergency(world, world.open(issue="OPS-1", failing_request="/quote?qty=11"))
    emergency.make_fix()
    emergency.undo_fix()
    world.repository = other
    assert emergency.verify().verified


def test_an_unknown_push_of_an_earlier_attempt_does_not_matter(emergency: Emergency) -> None:
    other = emergency.world.bug_database.open_incident(
        emergency.incident.model_copy(update={"id": "OPS-9", "run_id": "run-9"})
    )
    emergency.world.bug_database.record(other, a_push())
    assert emergency.undo_deployment().what == "nothing had been deployed"
