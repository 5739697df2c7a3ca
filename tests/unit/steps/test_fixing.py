"""Plan, backup and fix: the smallest candidate that applies, keeps the policy and is proved, as one exact commit."""

from __future__ import annotations

import pytest

from hotfix.domain.diagnosis import Suspect, Verdict
from hotfix.domain.errors import CannotReproduce, NoUsableFix, RefMoved, RemoteUnavailable
from hotfix.domain.fix import CandidateKind
from hotfix.domain.incident import Incident
from hotfix.domain.service import Policy
from hotfix.steps.back_up_files import back_up_files
from hotfix.steps.open_ends import open_ends_of
from tests.support.documents import a_candidate
from tests.support.world import BAD_PRICING, FAILURE, GOOD_PRICING, PATCHED_PRICING, World


@pytest.fixture
def incident(world: World) -> Incident:
    return world.open(issue="OPS-1", failing_request="/quote?qty=11")


def a_ref(world: World, pricing: str = PATCHED_PRICING, **more: str) -> str:
    """A branch ``fix`` with one commit on production's version."""
    files = {"shop/pricing.py": pricing, **more}
    return world.history.commit("Sum tiers up", files, branch="fix", parents=[world.production])


def a_patch(world: World, **more: str) -> str:
    return world.history.patch(world.production, a_ref(world, **more))


def with_policy(world: World, **changes: object) -> None:
    world.profile = world.profile.model_copy(update={"policy": Policy.model_validate(changes)})


def ranked(world: World, *names: str) -> tuple[Suspect, ...]:
    return tuple(
        Suspect(commit=world.repository.commit(world.commits[name]), probability=0.3, evidence=("it looks so",))
        for name in names
    )


# --- the plan


def test_a_proved_culprit_is_the_only_one_that_is_reverted(world: World, incident: Incident) -> None:
    diagnosis = world.diagnosis(suspects=ranked(world, "culprit", "described"))
    plan = world.plan(incident, diagnosis)
    (candidate,) = plan.candidates
    assert candidate.kind is CandidateKind.REVERT
    assert candidate.id == f"revert:{world.commits['culprit'][:12]}"
    assert candidate.paths == ("shop/pricing.py",)
    assert plan.base == world.production
    assert any("bring its good part in again" in line for line in open_ends_of(plan.candidates[0], diagnosis))


def test_unproved_suspects_are_tried_in_their_order(world: World, incident: Incident) -> None:
    suspects = ranked(world, "culprit", "production", "described")
    diagnosis = world.diagnosis(proved=False, suspects=suspects)
    plan = world.plan(incident, diagnosis)
    assert [candidate.commit for candidate in plan.candidates] == [
        world.commits[name] for name in ("culprit", "production", "described")
    ]
    assert any("prove the culprit" in line for line in open_ends_of(plan.candidates[0], diagnosis))


def test_the_operators_fix_comes_first(world: World) -> None:
    incident = world.open(patch=a_patch(world))
    first, second = world.plan(incident).candidates
    assert (first.kind, first.paths) == (CandidateKind.OPERATOR_PATCH, ("shop/pricing.py",))
    assert second.kind is CandidateKind.REVERT


def test_the_operators_ref_is_its_commit(world: World) -> None:
    fix = a_ref(world)
    first = world.plan(world.open(fix_ref="fix")).candidates[0]
    assert (first.kind, first.commit, first.paths) == (CandidateKind.OPERATOR_REF, fix, ("shop/pricing.py",))


def test_the_paths_of_the_operators_ref_are_those_that_it_changes(world: World) -> None:
    """What the default branch did since is not in the fix; a backup of all of it would outgrow its document."""
    world.history.commit("Since then", {"docs/later.md": "Later.\n"})
    world.history.commit("Fix on main", {"shop/pricing.py": PATCHED_PRICING})
    old = world.commits["described"]
    world.history.commit("Fix an old branch", {"shop/stock.py": "x = 1\n"}, branch="fix", parents=[old])
    assert world.plan(world.open(fix_ref="fix")).candidates[0].paths == ("shop/stock.py",)


def test_candidates_that_failed_before_are_left_out(world: World, incident: Incident) -> None:
    excluded = (f"revert:{world.commits['culprit'][:12]}",)
    again = incident.model_copy(update={"excluded_candidates": excluded})
    plan = world.plan(again, world.diagnosis(proved=False, suspects=ranked(world, "culprit", "production")))
    assert ([candidate.commit for candidate in plan.candidates], plan.excluded) == ([world.production], excluded)
    with pytest.raises(NoUsableFix, match=f"tried before: {excluded[0]}"):
        world.plan(again)


