"""What the follow-up says about the default branch, whom it asks, and what the outcome says that could not be done."""

from __future__ import annotations

import pytest

from hotfix.adapters.local_code_host import LocalCodeHost
from hotfix.domain.errors import CodeHostFailed
from hotfix.domain.follow_up import FollowUp, PullRequest
from hotfix.domain.incident import Incident
from hotfix.domain.run_state import Untold
from hotfix.steps.back_merge import back_merge
from hotfix.steps.close_run import close_run
from hotfix.steps.open_follow_up_pr import open_follow_up_pr
from tests.support.documents import NOW, a_change, a_fix, a_follow_up, a_push
from tests.support.world import World


@pytest.fixture
def incident(world: World) -> Incident:
    return world.open(issue="OPS-1", failing_request="/quote?qty=11")


def hotfix(world: World) -> str:
    """A commit on top of production, on its branch, as if it had shipped."""
    world.history.move("refs/heads/hotfix/OPS-1", world.production)
    return world.history.commit("The hotfix", {"shop/pricing.py": "fixed = True\n"}, branch="hotfix/OPS-1")


def shipped(world: World, incident: Incident) -> str:
    commit = hotfix(world)
    world.bug_database.record(incident, a_push(commit=commit, branch="hotfix/OPS-1"))
    world.bug_database.record(incident, a_fix(commit=commit, changes=(a_change("shop/pricing.py"),)))
    return commit


def follow_up(world: World, incident: Incident, code_host: LocalCodeHost | None = None) -> FollowUp:
    return open_follow_up_pr(
        incident,
        world.profile,
        repository=world.repository,
        code_host=code_host or world.code_host,
        bug_database=world.bug_database,
        artefacts=world.artefacts,
    )


def body_of(world: World, branch: str) -> str:
    found = world.bug_database.pull_request("OPS-1", branch)
    assert found is not None
    return found[1]


def test_where_the_default_branch_stands_still_the_follow_up_is_enough(world: World, incident: Incident) -> None:
    shipped(world, incident)
    done = follow_up(world, incident)
    assert done.back_merge is None
    assert "main is at what production ran before the hotfix" in body_of(world, "follow-up/OPS-1")


def test_where_it_has_moved_on_the_hotfix_is_offered_for_merging_back(world: World, incident: Incident) -> None:
    commit = shipped(world, incident)
    world.history.commit("Other work", {"shop/other.py": "x = 1\n"})
    done = follow_up(world, incident)
    assert done.back_merge is not None
    assert (done.back_merge.branch, done.back_merge.head, done.back_merge.draft) == ("hotfix/OPS-1", commit, False)
    assert done.conflicts == ()
    assert "merges into it without conflicts" in body_of(world, "hotfix/OPS-1")
    assert follow_up(world, incident) == done


def test_conflicts_are_told_by_path_and_make_it_a_draft(world: World, incident: Incident) -> None:
    shipped(world, incident)
    world.history.commit("The same place", {"shop/pricing.py": "fixed = 'otherwise'\n", "b.txt": "b"})
    done = follow_up(world, incident)
    assert done.conflicts == ("shop/pricing.py",)
    assert done.back_merge is not None
    assert done.back_merge.draft
    for branch in ("hotfix/OPS-1", "follow-up/OPS-1"):
        assert "**the hotfix conflicts with it** in `shop/pricing.py`." in body_of(world, branch)


def test_a_default_branch_that_has_the_hotfix_needs_nothing(world: World, incident: Incident) -> None:
    commit = hotfix(world)
    world.history.move("refs/heads/main", commit)
    world.repository.fetch()
    merge = back_merge(world.profile, commit, repository=world.repository)
    assert (merge.needed, merge.sentence) == (False, "main has the hotfix.")


def test_the_owners_of_what_changed_are_asked(world: World, incident: Incident) -> None:
    shipped(world, incident)
    world.history.commit("Owners", {"CODEOWNERS": "* @nobody\n/shop/ @pricing-lead @acme/shop\n"})
    done = follow_up(world, incident)
    assert done.pull_request.remarks == ("nobody was asked for a review: pricing-lead, acme/shop",)
    assert set(done.pull_request.remarks) <= set(done.remarks)


def test_a_back_merge_that_is_refused_is_a_remark_and_no_failure(world: World, incident: Incident) -> None:
    class Refusing(LocalCodeHost):
        def open_pull(self, incident: Incident, branch: str, *rest: object, **settings: object) -> PullRequest:
            if branch.startswith("hotfix/"):
                raise CodeHostFailed("GitHub refused it.")
            return super().open_pull(incident, branch, *rest, **settings)  # type: ignore[arg-type]

    shipped(world, incident)
    world.history.commit("Other work", {"shop/other.py": "x = 1\n"})
    done = follow_up(world, incident, Refusing(world.bug_database))
    assert done.back_merge is None
    assert done.remarks == ("the hotfix was not offered for merging back: GitHub refused it.",)


def test_the_outcome_says_what_was_not_told_and_judges_nothing_by_it(world: World, incident: Incident) -> None:
    def outcome() -> object:
        return close_run(incident, repository=world.repository, bug_database=world.bug_database, clock=world.clock)

    before = outcome()
    pull = a_follow_up().pull_request
    world.bug_database.record(incident, Untold(problems=("GitHub: the checks: 403",), at=NOW))
    world.bug_database.record(incident, FollowUp(pull_request=pull, items=(), remarks=("ada was not asked",)))
    after = outcome()
    assert after.not_told == ("GitHub: the checks: 403", "ada was not asked")  # type: ignore[attr-defined]
    assert after.ending == before.ending  # type: ignore[attr-defined]
