"""A hotfix that a dead run has left in production is judged by what the monitoring remembers, before anybody acts."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from hotfix.adapters.json_lines import JsonLinesSource
from hotfix.adapters.login import Login
from hotfix.adapters.prometheus import PrometheusSource
from hotfix.adapters.prometheus import api as prometheus_api
from hotfix.domain.approval import ApprovalDecision
from hotfix.domain.errors import RemoteUnavailable
from hotfix.domain.follow_up import PostMortem
from hotfix.domain.incident import Incident
from hotfix.domain.outcome import Ending
from hotfix.domain.release import Deployment, LiveCheck
from hotfix.domain.rollback import RollbackReport
from hotfix.domain.service import JsonLines, Prometheus
from hotfix.domain.stability import NextLook, RecoveryWatch, Sample, StabilityReport, StabilityVerdict, ValidationWatch
from hotfix.domain.testing import TestVerdict
from hotfix.ports.bug_database import Event, IncidentStatus
from hotfix.steps.close_run import close_run
from hotfix.steps.deploy import deploy
from hotfix.steps.judge_dead_run import JUDGED, judge_dead_run
from hotfix.steps.recover_run import recover_run
from hotfix.steps.validate_production import validate_production
from tests.support.documents import (
    a_live_check,
    a_profile,
    a_security_report,
    a_stability_report,
    a_test_report,
    an_approval,
    an_assessment,
)
from tests.support.looks import to_the_end
from tests.support.prometheus_server import PrometheusServer
from tests.support.world import World
from tests.unit.steps.test_rollback import Emergency

STABLE, UNSTABLE, INCONCLUSIVE = StabilityVerdict.STABLE, StabilityVerdict.UNSTABLE, StabilityVerdict.INCONCLUSIVE
A_SECOND = 20
SCRAPE = 5


@dataclass
class Died:
    """A run that shipped its approved hotfix a minute after the incident began, and died; nine minutes ago."""

    world: World
    emergency: Emergency
    shipped: str = ""
    traffic: list[Sample] = field(default_factory=list)

    @property
    def incident(self) -> Incident:
        return self.emergency.incident

    @property
    def began(self) -> datetime:
        return self.incident.started_at

    def ship(self) -> None:
        world, record = self.world, self.world.bug_database.record
        push = self.emergency.publish()
        world.clock.sleep(60)
        deployment = deploy(
            self.incident,
            push,
            policy=world.profile.policy,
            repository=world.repository,
            deployer=world.deployer,
            alternative=None,
            clock=world.clock,
            progress=world.progress,
        )
        self.shipped = push.commit
        for document in (
            a_test_report(verdict=TestVerdict.PASSED),
            a_security_report(),
            an_approval(commit=push.commit),
            deployment,
            a_live_check(version=push.commit, first_seen_at=world.clock.now()),
        ):
            record(self.incident, document)

    def serve(self, since: float, until: float, errors: int = 0) -> None:
        """Customers, seconds from the incident's beginning."""
        self.traffic += [
            Sample(at=self.began + timedelta(seconds=n), requests=A_SECOND, errors=errors)
            for n in range(round(since), round(until))
        ]

    def judge(self) -> StabilityReport | None:
        return to_the_end(lambda: judge_dead_run(self.incident, self.world.recovery_tools), self.world.clock)

    def finish(self) -> Ending:
        """As the compliance DAG does it."""
        self.judge()
        to_the_end(lambda: recover_run(self.incident, self.world.recovery_tools, patient=True), self.world.clock)
        world = self.world
        return close_run(
            self.incident, repository=world.repository, bug_database=world.bug_database, clock=world.clock
        ).ending

    def status(self) -> IncidentStatus:
        return self.world.bug_database.attempts(self.incident.id)[0].status


@pytest.fixture
def died(world: World) -> Died:
    emergency = Emergency(world, world.open(issue="OPS-1", started_at=world.clock.now().isoformat()))
    world.bug_database.record(emergency.incident, an_assessment())
    died = Died(world, emergency)
    died.serve(-600, 0)
    died.serve(0, 60, errors=8)
    died.ship()
    world.clock.sleep(540)
    return died


# --- where the history comes from


def told_by_a_fake(died: Died, folder: Path, ends: ExitStack) -> None:
    died.world.monitoring.traffic = died.traffic


def told_by_json_lines(died: Died, folder: Path, ends: ExitStack) -> None:
    log = folder / "access.log"
    with log.open("w") as file:
        for sample in died.traffic:
            for number in range(sample.requests or 0):
                status = 500 if number < (sample.errors or 0) else 200
                line = {"t": sample.at.timestamp() + number / A_SECOND, "path": "/ok", "status": status, "ms": 10}
                file.write(json.dumps(line) + "\n")
    source = JsonLinesSource(JsonLines(kind="json_lines", file=str(log)), lambda path: True)
    died.world.monitoring.samples = source.samples  # type: ignore[method-assign]