def test_without_a_culprit_and_a_fix_there_is_no_plan(world: World, incident: Incident) -> None:
    with pytest.raises(NoUsableFix, match="There is no candidate fix"):
        world.plan(incident, world.diagnosis(culprit=None, proved=False))


def test_a_root_commit_cannot_be_reverted(world: World, incident: Incident) -> None:
    root = world.repository.commit(world.commits["first"])
    with pytest.raises(NoUsableFix):
        world.plan(incident, world.diagnosis(culprit=root))


# --- the backup


def test_the_backup_is_productions_commit_and_the_checksums_of_what_may_change(
    world: World, incident: Incident
) -> None:
    backup = back_up_files(incident, world.plan(incident), repository=world.repository, clock=world.clock)
    assert world.history.ref(backup.ref) == backup.commit == world.production
    assert backup.ref.startswith("refs/hotfix/OPS-1/backup")
    assert [file.path for file in backup.files] == ["shop/pricing.py"]
    again = back_up_files(incident, world.plan(incident), repository=world.another_worker(), clock=world.clock)
    assert again == backup


def test_another_attempt_is_backed_up_when_production_has_moved_in_between(world: World, incident: Incident) -> None:
    back_up_files(incident, world.plan(incident), repository=world.repository, clock=world.clock)
    newer = world.push_production()
    second = incident.model_copy(update={"attempt": 2, "run_id": "run-2", "production": newer})
    backup = back_up_files(second, world.plan(second), repository=world.repository, clock=world.clock)
    assert backup.commit == newer
    assert world.history.ref(backup.ref) == newer


# --- the fix


def test_the_revert_of_the_culprit_is_proved_and_on_the_remote(world: World, incident: Incident) -> None:
    fix = world.apply(incident)
    assert world.history.ref("refs/hotfix/OPS-1/candidate-1") == fix.commit
    assert world.repository.commit(fix.commit).parents == (world.production,)
    assert world.history.show(fix.commit, "shop/pricing.py") == GOOD_PRICING
    assert "EMPTY = 0" in world.history.show(fix.commit, "shop/stock.py"), "only the culprit is taken back"
    assert fix.proved
    assert fix.before is not None
    assert fix.after is not None
    assert (fix.before.verdict, fix.before.signature) == (Verdict.SAME_FAILURE, FAILURE)
    assert (fix.after.verdict, fix.after.sha) == (Verdict.GOOD, fix.commit)
    assert [change.path for change in fix.changes] == ["shop/pricing.py"]
    assert "TIERS[tier]" in world.artefacts.contents["fix.diff"]
    for fact in ("hotfix: ", "OPS-1", world.commits["culprit"], "(proved)", "Reported-by: ada"):
        assert fact in fix.message


def test_a_retry_gives_the_same_commit_also_on_another_worker(world: World, incident: Incident) -> None:
    first = world.apply(incident)
    world.clock.sleep(100)
    assert world.apply(incident) == first
    world.repository = world.another_worker()
    assert world.apply(incident).commit == first.commit


def test_the_operators_patch(world: World) -> None:
    fix = world.apply(world.open(failing_request="/x", patch=a_patch(world)))
    assert fix.candidate.kind is CandidateKind.OPERATOR_PATCH
    assert world.history.show(fix.commit, "shop/pricing.py") == PATCHED_PRICING


def test_the_operators_patch_as_a_browser_sends_it(world: World) -> None:
    fix = world.apply(world.open(failing_request="/x", patch=a_patch(world).replace("\n", "\r\n")))
    assert world.history.show(fix.commit, "shop/pricing.py") == PATCHED_PRICING


def test_only_the_change_of_the_operators_ref_is_taken_not_what_it_stands_on(world: World) -> None:
    old = world.commits["culprit"]
    world.history.commit(
        "Fix of an older version", {"shop/pricing.py": PATCHED_PRICING}, branch="old-fix", parents=[old]
    )
    fix = world.apply(world.open(failing_request="/x", fix_ref="old-fix"))
    assert fix.candidate.kind is CandidateKind.OPERATOR_REF
    assert [change.path for change in fix.changes] == ["shop/pricing.py"]
    assert "EMPTY = 0" in world.history.show(fix.commit, "shop/stock.py")


