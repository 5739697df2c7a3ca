"""The smallest part of the culprit's revert as a candidate: what it is, what guards it, what is refused."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hotfix.domain.diagnosis import Diagnosis
from hotfix.domain.document import Sha
from hotfix.domain.errors import NoUsableFix
from hotfix.domain.fix import CandidateKind
from hotfix.domain.incident import Incident
from hotfix.domain.service import Policy
from hotfix.domain.testing import Outcome, TestCase, TestRun
from hotfix.steps.open_ends import open_ends_of
from tests.contract.fakes.test_runner import FakeTestRunner
from tests.support.documents import a_fix
from tests.support.world import FAILURE, World

SHOP = """\
import math

RATE = 5
SIZE = 10


def price(quantity):
    return quantity * RATE


def boxes(quantity):
    return math.ceil(quantity / SIZE)


def label(quantity):
    text = str(quantity)
    return text.rjust(SIZE)
"""
BAD_SHOP = (
    SHOP.replace("RATE = 5", "RATE = 6")
    .replace("quantity * RATE", "quantity / RATE")
    .replace("text.rjust(SIZE)", "text.ljust(SIZE)")
)
TEST = "from shop.cart import price\n\n\ndef test_price():\n    assert price(1)\n"
NEEDED = "quantity / RATE"


class CodeRunner(FakeTestRunner):
    """Fails as long as ``NEEDED`` is in the cart; its tests break as ``breaks`` says of the cart's text."""

    def __init__(self) -> None:
        super().__init__()
        self.breaks: dict[str, tuple[str, ...]] = {}
        self.tests = ("tests.test_cart.test_price", "tests.test_cart.test_label", "tests.test_cart.test_boxes")
        self.problem_with = ""

    def reproduce(self, checkout: Path, sha: Sha) -> Any:
        self.signatures[sha] = FAILURE if NEEDED in cart(checkout) else ""
        return super().reproduce(checkout, sha)

    def run(self, checkout: Path, tests: tuple[str, ...]) -> TestRun:
        self.calls.append(("", tests))
        text = cart(checkout)
        broken = {test for needle, some in self.breaks.items() if needle in text for test in some}
        unusable = bool(self.problem_with) and self.problem_with in text
        cases = (
            ()
            if unusable
            else tuple(
                TestCase(id=test, outcome=Outcome.FAILED if test in broken else Outcome.PASSED, seconds=0)
                for test in self.tests
            )
        )
        return TestRun(cases=cases, exit_code=0, seconds=0, output="", problem="it hangs" if unusable else "")


def cart(checkout: Path) -> str:
    return (checkout / "shop" / "cart.py").read_text(encoding="utf-8")


@pytest.fixture
def shop(world: World) -> World:
    """A culprit with three hunks of source, a test and a note; only one hunk brought the failure."""
    tree = {"shop/cart.py": SHOP, "tests/test_cart.py": TEST, "CHANGES.md": "# Changes\n"}
    world.history.commit("Sell carts", tree)
    return culprit(world)


def culprit(world: World, message: str = "Charge by the box", **files: str) -> World:
    changed = {
        "shop/cart.py": BAD_SHOP,
        "tests/test_cart.py": f"{TEST}\n\ndef test_more():\n    assert price(2)\n",
        "CHANGES.md": "# Changes\n\nBy the box.\n",
    }
    world.commits["culprit"] = world.history.commit(message, {**changed, **files})
    world.commits["production"] = world.history.commit("Restock", {"shop/stock.py": "EMPTY = 1\n"})
    world.repository.fetch()
    world.deployer.deploy(world.production, world.folder)
    world.runner = CodeRunner()
    return world


@pytest.fixture
def runner(shop: World) -> CodeRunner:
    assert isinstance(shop.runner, CodeRunner)
    return shop.runner


@pytest.fixture
def incident(shop: World) -> Incident:
    return shop.open(issue="OPS-1", failing_request="/quote?qty=11")


def kinds(world: World, incident: Incident, diagnosis: Diagnosis | None = None) -> list[CandidateKind]:
    return [candidate.kind for candidate in world.plan(incident, diagnosis).candidates]


def test_only_the_hunk_that_broke_it_goes_and_the_good_part_stays(shop: World, incident: Incident) -> None:
    plan = shop.plan(incident)
    minimal, whole = plan.candidates
    assert (minimal.kind, whole.kind) == (CandidateKind.MINIMAL_REVERT, CandidateKind.REVERT)
    assert minimal.paths == ("shop/cart.py",)
    fix = shop.apply(incident, plan)
    assert fix.candidate == minimal
    assert fix.proved
    assert shop.history.show(fix.commit, "shop/cart.py") == BAD_SHOP.replace("quantity / RATE", "quantity * RATE")
    assert shop.history.show(fix.commit, "CHANGES.md") == "# Changes\n\nBy the box.\n"
    assert fix.lines == 2
    assert "1 of 5 hunks" in minimal.description


