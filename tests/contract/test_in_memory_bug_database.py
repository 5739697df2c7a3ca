"""The fake keeps the contract that the real ledger keeps."""

from __future__ import annotations

import pytest

from hotfix.ports.bug_database import BugDatabase
from tests.contract.bug_database_contract import BugDatabaseContract
from tests.contract.fakes.bug_database import InMemoryBugDatabase


class TestInMemoryBugDatabase(BugDatabaseContract):
    @pytest.fixture
    def database(self) -> BugDatabase:
        return InMemoryBugDatabase()
