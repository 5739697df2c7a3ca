"""How a run ends: escalated or tried again, judged by five criteria, written down, and followed up."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from hotfix.domain.approval import ApprovalDecision
from hotfix.domain.assessment import Decision
from hotfix.domain.document import Document
from hotfix.domain.errors import HotfixError
from hotfix.domain.follow_up import FollowUpKind
from hotfix.domain.incident import Incident
from hotfix.domain.outcome import Ending, RunOutcome
from hotfix.domain.security import SecurityVerdict, Severity
from hotfix.domain.stability import StabilityVerdict
from hotfix.domain.testing import TestVerdict
from hotfix.ports.bug_database import Event, IncidentStatus
from hotfix.steps.close_run import close_run
from hotfix.steps.escalate import escalate, next_candidate
from hotfix.steps.follow_up_items import follow_up_items
from hotfix.steps.open_follow_up_pr import open_follow_up_pr
from hotfix.steps.open_incident import lock_of
from hotfix.steps.record import read_record
from hotfix.steps.respond_to_incident import escalation_text, open_incident_issue
from hotfix.steps.update_bug_database import update_bug_database
from hotfix.steps.what_went_wrong import what_went_wrong
from hotfix.steps.write_post_mortem import write_post_mortem
from tests.support.documents import (
    BASE,
    FIX,
    a_candidate,
    a_deployment,
    a_diagnosis,
    a_finding,
    a_fix,
    a_follow_up,
    a_live_check,
    a_plan,
    a_post_mortem,
    a_profile,
    a_push,
    a_rollback_report,
    a_security_report,
    a_stability_report,
    a_test_report,
    an_approval,
    an_artefact,
    an_assessment,
)
from tests.support.world import World


@pytest.fixture
def incident(world: World) -> Incident:
    return world.open(issue="OPS-1", failing_request="/quote?qty=11")


def write_down(world: World, incident: Incident, *documents: Document) -> None:
    for document in documents:
        world.bug_database.record(incident, document)


def note(world: World, incident: Incident, step: str, what: str) -> None:
    world.clock.sleep(1)
    event = Event(at=world.clock.now(), step=step, what=what, key=f"{step}/{what}")
    world.bug_database.note(incident, event)


def shipped(**changes: Document) -> tuple[Document, ...]:
    """Every document of a hotfix that worked; ``changes`` by the names of the record."""
    documents: dict[str, Document] = {
        "assessment": an_assessment(),
        "diagnosis": a_diagnosis(),
        "plan": a_plan(),
        "fix": a_fix(),
        "tests": a_test_report(),
        "security": a_security_report(),
        "approval": an_approval(),
        "push": a_push(),
        "deployment": a_deployment(),
        "live": a_live_check(),
        "stability": a_stability_report(),
        "post_mortem": a_post_mortem(),
        "follow_up": a_follow_up(),
    }
    return tuple({**documents, **changes}.values())


def without(documents: tuple[Document, ...], *kinds: type[Document]) -> tuple[Document, ...]:
    left = tuple(document for document in documents if not isinstance(document, kinds))
    assert len(left) == len(documents) - len(kinds)
    return left


# --- closing the run


def close(world: World, incident: Incident) -> RunOutcome:
    return close_run(incident, repository=world.repository, bug_database=world.bug_database, clock=world.clock)


def status(world: World) -> IncidentStatus:
    return world.bug_database.attempts("OPS-1")[-1].status


def test_a_hotfix_that_worked_meets_five_criteria(world: World, incident: Incident) -> None:
    write_down(world, incident, *shipped())
    outcome = close(world, incident)
    assert (outcome.ending, outcome.succeeded, status(world)) == (Ending.FIXED, True, IncidentStatus.RESOLVED)
    assert len(outcome.criteria) == 5
    assert all(check.holds and check.detail for check in outcome.criteria)
    assert "fixed in production by revert of cccccccccc" in outcome.summary


@pytest.mark.parametrize(
    ("changes", "criterion"),
    [
        ({"stability": a_stability_report(StabilityVerdict.INCONCLUSIVE)}, "the problem is gone"),
        ({"stability": a_stability_report(StabilityVerdict.UNSTABLE)}, "the problem is gone"),
        ({"tests": a_test_report(verdict=TestVerdict.INCONCLUSIVE)}, "the critical tests pass"),
        ({"security": a_security_report(verdict=SecurityVerdict.INCONCLUSIVE)}, "the security review"),
        ({"security": a_security_report(verdict=SecurityVerdict.BLOCK)}, "the security review"),
        ({"approval": an_approval(decision=ApprovalDecision.ESCALATED)}, "exactly the approved commit"),
        ({"live": a_live_check(version=BASE)}, "exactly the approved commit"),
        ({"approval": an_approval(commit=BASE)}, "exactly the approved commit"),
    ],
)
def test_each_criterion_can_fail_a_run(
    world: World, incident: Incident, changes: dict[str, Document], criterion: str
) -> None:
    write_down(world, incident, *shipped(**changes))
    outcome = close(world, incident)
    assert not outcome.succeeded
    assert criterion in next(check.name for check in outcome.criteria if not check.holds)
    assert status(world) is not IncidentStatus.RESOLVED


def test_an_empty_record_meets_none(world: World, incident: Incident) -> None:
    outcome = close(world, incident)
    assert (outcome.ending, status(world)) == (Ending.FAILED, IncidentStatus.FAILED)
    assert not any(check.holds for check in outcome.criteria)
    assert all(check.detail for check in outcome.criteria)


@pytest.mark.parametrize("missing", [type(a_post_mortem()), type(a_follow_up())])
def test_a_fix_that_is_not_on_record_is_fixed_but_no_success(
    world: World, incident: Incident, missing: type[Document]
) -> None:
    write_down(world, incident, *without(shipped(), missing))
    outcome = close(world, incident)
    assert (outcome.ending, outcome.succeeded) == (Ending.FIXED_RECORD_INCOMPLETE, False)
    assert status(world) is IncidentStatus.RESOLVED, "production is fixed all the same"
    assert "something is missing" in outcome.summary


def test_what_was_no_emergency_is_handed_over(world: World, incident: Incident) -> None:
    write_down(world, incident, an_assessment(Decision.STANDARD))
    note(world, incident, "hand_over_to_standard_fix", "finished: starts standard_bug_fix / OPS-1__1")
    outcome = close(world, incident)
    assert (outcome.ending, outcome.succeeded) == (Ending.HANDED_OVER, True)
    assert status(world) is IncidentStatus.HANDED_OVER
    assert "standard bug fix" in outcome.summary


def test_a_hand_over_that_failed_is_no_success(world: World, incident: Incident) -> None:
    """Otherwise the run is green, and nobody has the bug."""
    write_down(world, incident, an_assessment(Decision.STANDARD))
    note(world, incident, "hand_over_to_standard_fix", "failed: DagIsPaused: standard_bug_fix is paused")
    assert not close(world, incident).succeeded


def test_a_verified_rollback_is_rolled_back_and_no_success(world: World, incident: Incident) -> None:
    documents = without(shipped(tests=a_test_report(verdict=TestVerdict.FAILED)), type(a_stability_report()))
    write_down(world, incident, *documents, a_rollback_report())
    outcome = close(world, incident)
    assert (outcome.ending, outcome.succeeded) == (Ending.ROLLED_BACK, False)
    assert status(world) is IncidentStatus.ROLLED_BACK
    assert "production and git were put back" in outcome.summary


def test_a_rollback_that_is_not_verified_is_a_failure_in_capitals(world: World, incident: Incident) -> None:
    write_down(world, incident, an_assessment(), a_fix(), a_push())
    note(world, incident, "verify_rollback", "failed: THE ROLLBACK IS NOT COMPLETE")
    outcome = close(world, incident)
    assert outcome.ending is Ending.FAILED
    assert "FAILED and the rollback is not verified" in outcome.summary
    assert "THE ROLLBACK IS NOT COMPLETE" in outcome.summary


def test_without_an_incident_nothing_was_begun(world: World) -> None:
    outcome = close_run(None, repository=None, bug_database=world.bug_database, clock=world.clock)
    assert (outcome.ending, outcome.succeeded, outcome.criteria) == (Ending.NOT_STARTED, False, ())


def test_the_lock_is_given_back_and_somebody_elses_is_not(world: World, incident: Incident) -> None:
    assert world.history.ref(incident.lock_ref) == lock_of(incident, world.repository)
    close(world, incident)
    assert world.history.ref(incident.lock_ref) is None
    world.history.move(incident.lock_ref, world.commits["first"])
    close(world, incident)
    assert world.history.ref(incident.lock_ref) == world.commits["first"]


def test_the_facts_that_one_searches_for_are_on_the_row(world: World, incident: Incident) -> None:
    write_down(world, incident, *shipped())
    close(world, incident)
    facts = world.bug_database.attempts("OPS-1")[-1].facts
    assert facts["culprit"] == "c" * 40
    assert (facts["culprit_proved"], facts["fix"], facts["deployed"]) == ("yes", FIX, FIX)
    assert facts["approval"] == "approved by grace"
    assert "why_not" not in facts


# --- what went wrong


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (a_stability_report(StabilityVerdict.UNSTABLE, why="too slow"), r"not stable .*\(unstable\): too slow"),
        (an_approval(decision=ApprovalDecision.REJECTED, why="rejected by grace"), "not approved: rejected by grace"),
        (a_security_report(verdict=SecurityVerdict.BLOCK, why="eval"), "security review .*: eval"),
        (a_security_report(verdict=SecurityVerdict.INCONCLUSIVE, why="no bandit"), "security review .*: no bandit"),
        (a_test_report(verdict=TestVerdict.FAILED, why="2 broken"), "critical tests .*: 2 broken"),
        (a_test_report(verdict=TestVerdict.INCONCLUSIVE, why="none ran"), "critical tests .*: none ran"),
    ],
)
def test_what_went_wrong_is_the_first_gate_that_stayed_closed(
    world: World, incident: Incident, document: Document, says: str
) -> None:
    write_down(world, incident, document)
    note(world, incident, "verify_rollback", "failed: later")
    assert re.search(says, what_went_wrong(read_record(incident, world.bug_database)))


def test_otherwise_it_is_the_first_step_that_failed_and_never_finished(world: World, incident: Incident) -> None:
    note(world, incident, "find_root_cause", "failed: the remote was gone")
    note(world, incident, "find_root_cause", "finished")
    note(world, incident, "apply_fix", "failed: No candidate fix can be used")
    note(world, incident, "escalate", "failed: too")
    record = read_record(incident, world.bug_database)
    assert what_went_wrong(record) == "apply_fix failed: No candidate fix can be used"


def test_nothing_went_wrong_with_a_hotfix_that_worked(world: World, incident: Incident) -> None:
    write_down(world, incident, *shipped())
    assert what_went_wrong(read_record(incident, world.bug_database)) == ""


# --- escalation and the next candidate


def tests_failed(world: World, incident: Incident, **changes: Document) -> None:
    documents: dict[str, Document] = {
        "plan": a_plan(a_candidate("c"), a_candidate("d")),
        "fix": a_fix(candidate=a_candidate("c")),
        "tests": a_test_report(verdict=TestVerdict.FAILED),
        "rollback": a_rollback_report(),
    }
    write_down(world, incident, *{**documents, **changes}.values())


def test_when_the_tests_fail_the_next_candidate_is_tried_once(world: World, incident: Incident) -> None:
    tests_failed(world, incident)
    assert next_candidate(incident, world.bug_database) == (a_candidate("c").id,)
    second = world.bug_database.open_incident(
        incident.model_copy(update={"attempt": 2, "run_id": "run-2", "excluded_candidates": (a_candidate("c").id,)})
    )
    tests_failed(world, second, fix=a_fix(candidate=a_candidate("d")))
    assert next_candidate(second, world.bug_database) is None, "twice is enough"


@pytest.mark.parametrize(
    "changes",
    [
        {"plan": a_plan(a_candidate("c"))},
        {"tests": a_test_report()},
        {"tests": a_test_report(verdict=TestVerdict.INCONCLUSIVE)},
        {"rollback": a_rollback_report(verified=False)},
    ],
    ids=["no other candidate", "tests passed", "tests said nothing", "rollback not verified"],
)
def test_otherwise_people_take_over(world: World, incident: Incident, changes: dict[str, Document]) -> None:
    tests_failed(world, incident, **changes)
    assert next_candidate(incident, world.bug_database) is None


def test_a_run_that_never_got_that_far_has_no_next_candidate(world: World, incident: Incident) -> None:
    assert next_candidate(incident, world.bug_database) is None


def escalation(world: World, incident: Incident, **profile: Any):  # type: ignore[no-untyped-def]
    return escalate(incident, a_profile(**profile), deployer=world.deployer, bug_database=world.bug_database)


def test_an_escalation_says_what_was_tried_and_what_comes_next(world: World, incident: Incident) -> None:
    write_down(world, incident, *without(shipped(stability=a_stability_report(StabilityVerdict.UNSTABLE))[:11]))
    told = escalation(world, incident)
    assert told == escalation(world, incident)
    assert told.run_id == "OPS-1__1"
    assert "not stable" in told.reason
    assert told.commander == "the incident commander"
    for word in (
        "assessed as emergency",
        "root cause: ",
        "fix: ",
        "tests: passed",
        "security: clear",
        "production: unst",
    ):
        assert any(line.startswith(word) for line in told.attempted), word
    assert any(world.commits["first"][:12] in line for line in told.rollback_candidates)
    assert any("refs/hotfix/OPS-1/candidate-1" in option for option in told.next_options)


def test_an_escalation_of_a_run_that_found_nothing(world: World, incident: Incident) -> None:
    note(world, incident, "find_root_cause", "failed: There is no earlier version")
    told = escalation(world, incident, commander="", owners=())
    assert "There is no earlier version" in told.reason
    assert told.attempted == ("root cause: not found",)
    assert any("failing request" in option for option in told.next_options)
    assert "nobody is named" in told.commander


def test_the_hotfix_that_was_just_rolled_back_is_no_release_to_go_back_to(world: World, incident: Incident) -> None:
    deployer = world.deployer
    deployer.deploy(FIX, world.folder)
    deployer.restore(world.production)
    write_down(world, incident, a_fix(), a_push(), a_deployment(), a_rollback_report())
    told = escalation(world, incident)
    assert any(world.commits["first"][:12] in line for line in told.rollback_candidates)
    assert not any(FIX[:12] in line for line in told.rollback_candidates)
    assert world.commits["first"][:12] in told.next_options[0]


def test_the_incidents_issue_holds_it_all_and_there_is_one(world: World, incident: Incident) -> None:
    told = escalation(world, incident)
    first = open_incident_issue(incident, told, code_host=world.code_host)
    assert open_incident_issue(incident, told, code_host=world.code_host) == first
    (issue,) = world.bug_database.issues.values()
    assert issue[1] == escalation_text(incident, told)
    for word in (incident.title, told.reason, told.commander, *told.next_options):
        assert word in issue[1]


# --- follow-up


def kinds(world: World, incident: Incident) -> dict[FollowUpKind, timedelta]:
    items = follow_up_items(read_record(incident, world.bug_database))
    return {item.kind: item.due_at - incident.opened_at for item in items}


DAY, WEEK = timedelta(days=1), timedelta(days=7)
ALWAYS = {
    FollowUpKind.CODE_REVIEW: DAY,
    FollowUpKind.FULL_TEST_SUITE: DAY,
    FollowUpKind.FULL_FIX: WEEK,
    FollowUpKind.REPRODUCER_TEST: WEEK,
}


def test_what_was_skipped_in_the_hurry_is_owed(world: World, incident: Incident) -> None:
    write_down(world, incident, *shipped())
    assert kinds(world, incident) == ALWAYS


def test_a_silent_approval_is_to_be_approved_after_the_fact(world: World, incident: Incident) -> None:
    write_down(world, incident, *shipped(approval=an_approval(granted_by="silence")))
    assert kinds(world, incident) == {**ALWAYS, FollowUpKind.APPROVE_AFTER_THE_FACT: DAY}


def test_findings_that_did_not_block_are_owed(world: World, incident: Incident) -> None:
    carried = a_security_report(verdict=SecurityVerdict.CAUTION, carried=(a_finding(severity=Severity.LOW),))
    write_down(world, incident, *shipped(security=carried))
    assert kinds(world, incident) == {**ALWAYS, FollowUpKind.SECURITY_FINDINGS: WEEK}


def test_after_a_hotfix_that_did_not_work_the_fix_itself_is_owed(world: World, incident: Incident) -> None:
    write_down(world, incident, *shipped(stability=a_stability_report(StabilityVerdict.UNSTABLE)))
    assert kinds(world, incident) == {FollowUpKind.FULL_FIX: DAY, FollowUpKind.REPRODUCER_TEST: WEEK}


def test_without_a_reproducer_none_is_owed(world: World) -> None:
    incident = world.open("run-2")
    write_down(world, incident, *shipped())
    assert kinds(world, incident).keys() == ALWAYS.keys() - {FollowUpKind.REPRODUCER_TEST}


def test_a_run_that_was_not_begun_owes_nothing(world: World, incident: Incident) -> None:
    assert kinds(world, incident) == {}


def test_the_bug_record(world: World, incident: Incident) -> None:
    write_down(world, incident, *shipped())
    record = update_bug_database(incident, bug_database=world.bug_database, clock=world.clock)
    assert (record.status, record.rows, status(world)) == ("resolved", 5, IncidentStatus.RESOLVED)
    assert {item.kind for _, item in world.bug_database.owed("OPS-1")} == set(ALWAYS)


def test_due_times_are_set_once(world: World, incident: Incident) -> None:
    write_down(world, incident, *shipped())
    update_bug_database(incident, bug_database=world.bug_database, clock=world.clock)
    first = world.bug_database.owed("OPS-1")
    world.clock.sleep(3600)
    update_bug_database(incident, bug_database=world.bug_database, clock=world.clock)
    assert world.bug_database.owed("OPS-1") == first


# --- the post-mortem and the pull request


def post_mortem(world: World, incident: Incident) -> str:
    document = write_post_mortem(
        incident, bug_database=world.bug_database, artefacts=world.artefacts, clock=world.clock
    )
    assert document.document.name == "post-mortem.md"
    return world.artefacts.contents["post-mortem.md"]


def test_the_post_mortem_tells_the_whole_story(world: World, incident: Incident) -> None:
    world.artefacts.put("fix.diff", "-TIERS[quantity]\n+TIERS[tier]\n")
    write_down(world, incident, *shipped(approval=an_approval(granted_by="silence", why="nobody answered for 300 s")))
    note(world, incident, "deploy", "finished")
    text = post_mortem(world, incident)
    for section in (
        "Summary", "Impact", "Root cause", "Resolution", "Evidence", "Release", "Timeline", "Follow-up actions",
    ):  # fmt: skip
        assert f"## {section}\n" in text, section
    for fact in (
        incident.title, incident.description, "OPS-1, attempt 1", "ada", "c" * 40, "**proved**", FIX, BASE,
        "+TIERS[tier]", "TypeError: no tier", "3 passed", "scanners found nothing new", "nobody answered for 300 s",
        "| during | 500 | 100 | 20.00% | 30 ms |", "| deploy | finished |", "Approve the hotfix that silence approved",
    ):  # fmt: skip
        assert fact in text, fact
    assert "## Rollback" not in text


def test_the_post_mortem_links_the_picture_of_the_error_rate(world: World, incident: Incident) -> None:
    world.artefacts.put("fix.diff", "-TIERS[quantity]\n+TIERS[tier]\n")
    write_down(world, incident, *shipped(stability=a_stability_report(plot=an_artefact("error-rate.svg"))))
    assert "[error-rate.svg](error-rate.svg) (`memory:error-rate.svg`)" in post_mortem(world, incident)


def test_the_post_mortem_of_a_run_that_was_rolled_back(world: World, incident: Incident) -> None:
    write_down(world, incident, an_assessment(), a_rollback_report())
    note(world, incident, "find_root_cause", "failed: There is no earlier version")
    text = post_mortem(world, incident)
    for fact in (
        "not fixed", "There is no earlier version", "The analysis did not finish", "No fix was made",
        "Nothing was deployed", "## Rollback", "yes: all is back", "Fix the problem: this hotfix did not",
    ):  # fmt: skip
        assert fact in text, fact


def test_the_post_mortem_of_an_incident_about_which_nothing_is_known(world: World, incident: Incident) -> None:
    assert "the run did not get that far" in post_mortem(world, incident)


def test_words_of_others_do_not_break_its_tables(world: World, incident: Incident) -> None:
    note(world, incident, "apply_fix", "failed: a | b\nc | d")
    row = next(line for line in post_mortem(world, incident).splitlines() if "apply_fix" in line and "|" in line[:1])
    assert "a \\| b c \\| d" in row


def follow_up(world: World, incident: Incident):  # type: ignore[no-untyped-def]
    return open_follow_up_pr(
        incident,
        world.profile,
        repository=world.repository,
        code_host=world.code_host,
        bug_database=world.bug_database,
        artefacts=world.artefacts,
    )


def test_the_follow_up_is_a_draft_at_the_shipped_commit_with_a_checklist(world: World, incident: Incident) -> None:
    world.artefacts.put("post-mortem.md", "# Post-mortem: Quotes fail")
    shipped_commit = world.production
    write_down(world, incident, *shipped(push=a_push(commit=shipped_commit)))
    update_bug_database(incident, bug_database=world.bug_database, clock=world.clock)
    opened = follow_up(world, incident)
    assert (opened.pull_request.head, opened.pull_request.draft) == (shipped_commit, True)
    assert len(opened.items) == 4
    assert world.history.ref("refs/heads/follow-up/OPS-1") == shipped_commit
    stored = world.bug_database.pull_request("OPS-1", "follow-up/OPS-1")
    assert stored is not None
    for fact in ("- [ ] Review the hotfix", "full test suite", "bring its good part in again", "# Post-mortem"):
        assert fact in stored[1]


def test_what_the_review_found_goes_into_the_post_mortem_and_with_it_into_the_follow_up(
    world: World, incident: Incident
) -> None:
    world.artefacts.put("fix.diff", "-a\n+b\n")
    finding = a_finding(severity=Severity.LOW)
    report = a_security_report(verdict=SecurityVerdict.CAUTION, why="one is carried", carried=(finding,))
    write_down(world, incident, *shipped(security=report, push=a_push(commit=world.production)))
    text = post_mortem(world, incident)
    assert f"  - {finding.summary}" in text
    assert "Security review: **caution**; one is carried" in text
    world.artefacts.put("post-mortem.md", text)
    update_bug_database(incident, bug_database=world.bug_database, clock=world.clock)
    follow_up(world, incident)
    stored = world.bug_database.pull_request("OPS-1", "follow-up/OPS-1")
    assert stored is not None
    assert finding.summary in stored[1]


def test_work_on_the_follow_up_is_not_pushed_over(world: World, incident: Incident) -> None:
    world.artefacts.put("post-mortem.md", "")
    write_down(world, incident, *shipped(push=a_push(commit=world.production)))
    first = follow_up(world, incident)
    theirs = world.history.commit("The proper fix", {"a.txt": "x"}, branch="follow-up/OPS-1")
    assert follow_up(world, incident) == first
    assert world.history.ref("refs/heads/follow-up/OPS-1") == theirs


def test_without_a_push_there_is_nothing_to_follow_up(world: World, incident: Incident) -> None:
    with pytest.raises(HotfixError, match="no pushed hotfix"):
        follow_up(world, incident)
