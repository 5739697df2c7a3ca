"""A service without a code host still gets its pull request and its issue, as records."""

from __future__ import annotations

import pytest

from hotfix.adapters.local_code_host import LocalCodeHost
from hotfix.ports.code_host import CodeHost
from tests.contract.bug_database_contract import SHA, an_incident
from tests.contract.fakes.bug_database import InMemoryBugDatabase

BRANCH = "hotfix/INC-1"


@pytest.fixture
def database() -> InMemoryBugDatabase:
    database = InMemoryBugDatabase()
    database.open_incident(an_incident())
    return database


@pytest.fixture
def code_host(database: InMemoryBugDatabase) -> CodeHost:
    return LocalCodeHost(database)


def test_no_pull_request_until_one_is_opened(code_host: CodeHost) -> None:
    assert code_host.pull_for(an_incident(), BRANCH) is None


def test_an_opened_pull_request_is_a_draft_that_can_be_found(
    code_host: CodeHost, database: InMemoryBugDatabase
) -> None:
    pull = code_host.open_pull(an_incident(), BRANCH, SHA, "Fix it", "why and how")
    assert (pull.draft, pull.head, pull.url) == (True, SHA, f"bug-database:pull-requests/INC-1/{BRANCH}")
    assert code_host.pull_for(an_incident(), BRANCH) == pull
    assert database.pull_request("INC-1", BRANCH) == (pull, "why and how")


def test_opening_again_brings_the_one_record_up_to_date(code_host: CodeHost) -> None:
    first = code_host.open_pull(an_incident(), BRANCH, SHA, "Fix it", "why")
    second = code_host.open_pull(an_incident(), BRANCH, "b" * 40, "Fix it", "why")
    assert second.url == first.url
    assert code_host.pull_for(an_incident(), BRANCH) == second


def test_an_issue_has_one_address(code_host: CodeHost, database: InMemoryBugDatabase) -> None:
    first = code_host.open_issue(an_incident(), "Down", "it is down", ("emergency",))
    again = code_host.open_issue(an_incident(), "Down", "it was down", ("emergency",))
    assert first == again == "bug-database:issues/INC-1"
    assert database.issues == {"INC-1": ("Down", "it was down", ("emergency",))}
