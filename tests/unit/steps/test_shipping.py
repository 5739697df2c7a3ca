"""Exactly the approved commit is sealed, pushed and deployed, or nothing is."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from hotfix.domain.approval import Approval, ApprovalDecision
from hotfix.domain.errors import DeploymentFailed, HotfixError, ProductionMoved, RefMoved
from hotfix.domain.fix import Fix
from hotfix.domain.incident import Incident
from hotfix.domain.release import Deployment, HotfixCommit, LiveCheck, Push
from hotfix.domain.stability import NextLook
from hotfix.steps.commit_hotfix import commit_hotfix
from hotfix.steps.deploy import deploy
from hotfix.steps.monitor_deployment import CONFIRMATIONS, monitor_deployment
from hotfix.steps.push_hotfix import push_hotfix
from tests.contract.fakes.deployer import FakeDeployer
from tests.support.documents import a_change, a_deployment, a_push, an_approval, an_incident
from tests.support.looks import to_the_end
from tests.support.world import World

BRANCH = "refs/heads/hotfix/OPS-1"


@dataclass
class Shipping:
    """An approved fix on its way."""

    world: World
    incident: Incident
    fix: Fix
    approval: Approval

    def commit(self) -> HotfixCommit:
        world = self.world
        return commit_hotfix(
            self.incident, self.fix, self.approval, repository=world.repository, deployer=world.deployer
        )

    def push(self) -> Push:
        return push_hotfix(self.incident, self.commit(), repository=self.world.repository)

    def deploy(self, push: Push, alternative: FakeDeployer | None = None) -> Deployment:
        return deploy(
            self.incident,
            push,
            policy=self.world.profile.policy,
            repository=self.world.repository,
            deployer=self.world.deployer,
            alternative=alternative,
            clock=self.world.clock,
            progress=self.world.progress,
        )


@pytest.fixture
def shipping(world: World) -> Shipping:
    incident = world.open(issue="OPS-1", failing_request="/quote?qty=11")
    fix = world.apply(incident)
    return Shipping(world, incident, fix, an_approval(commit=fix.commit))


# --- the seal


def test_the_approved_commit_is_sealed_with_its_approval(shipping: Shipping) -> None:
    sealed = shipping.commit()
    history = shipping.world.history
    assert (sealed.commit, sealed.seal) == (shipping.fix.commit, "refs/hotfix/OPS-1/approved-1")
    assert history.git("rev-parse", f"{sealed.seal}^{{commit}}") == shipping.fix.commit
    words = history.git("cat-file", "tag", sealed.seal)
    for fact in ("approved by grace", "Granted-by: grace", "Channel: Airflow", "Incident: OPS-1", "Run: run-1"):
        assert fact in words


def test_sealing_again_changes_nothing(shipping: Shipping) -> None:
    first = shipping.commit()
    seal = shipping.world.history.ref(first.seal)
    shipping.world.repository = shipping.world.another_worker()
    assert shipping.commit() == first
    assert shipping.world.history.ref(first.seal) == seal


@pytest.mark.parametrize("decision", [ApprovalDecision.REJECTED, ApprovalDecision.ESCALATED])
def test_what_was_not_approved_is_not_sealed(shipping: Shipping, decision: ApprovalDecision) -> None:
    shipping.approval = an_approval(commit=shipping.fix.commit, decision=decision)
    with pytest.raises(HotfixError, match="was not approved"):
        shipping.commit()
    assert shipping.world.history.ref("refs/hotfix/OPS-1/approved-1") is None


def test_the_approval_of_another_commit_is_none(shipping: Shipping) -> None:
    shipping.approval = an_approval(commit=shipping.world.commits["first"])
    with pytest.raises(HotfixError, match="was not approved"):
        shipping.commit()


def test_a_candidate_that_somebody_changed_is_not_sealed(shipping: Shipping) -> None:
    shipping.world.history.move(shipping.fix.ref, shipping.world.commits["first"])
    with pytest.raises(RefMoved, match="Somebody changed it"):
        shipping.commit()
    shipping.world.history.remove(shipping.fix.ref)
    with pytest.raises(RefMoved):
        shipping.commit()


def test_a_production_that_moved_ends_it(shipping: Shipping) -> None:
    shipping.world.push_production()
    with pytest.raises(ProductionMoved, match="Somebody deployed in the meantime"):
        shipping.commit()


# --- the push


def test_the_branch_is_at_the_approved_commit(shipping: Shipping) -> None:
    push = shipping.push()
    assert push == shipping.push(), "a retry is left in peace"
    assert shipping.world.history.ref(BRANCH) == push.commit == shipping.fix.commit
    assert push.remote == shipping.world.history.url


def test_a_branch_of_that_name_is_not_overwritten(shipping: Shipping) -> None:
    shipping.world.history.move(BRANCH, shipping.world.commits["first"])
    with pytest.raises(RefMoved):
        shipping.push()
    assert shipping.world.history.ref(BRANCH) == shipping.world.commits["first"]


# --- the deployment


def test_exactly_the_approved_commit_is_deployed(shipping: Shipping) -> None:
    deployment = shipping.deploy(shipping.push())
    assert shipping.world.deployer.calls == [("deploy", shipping.fix.commit)]
    assert (deployment.version, deployment.previous) == (shipping.fix.commit, shipping.world.production)
    assert deployment.attempts == ("fake: live",)


def test_deploying_again_deploys_nothing(shipping: Shipping) -> None:
    push = shipping.push()
    shipping.deploy(push)
    assert shipping.deploy(push).version == push.commit
    assert len(shipping.world.deployer.calls) == 1


def test_a_branch_that_moved_is_not_deployed(shipping: Shipping) -> None:
    push = shipping.push()
    shipping.world.history.move(BRANCH, shipping.world.commits["first"])
    with pytest.raises(RefMoved, match="Nothing was deployed"):
        shipping.deploy(push)
    shipping.world.history.remove(BRANCH)
    with pytest.raises(RefMoved, match="Nothing was deployed"):
        shipping.deploy(push)
    assert shipping.world.deployer.calls == []


def test_somebody_elses_deployment_is_not_run_over(shipping: Shipping) -> None:
    push = shipping.push()
    shipping.world.push_production()
    shipping.world.deployer.calls.clear()
    with pytest.raises(ProductionMoved, match="Nothing was deployed"):
        shipping.deploy(push)
    assert shipping.world.deployer.calls == []


def test_without_a_way_back_nothing_is_deployed(shipping: Shipping) -> None:
    push = shipping.push()
    shipping.world.deployer.can_restore = lambda _: False  # type: ignore[method-assign]
    with pytest.raises(DeploymentFailed, match="could not be restored"):
        shipping.deploy(push)
    assert shipping.world.deployer.calls == []


def test_a_deployer_that_something_stands_in_the_way_of_is_not_begun_with(shipping: Shipping) -> None:
    push = shipping.push()
    shipping.world.deployer.problems = ("there is no socket /run/haproxy.sock",)
    with pytest.raises(DeploymentFailed, match=r"(?s)no socket /run/haproxy\.sock.*Nothing was deployed"):
        shipping.deploy(push)
    assert shipping.world.deployer.calls == []


@pytest.mark.parametrize("accepted", [False, True])
def test_a_change_that_cannot_be_rolled_back_is_deployed_only_when_the_operator_said_so(
    shipping: Shipping, accepted: bool
) -> None:
    """Also one of a kind that the policy of the candidates does not know of."""
    push = shipping.push()
    shipping.incident = shipping.incident.model_copy(update={"irreversible_change_accepted": accepted})
    changes = shipping.world.repository.changes
    migration = a_change("db/migrate/7_drop_orders.rb")
    shipping.world.repository.changes = lambda base, head: (*changes(base, head), migration)  # type: ignore[method-assign]
    if accepted:
        assert shipping.deploy(push).version == push.commit
        return
    with pytest.raises(DeploymentFailed, match=r"db/migrate/7_drop_orders\.rb, which cannot be rolled back"):
        shipping.deploy(push)
    assert shipping.world.deployer.calls == []


def test_an_alternative_that_knows_no_way_back_is_not_used(shipping: Shipping) -> None:
    push, world = shipping.push(), shipping.world
    world.deployer.refuses.add(push.commit)
    alternative = FakeDeployer(world.commits["first"], world.clock)
    alternative.name = "other"
    with pytest.raises(DeploymentFailed, match="other: not used, it could not restore"):
        shipping.deploy(push, alternative)
    assert alternative.calls == []


def test_a_failure_is_answered_by_the_alternative_deployer_once(shipping: Shipping) -> None:
    push, world = shipping.push(), shipping.world
    world.deployer.refuses.add(push.commit)
    alternative = FakeDeployer(world.production, world.clock)
    alternative.name = "other"
    deployment = shipping.deploy(push, alternative)
    assert (deployment.deployer, alternative.live()) == ("other", push.commit)
    assert deployment.attempts[0].startswith("fake: The deployment of")
    assert deployment.attempts[1] == "other: live"
    assert len(world.deployer.calls) == 1


def test_without_an_alternative_the_deployment_is_tried_once_more(shipping: Shipping) -> None:
    push, world = shipping.push(), shipping.world
    world.deployer.refuses.add(push.commit)
    with pytest.raises(DeploymentFailed) as caught:
        shipping.deploy(push)
    assert world.deployer.calls == [("deploy", push.commit)] * 2
    assert str(caught.value).count("fake: The deployment of") == 2
    assert world.deployer.live() == world.production


def test_both_deployers_are_named_when_both_fail(shipping: Shipping) -> None:
    push, world = shipping.push(), shipping.world
    world.deployer.refuses.add(push.commit)
    alternative = FakeDeployer(world.production, world.clock)
    alternative.name = "other"
    alternative.refuses.add(push.commit)
    with pytest.raises(DeploymentFailed) as caught:
        shipping.deploy(push, alternative)
    assert "fake: " in str(caught.value)
    assert "other: " in str(caught.value)


# --- is it live?


def watch(world: World, answers: list[str | None], deployment: Deployment) -> tuple[int, float]:
    asked = iter(answers)
    world.monitoring._version = lambda: next(asked, answers[-1])
    incident = an_incident()
    world.bug_database.open_incident(incident)

    def look() -> LiveCheck | NextLook:
        return monitor_deployment(
            incident,
            world.profile,
            deployment,
            monitoring=world.monitoring,
            bug_database=world.bug_database,
            clock=world.clock,
            progress=world.progress,
        )

    live = to_the_end(look, world.clock)
    assert live.version == deployment.version
    return live.confirmations, live.seconds


def test_production_says_several_times_that_it_runs_the_hotfix(world: World) -> None:
    deployment = a_deployment()
    confirmations, seconds = watch(world, [deployment.version], deployment)
    assert confirmations == CONFIRMATIONS >= 3
    assert seconds < 10


def test_an_old_process_that_still_answers_starts_the_count_again(world: World) -> None:
    deployment, old = a_deployment(), a_push(commit="b" * 40).commit
    new = deployment.version
    confirmations, seconds = watch(world, [None, new, new, old, new], deployment)
    assert confirmations == CONFIRMATIONS
    assert seconds >= CONFIRMATIONS + 2
    assert any("production reports nothing" in line for line in world.lines)


@pytest.mark.parametrize("answer", [None, "b" * 40])
def test_a_version_that_never_comes_is_a_failed_deployment(world: World, answer: str | None) -> None:
    began = world.clock.now()
    with pytest.raises(DeploymentFailed, match=answer or "no version"):
        watch(world, [answer], a_deployment())
    limit = world.profile.deployer.time_limit
    assert limit <= (world.clock.now() - began).total_seconds() < limit + 5