def test_what_stays_is_written_down_for_the_follow_up(shop: World, incident: Incident, runner: CodeRunner) -> None:
    runner.breaks = {"quantity * RATE": ("tests.test_cart.test_price",)}
    diagnosis = shop.diagnosis()
    minimal = shop.plan(incident, diagnosis).candidates[0]
    lines = open_ends_of(minimal, diagnosis)
    assert any("taken back: shop/cart.py @@ -8 +8 @@" in line for line in lines)
    assert any("this stays: " in line and "shop/cart.py @@ -3 +3 @@" in line for line in lines)
    assert any("the fix breaks tests.test_cart.test_price" in line for line in lines)


def test_a_retry_gives_the_same_plan_and_the_same_fix_also_on_another_worker(shop: World, incident: Incident) -> None:
    plan = shop.plan(incident)
    fix = shop.apply(incident, plan)
    assert shop.history.ref("refs/hotfix/OPS-1/minimal-1") == plan.candidates[0].commit
    shop.repository = shop.another_worker()
    assert shop.plan(incident) == plan
    assert shop.apply(incident, plan).commit == fix.commit


def test_the_tests_guard_it_a_hunk_comes_back_when_fewer_tests_break_with_it(
    shop: World, incident: Incident, runner: CodeRunner
) -> None:
    """The smallest revert that passes the reproducer would break what the whole revert does not."""
    mixed = ("tests.test_cart.test_price", "tests.test_cart.test_label")
    # With the old formula, tests need the old alignment too.
    runner.breaks = {}
    original = runner.run

    def run(checkout: Path, tests: tuple[str, ...]) -> TestRun:
        runner.breaks = {"text.ljust": mixed} if "quantity * RATE" in cart(checkout) else {}
        return original(checkout, tests)

    runner.run = run  # type: ignore[method-assign]
    plan = shop.plan(incident)
    fix = shop.apply(incident, plan)
    assert fix.candidate.kind is CandidateKind.MINIMAL_REVERT
    text = shop.history.show(fix.commit, "shop/cart.py")
    assert "text.rjust" in text
    assert "RATE = 6" in text, "what the tests do not ask for stays"
    smallest = plan.alternatives[0]
    assert (smallest.broken, smallest.verified) == (2, False)
    assert "breaks 2 affected tests, the whole revert 0" in smallest.why_not
    chosen = [one for one in plan.alternatives if not one.why_not]
    assert [(one.broken, one.verified) for one in chosen] == [(0, True)]


def test_a_test_that_the_whole_revert_breaks_too_is_no_objection(
    shop: World, incident: Incident, runner: CodeRunner
) -> None:
    runner.breaks = {"quantity * RATE": ("tests.test_cart.test_price",)}
    plan = shop.plan(incident)
    assert plan.candidates[0].breaks == ("tests.test_cart.test_price",)
    assert shop.apply(incident, plan).lines == 2


def test_a_part_with_which_the_tests_cannot_run_is_not_verified(
    shop: World, incident: Incident, runner: CodeRunner
) -> None:
    runner.problem_with = BAD_SHOP.replace("quantity / RATE", "quantity * RATE")
    plan = shop.plan(incident)
    assert "cannot be run with it: it hangs" in plan.alternatives[0].why_not
    assert "text.rjust" in shop.history.show(shop.apply(incident, plan).commit, "shop/cart.py")


def test_without_usable_tests_the_reproducer_alone_decides_and_the_log_says_so(
    shop: World, incident: Incident, runner: CodeRunner
) -> None:
    runner.tests = ()
    assert shop.apply(incident).lines == 2
    assert any("cannot guard the revert" in line for line in shop.lines)


def test_the_runs_are_limited_and_the_largest_verified_set_is_left(shop: World, incident: Incident) -> None:
    shop.profile = shop.profile.model_copy(update={"policy": Policy(minimal_fix_runs=1)})
    plan = shop.plan(incident)
    assert "3 of 5 hunks" in plan.candidates[0].description
    assert any("the budget is spent (1 runs)" in line for line in shop.lines)


def test_every_run_is_a_line_in_the_log(shop: World, incident: Incident) -> None:
    shop.plan(incident)
    runs = [line for line in shop.lines if line.startswith("run ")]
    assert len(runs) >= 2
    assert all(" s a run" in line for line in runs)


def test_without_a_reproducer_there_is_nothing_to_make_it_smaller_against(shop: World) -> None:
    assert kinds(shop, shop.open(stack_trace="Traceback")) == [CandidateKind.REVERT]
    assert shop.runner.calls == []


