"""Every way in which a hotfix can end, on a running Airflow: production, git, the ledger and the run agree."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future

import pytest

from demo.play import Played
from demo.scenarios import SCENARIOS

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("name", SCENARIOS)
def test_it_ends_as_it_should(name: str, played: Mapping[str, Future[Played]]) -> None:
    assert played[name].result(timeout=1500).ending.problems == ()
