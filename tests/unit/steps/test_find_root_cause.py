"""The culprit is proved with the reproducer, ranked without one, and never made up."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from hotfix.analysis import endpoints
from hotfix.domain.diagnosis import Diagnosis, ReproducerRun, Verdict
from hotfix.domain.document import Sha
from hotfix.domain.errors import CannotReproduce, CulpritNotFound
from hotfix.domain.execution import Observation
from hotfix.domain.incident import Incident
from hotfix.steps.find_root_cause import find_root_cause
from tests.contract.fakes.test_runner import FakeTestRunner
from tests.support.world import BAD_PRICING, FAILURE, PATCHED_PRICING, ReadingTestRunner, World

REQUEST = "/quote?qty=11"
TRACE = 'Traceback (most recent call last):\n  File "/srv/shop/shop/pricing.py", line 5, in discount\nKeyError: 11\n'


def find(world: World, incident: Incident) -> Diagnosis:
    return find_root_cause(
        incident,
        world.profile,
        repository=world.repository,
        runner=world.runner,
        artefacts=world.artefacts,
        progress=world.progress,
    )


def the_patch(world: World) -> str:
    fix = world.history.commit("Fix", {"shop/pricing.py": PATCHED_PRICING}, branch="fix", parents=[world.production])
    return world.history.patch(world.production, fix)


def test_with_a_reproducer_the_culprit_is_proved(world: World) -> None:
    diagnosis = find(world, world.open(failing_request=REQUEST))
    assert diagnosis.culprit is not None
    assert diagnosis.culprit.sha == world.commits["culprit"]
    assert diagnosis.proved
    assert (diagnosis.bad, diagnosis.good) == (world.production, world.commits["first"])
    assert (diagnosis.signature, diagnosis.commits_in_range) == (FAILURE, 3)
    verdicts = {run.sha: run.verdict for run in diagnosis.runs}
    assert verdicts[world.commits["culprit"]] is Verdict.SAME_FAILURE
    assert verdicts[world.commits["described"]] is Verdict.GOOD, "its parent was seen to pass"
    assert diagnosis.culprit.subject in diagnosis.summary
    assert world.lines, "somebody watches the log"


def test_every_run_is_on_a_checkout_that_is_gone_afterwards(world: World) -> None:
    find(world, world.open(failing_request=REQUEST))
    assert list((world.folder / "mirrors" / "worktrees").iterdir()) == []


def test_without_a_reproducer_the_suspects_are_ranked_and_called_so(world: World) -> None:
    diagnosis = find(world, world.open(stack_trace=TRACE))
    assert diagnosis.culprit is not None
    assert diagnosis.culprit.sha == world.commits["culprit"]
    assert not diagnosis.proved
    assert diagnosis.summary.startswith("a ranking, not a proof")
    assert len(diagnosis.suspects) == 3
    assert diagnosis.runs == ()
    assert world.runner.calls == []


def test_without_frames_the_error_text_leads_to_who_wrote_it(world: World) -> None:
    raising = BAD_PRICING.replace(
        "return max", '_ = quantity > 10 and fail(f"no tier for {quantity} pieces")\n    return max'
    )
    culprit = world.push_production("Refuse large orders", **{"shop/pricing.py": raising})
    world.push_production("Restock again")
    for run, report in enumerate(
        ({"stack_trace": "ValueError: no tier for 11 pieces"}, {"description": "It says “no tier for 11 pieces”."})
    ):
        incident = world.open(run_id=f"run-{run}", good=world.commits["first"], **report)
        diagnosis = find(world, incident)
        assert diagnosis.culprit is not None
        assert diagnosis.culprit.sha == culprit
        assert not diagnosis.proved
        world.repository.delete(incident.lock_ref, world.repository.remote_ref(incident.lock_ref) or "")


def test_without_anything_that_points_somewhere_nobody_is_accused(world: World) -> None:
    with pytest.raises(CulpritNotFound, match="no stack trace, error text or path points to a commit"):
        find(world, world.open())


def test_a_reproducer_that_passes_on_production_shows_nothing(world: World) -> None:
    world.runner.signatures[world.production] = ""
    with pytest.raises(CannotReproduce, match=r"passes on the bad version .*4 of 4 runs"):
        find(world, world.open(failing_request=REQUEST))
    assert world.runner.calls.count((world.production, ())) == 4, "one answer may be a flaky one"


def test_a_reproducer_that_fails_on_the_good_version_shows_nothing(world: World) -> None:
    world.runner.signatures[world.commits["first"]] = FAILURE
    with pytest.raises(CannotReproduce, match=r"fails on the good version .* too"):
        find(world, world.open(failing_request=REQUEST))


def test_production_is_watched_once_where_it_fails_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "REPEATS", 0)
    watched = []

    class Watching(ReadingTestRunner):
        def observe(self, checkout: Path, sha: Sha) -> Observation:
            watched.append(sha)
            return super().observe(checkout, sha)

    world.runner = Watching()
    assert find(world, world.open(failing_request=REQUEST)).proved
    assert sorted(watched) == sorted((world.production, world.commits["first"]))
    assert world.runner.calls.count((world.production, ())) == 1


class Scripted(ReadingTestRunner):
    """Answers on one commit as ``answers`` say, one after the other, and then as its code does."""

    def __init__(self, sha: Sha, answers: list[str]) -> None:
        super().__init__()
        self._sha, self._answers = sha, answers

    def reproduce(self, checkout: Path, sha: Sha) -> ReproducerRun:
        run: ReproducerRun = super().reproduce(checkout, sha)
        if sha != self._sha or not self._answers:
            return run
        signature = self._answers.pop(0)
        verdict = Verdict.OTHER_FAILURE if signature else Verdict.GOOD
        return run.model_copy(update={"verdict": verdict, "signature": signature})


@pytest.mark.parametrize("missed", range(1, endpoints.PATIENCE - 1))
def test_an_end_that_answers_the_wrong_way_is_asked_again(world: World, missed: int) -> None:
    world.runner = Scripted(world.production, [""] * missed)
    diagnosis = find(world, world.open(failing_request=REQUEST))
    assert diagnosis.culprit is not None
    assert diagnosis.culprit.sha == world.commits["culprit"]
    assert any("flaky" in line for line in world.lines), "the reader is told"


def test_a_good_version_that_fails_once_is_asked_again(world: World) -> None:
    world.runner = Scripted(world.commits["first"], [FAILURE])
    diagnosis = find(world, world.open(failing_request=REQUEST))
    assert diagnosis.culprit is not None
    assert diagnosis.culprit.sha == world.commits["culprit"]


def test_a_good_version_with_a_failure_of_its_own_is_not_searched_from(world: World) -> None:
    world.runner.signatures[world.commits["first"]] = "ImportError: no shop"
    with pytest.raises(CannotReproduce, match=r"fails on the good version .*ImportError"):
        find(world, world.open(failing_request=REQUEST))
    assert world.runner.calls.count((world.commits["first"], ())) == 1, "asking again would say the same"


class CoinFlips(ReadingTestRunner):
    """Fails by chance, whatever is checked out."""

    def __init__(self) -> None:
        super().__init__()
        self._random = Random(7)

    def reproduce(self, checkout: Path, sha: Sha) -> ReproducerRun:
        run: ReproducerRun = super().reproduce(checkout, sha)
        failed = self._random.random() < 0.5
        verdict = Verdict.OTHER_FAILURE if failed else Verdict.GOOD
        return run.model_copy(update={"verdict": verdict, "signature": FAILURE if failed else ""})


def test_a_failure_that_does_not_depend_on_the_version_accuses_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "REPEAT_SECONDS", 600)
    world.runner = CoinFlips()
    with pytest.raises(CulpritNotFound, match="flaky or environmental"):
        find(world, world.open(failing_request=REQUEST))


class Untestable(FakeTestRunner):
    def reproduce(self, checkout: Path, sha: Sha) -> ReproducerRun:
        return ReproducerRun(sha=sha, verdict=Verdict.UNTESTABLE, signature="no such command", seconds=0)


def test_a_reproducer_that_cannot_be_run_is_said_to_be_so(world: World) -> None:
    world.runner = Untestable()
    with pytest.raises(CannotReproduce, match=r"cannot be run .*no such command"):
        find(world, world.open(failing_request=REQUEST))


def test_commits_that_fail_in_another_way_are_passed_over(world: World) -> None:
    world.runner.signatures[world.commits["described"]] = "ImportError: half a refactoring"
    with pytest.raises(CulpritNotFound, match="2 commits remain"):
        find(world, world.open(failing_request=REQUEST))
    assert len(world.runner.calls) < 40, "what cannot be told apart is not run again and again"


def test_when_the_time_is_over_what_remains_is_named(world: World) -> None:
    policy = world.profile.policy.model_copy(update={"analysis_time_limit": -1})
    world.profile = world.profile.model_copy(update={"policy": policy})
    with pytest.raises(CulpritNotFound, match=r"3 commits remain .* s for the search are over"):
        find(world, world.open(failing_request=REQUEST))


def test_without_an_earlier_version_there_is_nothing_to_search(world: World) -> None:
    incident = world.open(failing_request=REQUEST).model_copy(update={"good": None})
    with pytest.raises(CulpritNotFound, match="no earlier version that was healthy"):
        find(world, incident)


def test_the_operators_own_fix_needs_no_culprit(world: World) -> None:
    world.runner.signatures[world.commits["described"]] = "ImportError: half a refactoring"
    incident = world.open(failing_request=REQUEST, patch=the_patch(world))
    assert (find(world, incident).culprit, find(world, incident).proved) == (None, False)
    assert find(world, incident).signature == FAILURE

    without_history = find(world, incident.model_copy(update={"good": None}))
    assert without_history.summary == "no earlier version to compare production with"

    world.runner.signatures[world.commits["first"]] = FAILURE
    assert "is older than" in find(world, incident).summary


def test_the_operators_own_fix_without_any_hint(world: World) -> None:
    diagnosis = find(world, world.open(patch=the_patch(world)))
    assert (diagnosis.culprit, diagnosis.summary) == (None, "not known; the operator supplied a fix")


def test_the_operators_own_fix_does_not_excuse_a_reproducer_that_passes(world: World) -> None:
    world.runner.signatures[world.production] = ""
    with pytest.raises(CannotReproduce):
        find(world, world.open(failing_request=REQUEST, patch=the_patch(world)))