def test_a_candidate_outside_the_policy_is_refused(world: World, incident: Incident) -> None:
    with_policy(world, forbidden_paths=("shop/pricing.py",))
    with pytest.raises(NoUsableFix, match="which a hotfix of this service may not"):
        world.apply(incident)
    assert world.history.ref("refs/hotfix/OPS-1/candidate-1") is None


def test_an_irreversible_change_needs_to_be_accepted(world: World) -> None:
    patch = a_patch(world, **{"migrations/0001.sql": "drop table prices;\n"})
    incident = world.open(failing_request="/x", patch=patch)
    fix = world.apply(incident)
    assert fix.candidate.kind is CandidateKind.REVERT, "the next candidate is tried"
    assert "cannot be rolled back" in fix.rejected[0]
    accepted = incident.model_copy(update={"irreversible_change_accepted": True, "attempt": 2})
    assert world.apply(accepted).candidate.kind is CandidateKind.OPERATOR_PATCH


def test_a_candidate_that_does_not_help_is_followed_by_the_next(world: World) -> None:
    useless = a_ref(world, f"{BAD_PRICING}\n# Looks better now.\n")
    incident = world.open(failing_request="/x", patch=world.history.patch(world.production, useless))
    fix = world.apply(incident)
    assert fix.candidate.kind is CandidateKind.REVERT
    assert "the reproducer still fails" in fix.rejected[0]


def test_a_candidate_that_cannot_be_tested_is_not_proved(world: World, incident: Incident) -> None:
    first = world.apply(incident)
    world.history.remove(first.ref)
    world.runner.signatures = {world.production: FAILURE, first.commit: "SyntaxError: invalid syntax"}
    with pytest.raises(NoUsableFix, match="SyntaxError"):
        world.apply(incident)


def test_a_patch_that_does_not_apply_is_followed_by_the_next(world: World) -> None:
    patch = a_patch(world).replace("max((TIERS", "min((TIERS")
    fix = world.apply(world.open(failing_request="/x", patch=patch))
    assert fix.candidate.kind is CandidateKind.REVERT
    assert "does not apply" in fix.rejected[0]


def test_a_revert_that_conflicts_is_no_fix(world: World, incident: Incident) -> None:
    rewritten = BAD_PRICING.replace("TIERS[quantity]", "TIERS[quantity] + 0 * quantity")
    newer = world.push_production("Rewrite", **{"shop/pricing.py": rewritten})
    moved = incident.model_copy(update={"production": newer})
    with pytest.raises(NoUsableFix, match="does not apply"):
        world.apply(moved)
    assert world.history.ref("refs/hotfix/OPS-1/candidate-1") is None


def test_a_fix_that_production_has_already_is_no_fix(world: World, incident: Incident) -> None:
    newer = world.push_production("Mended by hand", **{"shop/pricing.py": GOOD_PRICING})
    world.runner.signatures[newer] = FAILURE
    with pytest.raises(NoUsableFix, match="does not apply"):
        world.apply(incident.model_copy(update={"production": newer}))


def test_a_problem_that_is_gone_needs_no_fix(world: World, incident: Incident) -> None:
    world.runner.signatures[world.production] = ""
    with pytest.raises(CannotReproduce, match="does not fail"):
        world.apply(incident)


def test_without_a_reproducer_nothing_is_proved(world: World) -> None:
    fix = world.apply(world.open(patch=a_patch(world)))
    assert (fix.proved, fix.before, fix.after) == (False, None, None)
    assert world.runner.calls == []


def test_somebody_elses_candidate_is_not_overwritten(world: World, incident: Incident) -> None:
    world.history.move("refs/hotfix/OPS-1/candidate-1", world.commits["first"])
    with pytest.raises(RefMoved):
        world.apply(incident)
    assert world.history.ref("refs/hotfix/OPS-1/candidate-1") == world.commits["first"]


def test_a_remote_that_is_gone_is_no_reason_to_reject_a_candidate(world: World, incident: Incident) -> None:
    plan = world.plan(incident)
    world.history.path.rename(world.folder / "elsewhere")
    with pytest.raises(RemoteUnavailable) as caught:
        world.apply(incident, plan)
    assert caught.value.retryable


def test_every_rejected_candidate_is_named(world: World, incident: Incident) -> None:
    plan = world.plan(incident).model_copy(
        update={"candidates": (a_candidate("d"), a_candidate("e", commit=world.commits["first"]))}
    )
    with pytest.raises(NoUsableFix) as caught:
        world.apply(incident, plan)
    assert "revert of dddddddddd" in str(caught.value)
    assert "revert of eeeeeeeeee" in str(caught.value)
