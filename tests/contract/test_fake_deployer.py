"""The fake deployer keeps the promises that the real ones keep."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotfix.domain.document import Sha
from tests.contract.deployer_contract import BROKEN, FIRST, DeployerContract
from tests.contract.fakes.clock import FakeClock
from tests.contract.fakes.deployer import FakeDeployer


class FakeWorld:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.deployer = FakeDeployer(FIRST, FakeClock())
        self.deployer.refuses.add(BROKEN)

    def source(self, version: Sha) -> Path:
        return self.folder

    def running(self) -> Sha | None:
        return self.deployer.live()


class TestFakeDeployer(DeployerContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> FakeWorld:
        return FakeWorld(tmp_path)