def told_by_prometheus(died: Died, folder: Path, ends: ExitStack) -> None:
    counted: dict[str, list[tuple[float, float]]] = {"200": [], "500": []}
    sums = dict.fromkeys(counted, 0.0)
    for number, sample in enumerate(sorted(died.traffic, key=lambda each: each.at)):
        if number % SCRAPE == 0:
            for code, points in counted.items():
                points.append((sample.at.timestamp(), sums[code]))
        errors = sample.errors or 0
        sums["500"] += errors
        sums["200"] += (sample.requests or 0) - errors
    history = [("http_requests_total", {"code": code}, points) for code, points in counted.items()]
    server = ends.enter_context(PrometheusServer(folder / "prometheus", history))
    settings = {"kind": "prometheus", "url": server.url, "requests": "http_requests_total", "step": SCRAPE}
    world = died.world
    watched = {**world.profile.monitoring.model_dump(), "sources": (settings,)}
    world.profile = a_profile(repository=world.profile.repository, monitoring=watched)

    def no_login(connection: str) -> Login:
        raise AssertionError(f"nobody has to log in at {connection}")

    source = PrometheusSource(Prometheus.model_validate(settings), world.clock, no_login)
    world.monitoring.samples = source.samples  # type: ignore[method-assign]


SOURCES = [told_by_a_fake, told_by_json_lines, told_by_prometheus]
Tell = Callable[[Died, Path, ExitStack], None]


