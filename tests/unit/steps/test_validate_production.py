"""Stable only after the whole window, unstable at once, and never stable without requests."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from hotfix.domain.document import Artefact
from hotfix.domain.errors import HotfixError
from hotfix.domain.incident import Incident
from hotfix.domain.stability import NextLook, Sample, StabilityReport, StabilityVerdict
from hotfix.steps.production_watch import SYMPTOM_PROBES
from hotfix.steps.validate_production import validate_production
from tests.contract.fakes.bug_database import InMemoryBugDatabase
from tests.contract.fakes.clock import FakeClock
from tests.contract.fakes.monitoring import FakeMonitoring
from tests.support.artefacts import InMemoryArtefacts
from tests.support.documents import a_deployment, a_live_check, a_profile, an_incident
from tests.support.looks import to_the_end

REQUEST = "/quote?qty=10"


class Scene:
    """Traffic by phase: the baseline, the incident, and what comes after the deployment."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.monitoring = FakeMonitoring(self.clock)
        self.artefacts = InMemoryArtefacts()
        self.bug_database = InMemoryBugDatabase()
        self.profile = a_profile()
        self.deployed = self.clock.now()
        self.began = self.deployed - timedelta(minutes=10)
        self.lines: list[str] = []
        self.second_by_second(self.began - timedelta(seconds=600), 600, requests=100)
        self.second_by_second(self.began, 600, requests=100, errors=20)
        self.clock.sleep(5)

    def second_by_second(self, since: datetime, seconds: int, requests: int, errors: int = 0, ms: float = 20) -> None:
        self.monitoring.traffic += [
            Sample(at=since + timedelta(seconds=n), requests=requests, errors=errors, latencies_ms=(ms,) * 3)
            for n in range(seconds)
        ]

    def after(self, requests: int, errors: int = 0, ms: float = 20, since: int = 0) -> None:
        self.second_by_second(self.deployed + timedelta(seconds=since), 600, requests, errors, ms)

    def look(self, incident: Incident | None = None) -> StabilityReport | NextLook:
        """One look, as another process would make it: nothing but the ledger and the storage is remembered."""
        incident = incident or an_incident(started_at=self.began, failing_request=REQUEST)
        self.bug_database.open_incident(incident)
        return validate_production(
            incident,
            self.profile,
            a_deployment(started_at=self.deployed, finished_at=self.deployed),
            a_live_check(first_seen_at=self.deployed),
            monitoring=self.monitoring,
            artefacts=self.artefacts,
            bug_database=self.bug_database,
            clock=self.clock,
            progress=self.lines.append,
        )

    def validate(self, incident: Incident | None = None) -> StabilityReport:
        return to_the_end(lambda: self.look(incident), self.clock)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_healthy_traffic_over_the_window_is_stable(scene: Scene) -> None:
    scene.after(requests=200)
    report = scene.validate()
    assert report.verdict is StabilityVerdict.STABLE
    assert report.symptom_gone is True
    assert (report.finished_at - report.started_at).total_seconds() >= 10, "the profile's window"
    assert (report.baseline.error_rate, report.incident.error_rate, report.observed.errors) == (0, 0.2, 0)
    assert report.timeline
    assert len(scene.lines) > 1


def test_without_requests_the_limit_ends_it_without_a_verdict(scene: Scene) -> None:
    report = scene.validate()
    assert report.verdict is StabilityVerdict.INCONCLUSIVE
    assert "no requests" in report.why
    assert (report.finished_at - report.started_at).total_seconds() >= 60, "the profile's limit"


def test_a_handful_of_requests_is_no_verdict(scene: Scene) -> None:
    scene.after(requests=1)
    assert scene.validate().verdict is StabilityVerdict.INCONCLUSIVE


def test_errors_are_unstable_before_the_window_is_over(scene: Scene) -> None:
    scene.after(requests=100, errors=20)
    report = scene.validate()
    assert report.verdict is StabilityVerdict.UNSTABLE
    assert (report.finished_at - report.started_at).total_seconds() < 10


def test_errors_that_begin_within_the_window_count(scene: Scene) -> None:
    scene.after(requests=300)
    scene.second_by_second(scene.deployed + timedelta(seconds=10), 60, requests=100, errors=100)
    assert scene.validate().verdict is StabilityVerdict.UNSTABLE


def test_slow_answers_are_unstable(scene: Scene) -> None:
    scene.after(requests=200, ms=9000)
    report = scene.validate()
    assert report.verdict is StabilityVerdict.UNSTABLE
    assert "too slow" in report.why


