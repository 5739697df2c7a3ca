"""A language model's patch: the last candidate, bounded, and judged like anybody's."""

from __future__ import annotations

from typing import Any

import pytest

from hotfix.domain.errors import NoUsableFix
from hotfix.domain.fix import CandidateKind
from hotfix.domain.incident import Incident
from hotfix.domain.service import Policy
from hotfix.steps.advised_patch import without_secrets
from hotfix.steps.open_ends import open_ends_of
from tests.contract.fakes.advisor import FakeAdvisor
from tests.support.world import BAD_PRICING, PATCHED_PRICING, World


@pytest.fixture
def incident(world: World) -> Incident:
    """A culprit that git cannot take back any more: its line was changed since, and still fails."""
    rewritten = BAD_PRICING.replace("TIERS[quantity]", "TIERS[quantity] + 0 * quantity")
    world.commits["production"] = world.push_production("Rewrite", **{"shop/pricing.py": rewritten})
    return world.open(failing_request="/quote?qty=11", suspected_paths=["shop/stock.py"])


def a_patch(world: World, **files: str) -> str:
    changed: dict[str | bytes, Any] = {"shop/pricing.py": PATCHED_PRICING, **files}
    fix = world.history.commit("Model", changed, branch="model", parents=[world.production])
    return world.history.patch(world.production, fix)


def advise(world: World, answer: str | None) -> FakeAdvisor:
    advisor = FakeAdvisor(answer)
    world.advisor = advisor
    return advisor


def test_a_patch_that_is_proved_is_the_fix(world: World, incident: Incident) -> None:
    advise(world, a_patch(world))
    plan = world.plan(incident)
    assert plan.candidates[-1].kind is CandidateKind.MODEL_PATCH
    fix = world.apply(incident, plan)
    assert fix.candidate.kind is CandidateKind.MODEL_PATCH
    assert fix.proved
    assert world.history.show(fix.commit, "shop/pricing.py") == PATCHED_PRICING
    assert any("a language model wrote this fix" in line for line in open_ends_of(fix.candidate, world.diagnosis()))
    assert world.apply(incident, plan).commit == fix.commit


def test_a_patch_that_does_not_help_is_no_fix(world: World, incident: Incident) -> None:
    text = world.history.show(world.production, "shop/pricing.py")
    advise(world, a_patch(world, **{"shop/pricing.py": f"{text}\n# Better now.\n"}))
    with pytest.raises(NoUsableFix, match="proposed by a language model: the reproducer still fails"):
        world.apply(incident)


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"shop/new.py": "x = 1\n"}, "changes shop/new.py, which is not suspected"),
        ({"tests/test_pricing.py": "def test(): pass\n"}, "changes tests/test_pricing.py, which is not suspected"),
        ({"shop/pricing.py": PATCHED_PRICING + "# more\n" * 300}, "the limit is 200"),
    ],
)
def test_what_goes_beyond_the_suspected_files_and_the_policy_is_refused_with_the_reason(
    world: World, incident: Incident, files: dict[str, str], why: str
) -> None:
    advise(world, a_patch(world, **files))
    plan = world.plan(incident)
    assert CandidateKind.MODEL_PATCH not in [candidate.kind for candidate in plan.candidates]
    assert any("the language model's patch: " in reason and why in reason for reason in plan.refused)
    with pytest.raises(NoUsableFix, match=why):
        world.apply(incident, plan)


@pytest.mark.parametrize(
    "answer", ["I would look at the tiers.", "", "--- a/../../etc/passwd\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"]
)
def test_an_answer_that_is_no_patch_is_refused(world: World, incident: Incident, answer: str) -> None:
    advise(world, answer)
    plan = world.plan(incident)
    assert any("the language model's patch: " in reason for reason in plan.refused)
    assert CandidateKind.MODEL_PATCH not in [candidate.kind for candidate in plan.candidates]


def test_a_patch_that_does_not_apply_is_refused(world: World, incident: Incident) -> None:
    advise(world, a_patch(world).replace("default=0", "default=1"))
    assert any("does not apply" in reason for reason in world.plan(incident).refused)


def test_it_is_shown_the_suspected_source_as_it_is_in_production_and_the_policys_limits(
    world: World, incident: Incident
) -> None:
    advisor = advise(world, None)
    world.profile = world.profile.model_copy(update={"policy": Policy(max_changed_lines=30, max_changed_files=3)})
    world.plan(incident)
    ((files, failure, limits),) = advisor.asked
    assert set(files) == {"shop/pricing.py", "shop/stock.py"}
    assert "0 * quantity" in files["shop/pricing.py"]
    assert "Quotes for ten pieces fail" in failure
    assert (limits.lines, limits.files) == (30, 3)


@pytest.mark.parametrize(
    "secret",
    [
        "API_KEY = 'kd93kd03kd0e2'",
        "url = 'https://bob:hunter22@db.example.com/'",
        "-----BEGIN RSA PRIVATE KEY-----",
        "token: ghp_" + "a1" * 18,
        "key = AKIA" + "Z2" * 8,
    ],
)
def test_no_secret_is_shown(world: World, incident: Incident, secret: str) -> None:
    text = world.history.show(world.production, "shop/pricing.py")
    newer = world.push_production("A secret", **{"shop/pricing.py": f"{text}# {secret}\n"})
    advisor = advise(world, None)
    moved = incident.model_copy(update={"production": newer, "description": f"Fails with {secret} in the log."})
    world.plan(moved)
    ((files, failure, _),) = advisor.asked
    assert set(files) == {"shop/stock.py"}
    assert secret not in failure
    assert "<secret>" in failure
    assert any("may hold a secret" in line for line in world.lines)


def test_code_about_passwords_is_no_secret() -> None:
    code = "def check(password, token=None):\n    return hash_password(password) == self.password_hash\n"
    assert without_secrets(code) == code


def test_nobody_is_asked_while_something_better_is_at_hand(world: World) -> None:
    advisor = advise(world, "never")
    fix = world.history.commit("Fix", {"shop/pricing.py": PATCHED_PRICING}, branch="f", parents=[world.production])
    world.plan(world.open(failing_request="/x", fix_ref=fix))
    assert advisor.asked == []


def test_a_patch_that_failed_in_an_earlier_attempt_is_left_out(world: World, incident: Incident) -> None:
    advise(world, a_patch(world))
    advised = world.plan(incident).candidates[-1]
    again = incident.model_copy(update={"excluded_candidates": (advised.id,)})
    assert advised not in world.plan(again).candidates
