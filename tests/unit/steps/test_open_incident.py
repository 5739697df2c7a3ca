"""Opening an incident: everything checked, one record, one lock a service, and a retry changes nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hotfix.adapters.catalog import YamlCatalog
from hotfix.domain.errors import HotfixError, InvalidIncident, ServiceBusy
from hotfix.domain.incident import ApprovalMode
from hotfix.ports.bug_database import IncidentStatus
from hotfix.steps.open_incident import check_report, lock_of, release_lock
from tests.support.documents import NOW, a_profile
from tests.support.world import PATCHED_PRICING, World

LOCK = "refs/hotfix-locks/shop"


def close(world: World, run_id: str, status: IncidentStatus) -> None:
    incident = world.bug_database.incident_of_run(run_id)
    assert incident is not None
    world.bug_database.close_incident(incident, status, world.clock.now(), {})
    release_lock(incident, world.repository)


def untouched(world: World) -> bool:
    refs = world.repository.remote_refs("refs/hotfix")
    return not refs and not world.bug_database.incidents() and not world.artefacts.contents


def test_an_incident_is_recorded_and_the_service_locked(world: World) -> None:
    incident = world.open(issue="OPS-1", stack_trace="Traceback…", reproducer="assert False", suspected_paths=["shop"])
    assert (incident.id, incident.attempt, incident.reported_by) == ("OPS-1", 1, "ada")
    assert (incident.production, incident.good) == (world.production, world.commits["first"])
    assert incident.title == "Quotes for ten pieces fail with 500."
    assert world.bug_database.incident_of_run("run-1") == incident
    assert world.repository.remote_ref(LOCK) == lock_of(incident, world.repository)
    assert world.artefacts.contents == {"stack-trace.txt": "Traceback…", "reproducer.txt": "assert False"}


def test_without_an_issue_the_incident_gets_a_name_of_its_own(world: World) -> None:
    first = world.open("run-1")
    close(world, "run-1", IncidentStatus.RESOLVED)
    second = world.open("run-2")
    assert first.id.startswith("shop-")
    assert first.id != second.id


def test_the_title_is_the_first_line(world: World) -> None:
    incident = world.open(description=f"{'Quotes fail ' * 10}\nSince the last release.")
    assert len(incident.title) <= 72
    assert incident.title.startswith("Quotes fail")
    assert incident.title.endswith("…")


def test_a_retry_gets_the_same_record_and_keeps_its_lock(world: World) -> None:
    first = world.open(issue="OPS-1")
    lock = world.repository.remote_ref(LOCK)
    world.clock.sleep(30)
    world.push_production()
    assert world.open(issue="OPS-1") == first, "what production runs now is not what the run began with"
    assert world.repository.remote_ref(LOCK) == lock
    assert len(world.bug_database.incidents()) == 1


def test_a_retry_after_a_crash_before_the_lock_takes_it(world: World) -> None:
    first = world.open(issue="OPS-1")
    release_lock(first, world.repository)
    assert world.open(issue="OPS-1") == first
    assert world.repository.remote_ref(LOCK) == lock_of(first, world.repository)


def test_the_same_issue_is_not_handled_twice_at_once(world: World) -> None:
    world.open("run-1", issue="OPS-1")
    with pytest.raises(ServiceBusy, match="being handled by run run-1"):
        world.open("run-2", issue="OPS-1")
    assert len(world.bug_database.incidents()) == 1


def test_another_incident_of_the_same_service_has_to_wait(world: World) -> None:
    first = world.open("run-1", issue="OPS-1")
    before = world.clock.now()
    with pytest.raises(ServiceBusy, match=r"locked by incident OPS-1 \(run run-1\)"):
        world.open("run-2", issue="OPS-2")
    assert world.clock.now() == before, "it says so at once"
    assert world.repository.remote_ref(LOCK) == lock_of(first, world.repository)


def test_the_next_attempt_waits_for_the_one_before_and_takes_the_lock_over(world: World) -> None:
    first = world.open("run-1", issue="OPS-1")
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            close(world, "run-1", IncidentStatus.ROLLED_BACK)

    world.clock.sleep = sleep  # type: ignore[method-assign]
    second = world.open("run-2", issue="OPS-1", attempt=2, exclude_candidates=["revert:0123456789ab"])
    assert len(slept) == 3
    assert (second.id, second.attempt, second.excluded_candidates) == (first.id, 2, ("revert:0123456789ab",))
    assert world.repository.remote_ref(LOCK) == lock_of(second, world.repository)


def test_an_attempt_that_never_gives_the_lock_back_is_not_waited_for_for_ever(world: World) -> None:
    world.open("run-1", issue="OPS-1")
    before = world.clock.now()
    with pytest.raises(ServiceBusy, match="still holds the lock"):
        world.open("run-2", issue="OPS-1", attempt=2)
    assert timedelta(seconds=30) < world.clock.now() - before < timedelta(minutes=5)


@pytest.mark.parametrize("status", [IncidentStatus.ROLLED_BACK, IncidentStatus.FAILED, IncidentStatus.HANDED_OVER])
def test_an_issue_that_was_not_solved_can_be_tried_again(world: World, status: IncidentStatus) -> None:
    world.open("run-1", issue="OPS-1")
    close(world, "run-1", status)
    assert world.open("run-2", issue="OPS-1").attempt == 2


def test_a_resolved_issue_is_not_opened_again(world: World) -> None:
    world.open("run-1", issue="OPS-1")
    close(world, "run-1", IncidentStatus.RESOLVED)
    with pytest.raises(InvalidIncident, match="was resolved by run run-1"):
        world.open("run-2", issue="OPS-1")


def test_another_attempt_goes_back_to_when_the_problem_began(world: World) -> None:
    """After a rollback the deployer says that production's version is new; the incident is not."""
    first = world.open("run-1", issue="OPS-1")
    close(world, "run-1", IncidentStatus.ROLLED_BACK)
    world.deployer.deploy("f" * 40, world.folder)
    world.clock.sleep(600)
    world.deployer.restore(world.production)
    world.clock.sleep(5)
    second = world.open("run-2", issue="OPS-1", attempt=2)
    assert second.started_at <= first.started_at