@pytest.mark.parametrize("answer", [500, None])
def test_a_symptom_that_is_still_there_is_unstable_whatever_the_traffic_says(scene: Scene, answer: int | None) -> None:
    scene.after(requests=500)
    scene.monitoring.answers[REQUEST] = answer
    report = scene.validate()
    assert (report.verdict, report.symptom_gone) == (StabilityVerdict.UNSTABLE, False)
    assert report.why == "the failing request still fails"


def answering(scene: Scene, passes: Callable[[int], bool]) -> None:
    """Let the failing request pass on those of its probes (from 1) of which ``passes`` says so."""
    probed: list[bool] = []
    original = scene.monitoring.probe

    def probe(path: str):  # type: ignore[no-untyped-def]
        if path == REQUEST:
            probed.append(passes(len(probed) + 1))
            scene.monitoring.answers[REQUEST] = 200 if probed[-1] else 500
        return original(path)

    scene.monitoring.probe = probe  # type: ignore[method-assign]


def test_a_symptom_that_comes_and_goes_is_not_gone(scene: Scene) -> None:
    scene.after(requests=500)
    answering(scene, lambda n: n % 3 != 0)
    report = scene.validate()
    assert report.verdict is StabilityVerdict.INCONCLUSIVE
    assert "has not succeeded often enough in a row" in report.why


def test_a_symptom_that_goes_a_moment_later_is_gone(scene: Scene) -> None:
    scene.after(requests=500)
    answering(scene, lambda n: n > SYMPTOM_PROBES - 1)
    assert scene.validate().verdict is StabilityVerdict.STABLE


def test_without_a_failing_request_the_traffic_decides_and_the_symptom_is_unknown(scene: Scene) -> None:
    scene.after(requests=500)
    report = scene.validate(an_incident(started_at=scene.began, failing_request=None))
    assert (report.verdict, report.symptom_gone) == (StabilityVerdict.STABLE, None)


def test_no_better_than_during_the_incident_is_never_stable(scene: Scene) -> None:
    """Where the beginning is reported too late, the baseline is the incident itself."""
    scene.after(requests=500, errors=100)
    late = an_incident(started_at=scene.deployed - timedelta(seconds=60), failing_request=None)
    report = scene.validate(late)
    assert report.incident.error_rate == report.observed.error_rate == 0.2
    assert report.verdict is not StabilityVerdict.STABLE


def test_monitoring_that_cannot_be_read_is_no_data(scene: Scene) -> None:
    def broken(since: datetime, until: datetime) -> tuple[Sample, ...]:
        raise HotfixError("The access log cannot be read.")

    scene.monitoring.samples = broken  # type: ignore[method-assign]
    assert scene.validate().verdict is StabilityVerdict.INCONCLUSIVE


def test_requests_before_the_hotfix_was_seen_do_not_count(scene: Scene) -> None:
    scene.second_by_second(scene.deployed - timedelta(seconds=60), 60, requests=1000, errors=1000)
    scene.after(requests=500)
    assert scene.validate().verdict is StabilityVerdict.STABLE


def test_every_sample_is_a_line_with_the_verdict_so_far(scene: Scene) -> None:
    scene.after(requests=200)
    report = scene.validate()
    lines = [line for line in scene.lines if re.match(r"\d\d:\d\d:\d\d ", line)]
    assert len(lines) >= 10, "one a second"
    assert len(set(lines)) == len(lines), "each once"
    assert all(re.search(r"200 requests +0 errors +0\.0% +20 ms  (stable|inconclusive)$", line) for line in lines)
    assert scene.lines[-1] == f"stable: {report.why}"


def test_the_error_rate_is_drawn(scene: Scene) -> None:
    scene.after(requests=200)
    report = scene.validate()
    assert report.plot is not None
    assert report.plot.name == "error-rate.svg"
    drawn = scene.artefacts.contents["error-rate.svg"]
    for text in ("incident began", "deployed", "decided: stable"):
        assert text in drawn


def test_a_storage_that_fails_does_not_roll_production_back(scene: Scene) -> None:
    def full(name: str, content: str) -> Artefact:
        raise OSError("no space left on device")

    scene.artefacts.put = full  # type: ignore[method-assign]
    scene.after(requests=200)
    report = scene.validate()
    assert (report.verdict, report.plot) == (StabilityVerdict.STABLE, None)
    assert any("no space left" in line for line in scene.lines)


def test_slower_than_before_is_unstable(scene: Scene) -> None:
    scene.after(requests=200, ms=300)
    report = scene.validate()
    assert report.verdict is StabilityVerdict.UNSTABLE
    assert "slower than before" in report.why
    assert [metric.name for metric in report.metrics] == ["error rate", "slow requests", "latency"]