def test_a_revert_of_one_hunk_is_not_offered_twice(world: World) -> None:
    assert kinds(world, world.open(failing_request="/x")) == [CandidateKind.REVERT]


def test_an_operators_fix_saves_the_search(shop: World) -> None:
    fix = shop.history.commit("Fix", {"shop/cart.py": SHOP}, branch="fix", parents=[shop.production])
    incident = shop.open(failing_request="/x", fix_ref=fix)
    assert kinds(shop, incident) == [CandidateKind.OPERATOR_REF, CandidateKind.REVERT]
    assert shop.runner.calls == []


def test_an_excluded_minimal_revert_leaves_the_whole_one(shop: World, incident: Incident) -> None:
    minimal = shop.plan(incident).candidates[0]
    again = incident.model_copy(update={"attempt": 2, "excluded_candidates": (minimal.id,)})
    assert kinds(shop, again) == [CandidateKind.REVERT]


def test_when_no_part_helps_the_reasons_are_kept(shop: World, incident: Incident, runner: CodeRunner) -> None:
    runner.reproduce = lambda checkout, sha: FakeTestRunner.reproduce(runner, checkout, sha)  # type: ignore[method-assign]
    plan = shop.plan(incident)
    assert [candidate.kind for candidate in plan.candidates] == [CandidateKind.REVERT]
    assert "the reproducer does not pass, whatever is taken back" in plan.refused[0]


# --- refusals


def refused(world: World, incident: Incident) -> str:
    with pytest.raises(NoUsableFix) as caught:
        world.plan(incident)
    return str(caught.value)


def test_a_security_fix_is_not_taken_back_unless_a_person_says_so(shop: World) -> None:
    culprit(shop, "Charge\n\nFixes CVE-2026-1234.", **{"shop/cart.py": BAD_SHOP.replace("SIZE = 10", "SIZE = 9")})
    incident = shop.open(failing_request="/x")
    assert "CVE-2026-1234" in refused(shop, incident)
    assert "revert_accepted is off" in refused(shop, incident)
    assert kinds(shop, incident.model_copy(update={"revert_accepted": True}))[-1] is CandidateKind.REVERT


def test_only_the_part_that_protects_is_refused(world: World) -> None:
    world.history.commit("Sell carts", {"shop/cart.py": SHOP, "tests/test_cart.py": TEST})
    culprit(world, **{"shop/cart.py": BAD_SHOP.replace("str(quantity)", "escape(str(quantity))")})
    plan = world.plan(world.open(failing_request="/x"))
    assert [candidate.kind for candidate in plan.candidates] == [CandidateKind.MINIMAL_REVERT]
    assert "would lose “escape(”" in plan.refused[0]


def test_a_migration_is_not_taken_back_unless_irreversible_changes_are_accepted(world: World) -> None:
    world.history.commit("Sell carts", {"shop/cart.py": SHOP, "tests/test_cart.py": TEST})
    culprit(world, **{"shop/migrations/0002.py": "add_column()\n"})
    incident = world.open(failing_request="/x", revert_accepted=True)
    assert "shop/migrations/0002.py, which cannot be rolled back" in refused(world, incident)
    accepted = incident.model_copy(update={"irreversible_change_accepted": True})
    assert CandidateKind.MINIMAL_REVERT in kinds(world, accepted)


def test_an_old_culprit_is_not_taken_back_unless_a_person_says_so(shop: World, incident: Incident) -> None:
    old = shop.repository.commit(shop.commits["culprit"])
    old = old.model_copy(update={"at": old.at - timedelta(days=366)})
    diagnosis = shop.diagnosis(culprit=old)
    with pytest.raises(NoUsableFix, match="366 days older"):
        shop.plan(incident, diagnosis)
    accepted = incident.model_copy(update={"revert_accepted": True})
    assert CandidateKind.MINIMAL_REVERT in kinds(shop, accepted, diagnosis)


def test_after_enough_reverts_in_a_day_the_next_one_needs_a_person(shop: World, incident: Incident) -> None:
    shop.profile = shop.profile.model_copy(update={"policy": Policy(max_reverts_per_day=2)})

    def reverted(number: int) -> None:
        other = incident.model_copy(update={"id": f"OLD-{number}", "run_id": f"old-{number}"})
        shop.bug_database.record(shop.bug_database.open_incident(other), a_fix())

    reverted(1)
    assert CandidateKind.MINIMAL_REVERT in kinds(shop, incident)
    reverted(2)
    assert "2 reverts of this service within a day, the limit is 2" in refused(shop, incident)
    accepted = incident.model_copy(update={"revert_accepted": True})
    assert CandidateKind.MINIMAL_REVERT in kinds(shop, accepted)
    later = incident.model_copy(update={"opened_at": incident.opened_at + timedelta(days=2)})
    assert CandidateKind.MINIMAL_REVERT in kinds(shop, later)
