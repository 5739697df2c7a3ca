"""Every way in which a hotfix can end, on a running Airflow: production, git, the ledger and the run agree."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future

import pytest

from demo.airflow_stack import AirflowStack
from demo.play import Played, ledger
from demo.scenarios import SCENARIOS
from demo.world import World
from hotfix.domain.rollback import RollbackReport
from hotfix.domain.stability import RollbackWatch, StabilityVerdict, ValidationWatch, WatchRecord

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("name", SCENARIOS)
def test_it_ends_as_it_should(name: str, played: Mapping[str, Future[Played]]) -> None:
    assert played[name].result(timeout=1500).ending.problems == ()


@pytest.mark.parametrize(("name", "watch"), [("fixed", ValidationWatch), ("unstable", RollbackWatch)])
def test_a_watch_gives_its_worker_back_between_two_looks(
    name: str,
    watch: type[WatchRecord],
    played: Mapping[str, Future[Played]],
    stack: AirflowStack,
    worlds: Mapping[str, World],
) -> None:
    """A process makes one look: a watch that came to its end after several of them was resumed."""
    played[name].result(timeout=1500)
    bug_database = ledger(stack)
    (row,) = (row for row in bug_database.incidents() if row.service == f"shop-{name}")
    incident = bug_database.incident_of_run(row.run_id)
    assert incident is not None
    found = bug_database.find(incident, watch)
    assert found is not None
    window = worlds[f"shop-{name}"].profile()["monitoring"]["window"]
    assert found.looks >= 2
    assert (found.looked_at - found.started_at).total_seconds() >= window


def test_a_rollback_is_watched_too(played: Mapping[str, Future[Played]], stack: AirflowStack) -> None:
    played["unstable"].result(timeout=1500)
    bug_database = ledger(stack)
    (row,) = (row for row in bug_database.incidents() if row.service == "shop-unstable")
    incident = bug_database.incident_of_run(row.run_id)
    assert incident is not None
    report = bug_database.find(incident, RollbackReport)
    assert report is not None
    assert report.verified
    assert report.health in (StabilityVerdict.STABLE, StabilityVerdict.INCONCLUSIVE)