@pytest.fixture(params=SOURCES, ids=lambda tell: tell.__name__)
def tell(request: pytest.FixtureRequest, died: Died, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.setattr(prometheus_api.PrometheusApi, "now", lambda _: died.world.clock.now().timestamp())
    with ExitStack() as ends:
        yield lambda: request.param(died, tmp_path, ends)


def test_a_stable_hotfix_stays_and_the_record_says_who_finished_it(died: Died, tell: Callable[[], None]) -> None:
    died.serve(61, 700)
    tell()
    asked = died.world.clock.now()
    assert died.finish() is Ending.FIXED
    assert (died.world.clock.now() - asked).total_seconds() < 30, "history tells it, nobody has to wait"
    assert died.world.deployer.live() == died.shipped
    assert died.status() is IncidentStatus.RESOLVED
    report = died.world.bug_database.find(died.incident, StabilityReport)
    assert report is not None
    assert (report.verdict, JUDGED in report.why) == (STABLE, True)
    assert report.observed.requests > 9000, "of the time since the deployment, not since the recovery"
    assert died.world.bug_database.find(died.incident, RollbackReport) is None


def test_an_unstable_hotfix_is_rolled_back_and_what_is_back_is_watched(died: Died, tell: Callable[[], None]) -> None:
    died.serve(61, 700, errors=6)
    tell()
    assert died.finish() is Ending.ROLLED_BACK
    assert died.world.deployer.live() == died.world.production
    report = died.world.bug_database.find(died.incident, RollbackReport)
    assert report is not None
    assert report.verified
    assert report.health is not None, "it was watched"
    post_mortem = died.world.bug_database.find(died.incident, PostMortem)
    assert post_mortem is not None
    assert JUDGED in died.world.artefacts.read(post_mortem.document)


# --- no verdict is no health


def test_without_history_it_is_watched_from_now_on_and_no_longer_than_the_limit(died: Died) -> None:
    asked = died.world.clock.now()
    assert isinstance(judge_dead_run(died.incident, died.world.recovery_tools), NextLook)
    report = died.judge()
    assert report is not None
    assert report.verdict is INCONCLUSIVE
    assert 60 <= (died.world.clock.now() - asked).total_seconds() < 90, "the profile's limit"
    assert died.finish() is Ending.ROLLED_BACK
    assert died.world.deployer.live() == died.world.production


def test_traffic_that_has_just_begun_is_watched_for_a_window(died: Died) -> None:
    """Nobody was there until a moment ago: what there is must cover the profile's window first."""
    world = died.world
    died.serve(600, 700)
    # So many that a few seconds of them would suffice.
    world.monitoring.traffic = [sample.model_copy(update={"requests": 400}) for sample in died.traffic]
    settings = {**world.profile.monitoring.model_dump(), "window": 30}
    world.profile = a_profile(repository=world.profile.repository, monitoring=settings)
    asked = world.clock.now()
    report = died.judge()
    assert report is not None
    assert report.verdict is STABLE
    assert (world.clock.now() - asked).total_seconds() >= 29


def test_what_the_dead_run_had_sampled_counts_where_the_source_has_forgotten_it(died: Died) -> None:
    """Its last word came at ten minutes; the source keeps half a minute."""
    world = died.world
    died.serve(61, 700)
    world.monitoring.traffic = died.traffic
    live, deployment = (world.bug_database.find(died.incident, kind) for kind in (LiveCheck, Deployment))
    assert isinstance(live, LiveCheck)
    assert isinstance(deployment, Deployment)
    found = validate_production(
        died.incident,
        world.profile,
        deployment,
        live,
        monitoring=world.monitoring,
        artefacts=world.artefacts,
        bug_database=world.bug_database,
        clock=world.clock,
        progress=world.progress,
    )
    assert isinstance(found, NextLook)
    assert world.bug_database.find(died.incident, ValidationWatch)
    short = world.clock.now() - timedelta(seconds=30)
    world.monitoring.traffic = [sample for sample in died.traffic if sample.at >= short]
    report = died.judge()
    assert report is not None
    assert report.verdict is STABLE
    assert report.observed.requests > 9000
    assert report.baseline.requests == 12_000


def test_a_recovery_that_dies_itself_goes_on_with_its_own_watch(died: Died) -> None:
    world = died.world
    first = judge_dead_run(died.incident, died.world.recovery_tools)
    assert isinstance(first, NextLook)
    began = world.bug_database.find(died.incident, RecoveryWatch)
    world.clock.sleep(3600)
    report = judge_dead_run(died.incident, died.world.recovery_tools)
    assert isinstance(report, StabilityReport)
    assert report.verdict is INCONCLUSIVE, "an hour later its limit is over, it does not begin anew"
    assert began is not None
    assert report.started_at == began.started_at


# --- what is not judged


def not_judged(died: Died) -> str:
    died.serve(61, 700)
    died.world.monitoring.traffic = died.traffic
    assert died.judge() is None
    assert died.world.bug_database.find(died.incident, StabilityReport) is None
    assert died.finish() is Ending.ROLLED_BACK
    assert died.world.deployer.live() != died.shipped
    lines = [event.what for event in died.world.bug_database.timeline(died.incident)]
    return next((line for line in lines if "is not judged" in line), "")


@pytest.mark.parametrize("decision", [ApprovalDecision.REJECTED, ApprovalDecision.ESCALATED])
def test_what_was_not_approved_does_not_stay(died: Died, decision: ApprovalDecision) -> None:
    died.world.bug_database.record(died.incident, an_approval(commit=died.shipped, decision=decision))
    assert "not everything had said yes" in not_judged(died)


def test_another_commit_than_the_approved_one_does_not_stay(died: Died) -> None:
    died.world.bug_database.record(died.incident, an_approval(commit="f" * 40))
    assert "not everything had said yes" in not_judged(died)


def test_failed_tests_do_not_stay(died: Died) -> None:
    died.world.bug_database.record(died.incident, a_test_report(verdict=TestVerdict.FAILED))
    assert "not everything had said yes" in not_judged(died)


def test_a_version_that_production_does_not_report_is_not_judged(died: Died) -> None:
    died.world.clock.sleep(3600)
    died.world.monitoring._version = lambda: died.world.production
    assert died.judge() is None
    lines = [event.what for event in died.world.bug_database.timeline(died.incident)]
    assert any("is not judged" in line for line in lines)


def test_what_was_on_its_way_back_goes_back(died: Died) -> None:
    event = Event(at=died.world.clock.now(), step="roll_back_deployment", what="started", key="roll_back_deployment/1")
    died.world.bug_database.note(died.incident, event)
    not_judged(died)


def test_a_verdict_that_was_there_is_not_judged_again(died: Died) -> None:
    died.serve(61, 700)
    died.world.monitoring.traffic = died.traffic
    died.world.bug_database.record(died.incident, a_stability_report(UNSTABLE))
    assert died.judge() is None
    assert died.finish() is Ending.ROLLED_BACK


def test_a_deployer_that_does_not_answer_is_asked_again(died: Died, monkeypatch: pytest.MonkeyPatch) -> None:
    def down() -> None:
        raise RemoteUnavailable("no answer")

    monkeypatch.setattr(died.world.deployer, "live", down)
    with pytest.raises(RemoteUnavailable):
        judge_dead_run(died.incident, died.world.recovery_tools)


def test_what_is_put_back_is_rolled_back_once_however_often_it_is_looked_at(died: Died) -> None:
    died.serve(61, 800, errors=6)
    died.world.monitoring.traffic = died.traffic
    died.judge()
    first = recover_run(died.incident, died.world.recovery_tools, patient=True)
    assert isinstance(first, NextLook)
    died.finish()
    lines = [line.split(":")[0] for line in died.world.lines]
    assert lines.count("roll_back_deployment") == lines.count("roll_back_fix") == lines.count("verify_rollback") == 1
