"""The culprit is proved with the reproducer, ranked without one, and never made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotfix.domain.diagnosis import Diagnosis, ReproducerRun, Verdict
from hotfix.domain.document import Sha
from hotfix.domain.errors import CannotReproduce, CulpritNotFound
from hotfix.domain.incident import Incident
from hotfix.steps.find_root_cause import find_root_cause
from tests.support.world import FAILURE, PATCHED_PRICING, World

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


def test_without_anything_that_points_somewhere_nobody_is_accused(world: World) -> None:
    with pytest.raises(CulpritNotFound, match="no stack trace or path points to a commit"):
        find(world, world.open())


def test_a_reproducer_that_passes_on_production_shows_nothing(world: World) -> None:
    world.runner.signatures[world.production] = ""
    with pytest.raises(CannotReproduce, match="passes on production's version"):
        find(world, world.open(failing_request=REQUEST))


def test_a_reproducer_that_fails_on_the_good_version_shows_nothing(world: World) -> None:
    world.runner.signatures[world.commits["first"]] = FAILURE
    with pytest.raises(CannotReproduce, match=r"fails on .* too, which should be healthy"):
        find(world, world.open(failing_request=REQUEST))


class Flaky:
    """Fails in another way each time."""

    def __init__(self, signatures: list[str], verdict: Verdict = Verdict.OTHER_FAILURE) -> None:
        self._signatures = signatures
        self._verdict = verdict

    def reproduce(self, checkout: Path, sha: Sha) -> ReproducerRun:
        signature = self._signatures.pop(0)
        verdict = self._verdict if signature else Verdict.GOOD
        return ReproducerRun(sha=sha, verdict=verdict, signature=signature, seconds=0)


def test_a_failure_that_is_different_each_time_is_not_searched_for(world: World) -> None:
    world.runner = Flaky(["KeyError: 1", "KeyError: 2"])  # type: ignore[assignment]
    with pytest.raises(CannotReproduce, match="in a different way each time"):
        find(world, world.open(failing_request=REQUEST))


def test_a_failure_that_comes_and_goes_is_not_searched_for(world: World) -> None:
    world.runner = Flaky(["KeyError: 1", ""])  # type: ignore[assignment]
    with pytest.raises(CannotReproduce, match="passes on production's version"):
        find(world, world.open(failing_request=REQUEST))


def test_a_reproducer_that_cannot_be_run_is_said_to_be_so(world: World) -> None:
    world.runner = Flaky(["no such command"] * 2, Verdict.UNTESTABLE)  # type: ignore[assignment]
    with pytest.raises(CannotReproduce, match=r"cannot be run .*no such command"):
        find(world, world.open(failing_request=REQUEST))


def test_commits_that_fail_in_another_way_are_passed_over(world: World) -> None:
    world.runner.signatures[world.commits["described"]] = "ImportError: half a refactoring"
    with pytest.raises(CulpritNotFound, match="2 commits remain"):
        find(world, world.open(failing_request=REQUEST))


def test_when_the_time_is_over_what_remains_is_named(world: World) -> None:
    policy = world.profile.policy.model_copy(update={"analysis_time_limit": -1})
    world.profile = world.profile.model_copy(update={"policy": policy})
    with pytest.raises(CulpritNotFound, match=r"3 commits remain .* the time for the analysis is over"):
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