def test_the_good_version_is_the_release_before_this_one(world: World) -> None:
    world.history.tag("v0", world.commits["described"], "later, but never deployed")
    assert world.open().good == world.commits["first"]


def test_without_a_release_history_the_last_tag_is_the_good_version(world: World) -> None:
    world.deployer._history = world.deployer._history[:1]
    world.history.tag("v2", world.commits["described"])
    assert world.open().good == world.commits["described"]


def test_the_good_version_can_be_named(world: World) -> None:
    assert world.open(good=world.commits["described"][:12]).good == world.commits["described"]


def test_without_any_earlier_version_there_is_no_good_one(world: World) -> None:
    world.deployer._history = world.deployer._history[:1]
    world.history.git("tag", "-d", "v1")
    assert world.open().good is None


def test_a_release_that_is_no_ancestor_is_not_the_good_one(world: World) -> None:
    orphan = world.history.commit("A rewritten past", {"other.txt": "x"}, branch="old", parents=[])
    world.repository.fetch()
    current, earlier = world.deployer._history
    world.deployer._history = [current, earlier.model_copy(update={"version": orphan}), earlier]
    assert world.open().good == world.commits["first"]


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"good": "v9"}, "good: 'v9' is not a branch, tag or commit"),
        ({"good": "main"}, "is not an earlier version of production"),
        ({"fix_ref": "no-such-branch"}, "fix_ref: 'no-such-branch' is not a branch, tag or commit"),
        (
            {"suspected_paths": ["shop/gone.py", "shop/pricing.py"]},
            "suspected_paths: shop/gone.py is not in production",
        ),
        ({"approval": "not_required"}, "does not allow not_required"),
    ],
)
def test_what_does_not_exist_is_refused_and_nothing_touched(world: World, params: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidIncident) as caught:
        world.open(**params)
    assert says in str(caught.value)
    assert untouched(world)


def test_a_profile_that_requires_approval_cannot_be_talked_out_of_it(world: World) -> None:
    world.profile = a_profile(repository=world.history.url, policy={"approval": "required"})
    with pytest.raises(InvalidIncident, match="requires an approval"):
        world.open(approval="silence_approves")
    assert world.open().approval is ApprovalMode.REQUIRED


def test_the_reporter_can_be_more_careful_than_the_profile(world: World) -> None:
    assert world.open(approval="required").approval is ApprovalMode.REQUIRED


def test_the_fix_ref_is_pinned_to_its_commit(world: World) -> None:
    fix = world.history.commit("Fix", {"shop/pricing.py": PATCHED_PRICING}, branch="fix", parents=[world.production])
    assert world.open(fix_ref="fix").fix_commit == fix


def test_production_outside_the_remote_is_refused(world: World) -> None:
    world.deployer.deploy("e" * 40, world.folder)
    with pytest.raises(HotfixError, match=r"which .* does not have"):
        world.open()
    assert untouched(world)


def test_a_production_that_cannot_be_told_is_refused(world: World) -> None:
    world.deployer._history = []
    with pytest.raises(HotfixError, match="cannot tell which version production runs"):
        world.open()
    assert untouched(world)


def test_the_problem_began_as_reported_else_with_productions_version(world: World) -> None:
    reported = world.clock.now() - timedelta(minutes=7)
    assert world.open("run-1", started_at=reported.isoformat()).started_at == reported
    close(world, "run-1", IncidentStatus.RESOLVED)
    assert world.open("run-2").started_at == world.deployer.history()[0].deployed_at
    close(world, "run-2", IncidentStatus.RESOLVED)
    current = world.deployer._history[0]
    world.deployer._history[0] = current.model_copy(update={"deployed_at": None})
    assert world.open("run-3").started_at == world.clock.now()


def test_the_lock_of_somebody_else_is_not_given_back(world: World) -> None:
    first = world.open("run-1", issue="OPS-1")
    release_lock(first.model_copy(update={"id": "OPS-2"}), world.repository)
    assert world.repository.remote_ref(LOCK) is not None
    release_lock(first, world.repository)
    release_lock(first, world.repository)
    assert world.repository.remote_ref(LOCK) is None


def test_only_services_of_the_catalog(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text("name: shop\n", encoding="utf-8")
    params = {"service": "shop", "description": "Checkout answers 500"}
    assert check_report(params, YamlCatalog(tmp_path), NOW).service == "shop"
    with pytest.raises(InvalidIncident, match=r"no service 'shoop' in the catalog \(known: shop\)"):
        check_report({**params, "service": "shoop"}, YamlCatalog(tmp_path), NOW)
