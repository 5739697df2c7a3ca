"""The haproxy deployer on a real haproxy and real gunicorns, under load, and killed at every point."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.deployer_contract import FIRST, DeployerContract
from tests.contract.haproxy_production import HAPROXY, HaproxyProduction
from tests.contract.production import GUNICORN

pytestmark = pytest.mark.skipif(
    not (sys.platform == "linux" and HAPROXY and Path(GUNICORN).exists()),
    reason="needs Linux, haproxy, and gunicorn beside the interpreter",
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[HaproxyProduction]:
    production = HaproxyProduction(tmp_path / "root", tmp_path / "sources", FIRST)
    try:
        production.start()
        yield production
    finally:
        production.stop()


class TestHaproxyDeployer(DeployerContract):
    pass
