"""Who may ship, and what silence means."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hotfix.domain.approval import Answer, ApprovalDecision, ApprovalRequest
from hotfix.domain.incident import ApprovalMode, Incident
from hotfix.domain.security import SecurityVerdict, Severity
from hotfix.domain.testing import TestVerdict
from hotfix.steps.answers import APPROVE, REJECT, why_invalid
from hotfix.steps.approval import decide, delivered, request_approval
from tests.contract.fakes.clock import FakeClock
from tests.contract.fakes.deployer import FakeDeployer
from tests.support.documents import (
    BASE,
    FIX,
    a_finding,
    a_fix,
    a_profile,
    a_security_report,
    a_test_report,
    an_incident,
)

DIFF = "--- a\n+++ b\n"


def a_request(incident: Incident | None = None, diff: str = DIFF, **changes: Any) -> ApprovalRequest:
    clock = FakeClock()
    return request_approval(
        incident or an_incident(),
        changes.get("profile", a_profile()),
        changes.get("fix", a_fix()),
        changes.get("tests", a_test_report()),
        changes.get("security", a_security_report()),
        diff,
        deployer=changes.get("deployer", FakeDeployer(BASE, clock)),
        clock=clock,
    )


def an_answer(option: str = APPROVE, user: str = "grace") -> Answer:
    return Answer(option=option, user=user, channel="Airflow", at=FakeClock().now() + timedelta(seconds=30))


def after(request: ApprovalRequest) -> Any:
    return request.deadline + timedelta(seconds=1)


# --- the request


def test_the_request_says_what_the_approver_has_to_know() -> None:
    request = a_request()
    for fact in (
        "Quotes for ten pieces fail",
        "revert of cccccccccc",
        FIX[:12],
        BASE[:12],
        "3 passed",
        "scanners found nothing new",
        "the reproducer failed before and passes now",
        "Silence for 300 s ships it",
        DIFF.strip(),
    ):
        assert fact in request.body, fact
    assert "shop" in request.subject
    assert request.commit == FIX
    assert request.deadline - request.requested_at == timedelta(seconds=300)


def test_a_long_diff_is_shown_in_part_with_the_place_of_the_rest() -> None:
    request = a_request(diff="+x\n" * 10_000)
    assert len(request.body) < 10_000
    assert "the rest is in memory:fix.diff" in request.body
    assert request.to_xcom()


def test_the_request_says_when_silence_does_not_ship() -> None:
    assert "Silence escalates instead of shipping" in a_request(fix=a_fix(proved=False)).body
    assert "Nothing ships without your yes" in a_request(an_incident(approval=ApprovalMode.REQUIRED)).body


def test_the_way_back_is_asked_of_the_deployer() -> None:
    stranger = FakeDeployer("d" * 40, FakeClock())
    request = a_request(deployer=stranger)
    assert [check.name for check in request.silence if not check.holds] == ["the rollback plan is proven"]


def test_what_the_review_found_is_in_the_request() -> None:
    finding = a_finding(severity=Severity.LOW)
    report = a_security_report(verdict=SecurityVerdict.CAUTION, why="one is carried", carried=(finding,))
    body = a_request(security=report).body
    assert "**Security:** one is carried." in body
    assert f"- {finding.summary}" in body


def test_a_request_that_reached_nobody_cannot_be_answered_by_silence() -> None:
    request = a_request()
    assert delivered(request, ("Airflow",)).silence_can_be_trusted
    unheard = delivered(request, ())
    assert not unheard.silence_can_be_trusted
    assert decide(an_incident(), unheard, (), after(request)).decision is ApprovalDecision.ESCALATED


def test_a_request_without_any_check_cannot_be_answered_by_silence() -> None:
    assert not a_request().model_copy(update={"silence": ()}).silence_can_be_trusted


# --- whose answer counts


def test_an_approver_may_approve_and_reject() -> None:
    assert why_invalid(a_request(), an_answer()) == ""
    assert why_invalid(a_request(), an_answer(REJECT)) == ""


def test_whoever_started_the_hotfix_may_stop_it_but_not_approve_it() -> None:
    assert "started the hotfix and cannot approve it" in why_invalid(a_request(), an_answer(user="ada"))
    assert why_invalid(a_request(), an_answer(REJECT, "ada")) == ""


def test_whoever_started_it_cannot_approve_it_as_one_of_the_approvers_either() -> None:
    request = a_request(an_incident(reported_by="grace"))
    assert why_invalid(request, an_answer(user="grace")) != ""
    assert why_invalid(request, an_answer(user="linus")) == ""


def test_anybody_may_stop_it_but_only_approvers_may_ship_it() -> None:
    assert "is not an approver of this service (grace, linus)" in why_invalid(a_request(), an_answer(user="eve"))
    assert why_invalid(a_request(), an_answer(REJECT, "eve")) == ""


def test_where_the_only_approver_started_it_nobody_else_becomes_one() -> None:
    request = a_request(an_incident(reported_by="grace"), profile=a_profile(approvers=("grace",)))
    assert why_invalid(request, an_answer(user="eve")) != ""


def test_where_no_approvers_are_named_any_second_person_may_approve() -> None:
    request = a_request(profile=a_profile(approvers=()))
    assert why_invalid(request, an_answer(user="eve")) == ""
    assert why_invalid(request, an_answer(user="ada")) != ""


@pytest.mark.parametrize("option", ["", "approve", "Maybe", "Approve "])
def test_an_answer_is_one_of_the_two(option: str) -> None:
    assert "is not an answer" in why_invalid(a_request(), an_answer(option))


# --- the decision


def test_a_yes_is_an_approval_of_exactly_this_commit() -> None:
    approval = decide(an_incident(), a_request(), (an_answer(user="ada"), an_answer()), after(a_request()))
    assert (approval.decision, approval.granted_by, approval.commit) == (ApprovalDecision.APPROVED, "grace", FIX)
    assert (approval.at, approval.channel) == (an_answer().at, "Airflow")
    assert approval.answers == (an_answer(),)
    assert approval.ignored_answers == ("Approve (ada started the hotfix and cannot approve it)",)
    assert not approval.needs_approval_after_the_fact


@pytest.mark.parametrize("mode", list(ApprovalMode))
def test_a_no_is_a_no_in_every_mode(mode: ApprovalMode) -> None:
    approval = decide(an_incident(approval=mode), a_request(), (an_answer(REJECT),), after(a_request()))
    assert (approval.decision, approval.granted_by) == (ApprovalDecision.REJECTED, "")
    assert approval.why == "rejected by grace"


def test_silence_approves_what_everything_speaks_for_and_is_recorded_as_silence() -> None:
    request = delivered(a_request(), ("Airflow",))
    approval = decide(an_incident(), request, (), after(request))
    assert (approval.decision, approval.granted_by, approval.channel) == (
        ApprovalDecision.APPROVED, "silence", "silence",
    )  # fmt: skip
    assert approval.needs_approval_after_the_fact


@pytest.mark.parametrize(
    "changes",
    [
        {"fix": a_fix(proved=False)},
        {"tests": a_test_report(verdict=TestVerdict.INCONCLUSIVE)},
        {"tests": a_test_report(passed=0)},
        {"profile": a_profile(policy={"forbidden_paths": ("shop/",)})},
        {"deployer": FakeDeployer(None, FakeClock())},
    ],
)
def test_silence_that_cannot_be_trusted_escalates_and_says_why(changes: dict[str, Any]) -> None:
    request = delivered(a_request(**changes), ("Airflow",))
    approval = decide(an_incident(), request, (), after(request))
    assert (approval.decision, approval.granted_by) == (ApprovalDecision.ESCALATED, "")
    assert "silence cannot be trusted: not so: " in approval.why


def test_where_a_person_is_required_silence_is_a_no() -> None:
    request = delivered(a_request(), ("Airflow",))
    approval = decide(an_incident(approval=ApprovalMode.REQUIRED), request, (), after(request))
    assert approval.decision is ApprovalDecision.ESCALATED
    assert "a person's approval is required" in approval.why


def test_where_none_is_required_the_policy_grants_it() -> None:
    approval = decide(an_incident(approval=ApprovalMode.NOT_REQUIRED), a_request(), (), after(a_request()))
    assert (approval.decision, approval.granted_by) == (ApprovalDecision.APPROVED, "policy")
    assert not approval.needs_approval_after_the_fact
