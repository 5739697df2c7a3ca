"""Which words, reactions and accounts are answers, and what they come to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hotfix.domain.approval import Answer
from hotfix.domain.service import ServiceProfile
from hotfix.ports.chat import Said
from hotfix.steps.answers import APPROVE, REJECT, answer_in, missing, settled, why_invalid
from tests.support.documents import FIX, NOW, PEOPLE, a_profile, an_approval_request

PROFILE = a_profile(identities=PEOPLE)


def after(seconds: float, user: str, option: str = APPROVE, **changes: Any) -> Answer:
    values = {"option": option, "user": user, "channel": "Slack", "at": NOW + timedelta(seconds=seconds), **changes}
    return Answer.model_validate({"account": f"U{user.upper()}", "reference": f"{user}/{seconds}", **values})


def heard(text: str, account: str = "UGRACE", profile: ServiceProfile = PROFILE) -> Answer | None:
    said = Said(account=account, text=text, id="17.1", at=NOW)
    return answer_in(said, profile, "Slack", NOW + timedelta(minutes=1))


@pytest.mark.parametrize(
    "text", [":white_check_mark:", ":heavy_check_mark:", "approve", "Approved.", " /approve ", "APPROVE!"]
)
def test_what_is_a_yes(text: str) -> None:
    answer = heard(text)
    assert answer is not None
    assert (answer.option, answer.user, answer.account, answer.reference) == (APPROVE, "grace", "UGRACE", "17.1")


@pytest.mark.parametrize(
    ("text", "remark"),
    [(":x:", ""), (":no_entry:", ""), ("reject", ""), ("Reject: it breaks tax", "it breaks tax"), ("/reject no", "no")],
)
def test_what_is_a_no_and_why(text: str, remark: str) -> None:
    answer = heard(text)
    assert answer is not None
    assert (answer.option, answer.remark) == (REJECT, remark)


@pytest.mark.parametrize(
    "text",
    [":+1:", ":eyes:", "approve if the tests pass", "I approve of this", "not approved", "shall we approve?", "yes",
     "rejecting?", "", "don't reject"],
)  # fmt: skip
def test_what_is_talk(text: str) -> None:
    assert heard(text) is None


def test_a_reaction_is_dated_to_when_it_was_seen() -> None:
    said = Said(account="UGRACE", text=":x:", id="UGRACE/:x:", at=None)
    answer = answer_in(said, PROFILE, "Slack", NOW)
    assert answer is not None
    assert answer.at == NOW


def test_an_account_that_the_profile_does_not_know_is_nobody() -> None:
    for text in ("approve", "reject"):
        stranger = heard(text, "UEVE")
        assert stranger is not None
        assert "identities know nobody who is UEVE on Slack" in why_invalid(an_approval_request(), stranger)
        assert settled(an_approval_request(), [stranger]) is None


def test_accounts_are_found_whatever_their_case() -> None:
    assert PROFILE.person("github", "grace-h") == "grace"
    assert PROFILE.person("github", "") == PROFILE.person("slack", "Grace-H") == ""


def test_one_account_is_one_person() -> None:
    with pytest.raises(ValueError, match="more than one person"):
        a_profile(identities={"grace": {"github": "gh"}, "linus": {"github": "GH"}})


def test_whoever_started_it_cannot_approve_it_on_any_channel() -> None:
    for channel in ("Airflow", "Slack", "GitHub"):
        assert settled(an_approval_request(), [after(1, "ada", channel=channel)]) is None
    assert settled(an_approval_request(), [after(1, "ada", REJECT)]) is not None, "but may stop it"


def test_the_first_valid_answer_wins() -> None:
    answers = [after(9, "linus", REJECT), after(5, "grace"), after(1, "ada")]
    found = settled(an_approval_request(), answers)
    assert found is not None
    assert (found.option, [each.user for each in found.answers]) == (APPROVE, ["grace"])
    found = settled(an_approval_request(), [after(5, "grace"), after(4, "linus", REJECT)])
    assert found is not None
    assert found.option == REJECT


def test_two_approvers_are_two_people() -> None:
    request = an_approval_request(approvals_needed=2)
    twice = [after(1, "grace"), after(2, "grace", channel="Airflow")]
    assert settled(request, twice) is None
    assert missing(request, twice) == "grace approved, and 2 people have to"
    found = settled(request, [*twice, after(3, "linus")])
    assert found is not None
    assert [each.user for each in found.answers] == ["grace", "linus"]
    found = settled(request, [*twice, after(2.5, "linus", REJECT)])
    assert found is not None
    assert found.option == REJECT


def test_a_yes_about_another_commit_is_none() -> None:
    assert "it is about bbbbbbbbbbbb" in why_invalid(an_approval_request(), after(1, "grace", commit="b" * 40))
    assert why_invalid(an_approval_request(), after(1, "grace", commit=FIX)) == ""


def test_an_edited_yes_is_none_and_an_edited_no_still_stops_it() -> None:
    assert "answer by a new comment" in why_invalid(an_approval_request(), after(1, "grace", edited=True))
    assert why_invalid(an_approval_request(), after(1, "grace", REJECT, edited=True)) == ""


def test_a_yes_after_the_end_is_none_and_a_no_still_stops_it() -> None:
    assert "after the end" in why_invalid(an_approval_request(), after(301, "grace"))
    assert why_invalid(an_approval_request(), after(301, "grace", REJECT)) == ""


def test_a_profile_that_nobody_could_satisfy_is_refused() -> None:
    with pytest.raises(ValueError, match="approvers names 1"):
        a_profile(approvers=("grace",), policy={"approvals_needed": 2})
    with pytest.raises(ValueError, match="allow_not_required"):
        a_profile(policy={"approvals_needed": 2, "allow_not_required": True})
