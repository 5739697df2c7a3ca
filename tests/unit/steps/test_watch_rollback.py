"""Production that was put back is watched: no worse than before the deployment, by the same judge."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hotfix.domain.errors import RollbackFailed
from hotfix.domain.rollback import DeploymentRollback, RollbackReport
from hotfix.domain.stability import NextLook, Sample, StabilityVerdict
from hotfix.steps.watch_rollback import watch_rollback
from tests.contract.fakes.bug_database import InMemoryBugDatabase
from tests.contract.fakes.clock import FakeClock
from tests.contract.fakes.deployer import FakeDeployer
from tests.contract.fakes.monitoring import FakeMonitoring
from tests.support.artefacts import InMemoryArtefacts
from tests.support.documents import BASE, a_deployment, a_profile, an_incident
from tests.support.looks import to_the_end


class Scene:
    """An incident that let ``failing`` of a hundred requests fail, and a deployment that was put back a minute ago."""

    def __init__(self, failing: int, needed: bool = True) -> None:
        self.clock = FakeClock()
        self.monitoring = FakeMonitoring(self.clock)
        self.bug_database = InMemoryBugDatabase()
        self.artefacts = InMemoryArtefacts()
        self.deployed = self.clock.now() - timedelta(seconds=60)
        self.incident = an_incident(started_at=self.deployed - timedelta(seconds=300))
        self.bug_database.open_incident(self.incident)
        self.bug_database.record(self.incident, a_deployment(started_at=self.deployed, finished_at=self.deployed))
        rollback = DeploymentRollback(needed=needed, restored=BASE, live=BASE, what="put back")
        self.bug_database.record(self.incident, rollback)
        self.traffic(-360, 300, failing)

    def traffic(self, since: int, seconds: int, failing: int) -> None:
        self.monitoring.traffic += [
            Sample(at=self.clock.now() + timedelta(seconds=since + n), requests=100, errors=failing)
            for n in range(seconds)
        ]

    def look(self) -> RollbackReport | NextLook:
        report = RollbackReport(
            verified=True, production=BASE, expected=BASE, checks=("yes: all is back",), at=self.clock.now()
        )
        return watch_rollback(
            self.incident,
            a_profile(),
            report,
            deployer=FakeDeployer(BASE, self.clock),
            monitoring=self.monitoring,
            artefacts=self.artefacts,
            bug_database=self.bug_database,
            clock=self.clock,
            progress=lambda line: None,
        )

    def watch(self) -> RollbackReport:
        return to_the_end(self.look, self.clock)


@pytest.mark.parametrize("failing", [0, 5, 20])
def test_the_incident_is_back_and_nothing_else(failing: int) -> None:
    scene = Scene(failing)
    began = scene.clock.now()
    scene.traffic(0, 60, failing)
    report = scene.watch()
    assert (report.health, report.verified) == (StabilityVerdict.STABLE, True)
    assert report.checks[-1].startswith("yes: production is as well as before the deployment")
    assert (scene.clock.now() - began).total_seconds() == 10, "the profile's window, and no longer: people wait"


@pytest.mark.parametrize(("before", "now"), [(0, 30), (5, 40), (20, 90)])
def test_worse_than_before_the_deployment_is_said_loudly_with_what_to_type(before: int, now: int) -> None:
    scene = Scene(before)
    scene.traffic(0, 60, now)
    with pytest.raises(RollbackFailed) as caught:
        scene.watch()
    assert "THE ROLLBACK DID NOT HELP" in str(caught.value)
    assert f"put-back {BASE}" in str(caught.value)


def test_without_requests_nobody_knows_and_it_is_said() -> None:
    report = Scene(5).watch()
    assert report.health is StabilityVerdict.INCONCLUSIVE
    assert report.checks[-1].startswith("not known: production is as well as before")


def test_an_outage_that_is_back_is_no_failed_rollback() -> None:
    scene = Scene(100)
    scene.traffic(0, 60, 100)
    report = scene.watch()
    assert report.health is StabilityVerdict.INCONCLUSIVE
    assert "100% of the requests failed before, too" in report.checks[-1]


def test_where_nothing_was_put_back_nothing_is_watched() -> None:
    scene = Scene(0, needed=False)
    report = scene.look()
    assert isinstance(report, RollbackReport)
    assert report.health is None
    assert scene.artefacts.contents == {}


def test_its_samples_are_not_those_of_the_watch_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hotfix failed every request; that it did is no reason to call the old version bad."""
    scene = Scene(5)
    scene.traffic(-60, 60, 100)
    scene.traffic(0, 60, 5)
    assert scene.watch().health is StabilityVerdict.STABLE
