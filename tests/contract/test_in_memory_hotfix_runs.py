"""The fake keeps the contract that Airflow keeps."""

from __future__ import annotations

import pytest

from tests.contract.fakes.hotfix_runs import InMemoryHotfixRuns
from tests.contract.hotfix_runs_contract import HotfixRunsContract, RunsUnderTest


class TestInMemoryHotfixRuns(HotfixRunsContract):
    @pytest.fixture
    def runs(self) -> RunsUnderTest:
        return InMemoryHotfixRuns()
