"""Stable only after the whole window, unstable at once, and never stable without requests."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from hotfix.domain.document import Artefact
from hotfix.domain.errors import HotfixError
from hotfix.domain.incident import Incident
from hotfix.domain.stability import Measurement, NextLook, Sample, StabilityReport, StabilityVerdict
from hotfix.steps.production_watch import SYMPTOM_PROBES
from hotfix.steps.validate_production import validate_production
from hotfix.steps.watch_settings import wait_after
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


# --- between two looks nothing is awake


def test_every_look_is_short_and_says_when_the_next_one_is(scene: Scene) -> None:
    scene.after(requests=200)
    before = scene.clock.now()
    found = scene.look()
    assert isinstance(found, NextLook)
    assert scene.clock.now() == before, "no look waits"
    assert timedelta(0) < found.at - before <= timedelta(seconds=10)
    assert any("inconclusive" in line and "missing: " in line for line in scene.lines)


def test_looks_get_rarer_and_meet_the_end_of_the_window_and_the_limit(scene: Scene) -> None:
    settings = scene.profile.monitoring.model_copy(update={"window": 100, "limit": 300})
    elapsed, waits = 0.0, []
    while elapsed < settings.limit:
        waits.append(wait_after(settings, settings.limit, elapsed))
        elapsed = round(elapsed + waits[-1], 6)
        assert elapsed in (100, 300) or not any(elapsed - waits[-1] < edge < elapsed for edge in (100, 300))
    assert elapsed == settings.limit
    assert len(waits) < 60
    assert all(wait <= 10 for wait in waits), "probes are all there is: they come in small portions"


def test_an_outage_while_nobody_looked_is_seen_at_the_next_look(scene: Scene) -> None:
    """The triggerer was away for a minute; what happened meanwhile is in the samples."""
    scene.after(requests=50)
    scene.second_by_second(scene.deployed + timedelta(seconds=20), 30, requests=50, errors=50)
    assert isinstance(scene.look(), NextLook)
    scene.clock.sleep(50)
    assert scene.validate().verdict is StabilityVerdict.UNSTABLE


def test_a_retried_look_goes_on_where_the_last_one_was(scene: Scene) -> None:
    """Killed at any point, run again: the window began with the first look, and the symptom's probes count."""
    scene.after(requests=200)
    began = scene.clock.now()
    scene.look()
    scene.clock.sleep(4)
    for _ in range(3):
        assert isinstance(scene.look(), NextLook)
    report = scene.validate()
    assert report.started_at == began
    assert report.verdict is StabilityVerdict.STABLE
    lines = [line for line in scene.lines if re.match(r"\d\d:\d\d:\d\d ", line)]
    assert len(set(lines)) == len(lines), "no sample is told twice"


def test_what_a_source_forgets_was_sampled_all_the_same(scene: Scene) -> None:
    """A log is rotated away: the errors of before still count."""
    scene.after(requests=20, errors=10)
    scene.monitoring.answers.clear()
    before = scene.monitoring.traffic
    scene.clock.sleep(1)
    first = scene.look()
    scene.monitoring.traffic = [sample for sample in before if sample.at > scene.clock.now()]
    report = to_the_end(scene.look, scene.clock) if isinstance(first, NextLook) else first
    assert report.observed.errors > 10
    assert report.baseline.requests == 60_000, "and so does the baseline"


@pytest.mark.parametrize("when", ["before the ledger", "in the storage"])
def test_a_crash_between_storage_and_ledger_loses_nothing(scene: Scene, when: str) -> None:
    scene.after(requests=200)
    scene.look()
    scene.clock.sleep(2)
    original = scene.bug_database.record if when == "before the ledger" else scene.artefacts.put

    def killed(*arguments: object) -> None:
        if when == "in the storage":
            original(arguments[0], "half of it")  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        if when == "before the ledger":
            patch.setattr(scene.bug_database, "record", killed)
        else:
            patch.setattr(scene.artefacts, "put", killed)
        with pytest.raises(KeyboardInterrupt):
            scene.look()
    assert scene.validate().verdict is StabilityVerdict.STABLE
    assert not any("cannot be read" in line for line in scene.lines)


def test_a_storage_that_loses_what_was_sampled_is_said_and_it_is_sampled_again(scene: Scene) -> None:
    scene.after(requests=200)
    scene.look()
    scene.artefacts.contents.clear()
    scene.clock.sleep(1)
    assert scene.validate().verdict is StabilityVerdict.STABLE
    assert any("sampling it again" in line for line in scene.lines)


# --- what cannot be seen now is not stable


def breaking(scene: Scene, words: str = "Prometheus refuses the login (HTTP 401).") -> None:
    def broken(since: datetime, until: datetime) -> tuple[Sample, ...]:
        raise HotfixError(words, "Correct the Connection.")

    scene.monitoring.samples = broken  # type: ignore[method-assign]


def test_monitoring_that_goes_away_in_the_middle_is_never_stable(scene: Scene) -> None:
    scene.after(requests=500)
    for _ in range(3):
        scene.look()
        scene.clock.sleep(2)
    breaking(scene)
    report = scene.validate()
    assert report.verdict is StabilityVerdict.INCONCLUSIVE
    assert "HTTP 401" in report.why
    assert "Correct the Connection." in report.why
    assert report.observed.requests > 2000, "what was seen is kept"


def test_monitoring_that_comes_back_still_gets_its_baseline(scene: Scene) -> None:
    scene.after(requests=500)
    original = scene.monitoring.samples
    breaking(scene)
    assert isinstance(scene.look(), NextLook)
    assert any("cannot be read" in line for line in scene.lines)
    scene.monitoring.samples = original  # type: ignore[method-assign]
    scene.clock.sleep(1)
    report = scene.validate()
    assert (report.verdict, report.baseline.requests) == (StabilityVerdict.STABLE, 60_000)


def test_samples_that_stop_are_never_stable(scene: Scene) -> None:
    scene.second_by_second(scene.deployed, 8, requests=500)
    report = scene.validate()
    assert report.verdict is StabilityVerdict.INCONCLUSIVE
    assert "no request was measured since 03:00:07" in report.why


# --- giving up


def rarely(scene: Scene, since: datetime, seconds: int, every: int) -> None:
    """One request every so many seconds, none of which fails."""
    scene.monitoring.traffic += [
        Sample(at=since + timedelta(seconds=n), requests=1, errors=0) for n in range(0, seconds, every)
    ]


def quiet_service(scene: Scene, limit: int) -> None:
    """One request in five seconds, of which hardly one in a thousand fails."""
    scene.monitoring.traffic.clear()
    settings = {**scene.profile.monitoring.model_dump(), "limit": limit, "tolerated_error_rate": 0.001}
    scene.profile = a_profile(monitoring=settings)
    rarely(scene, scene.began - timedelta(seconds=600), 600, every=5)


def test_a_watch_that_cannot_decide_is_given_up_and_says_what_would_help(scene: Scene) -> None:
    quiet_service(scene, limit=600)
    rarely(scene, scene.deployed, 700, every=5)
    report = scene.validate()
    assert report.verdict is StabilityVerdict.INCONCLUSIVE
    assert re.match(
        r"no verdict is to be expected within 600 s: 1\d\d requests are expected in all, about ", report.why
    )
    assert "monitoring.limit" in report.why
    watched = (report.finished_at - report.started_at).total_seconds()
    assert 120 <= watched < 590, "after a fifth of the limit, and before its end"


def test_a_watch_is_not_given_up_while_traffic_may_be_what_it_was(scene: Scene) -> None:
    """Before the incident there was enough of it."""
    quiet_service(scene, limit=600)
    scene.second_by_second(scene.began - timedelta(seconds=600), 600, requests=100)
    rarely(scene, scene.deployed, 700, every=5)
    report = scene.validate()
    assert "no decision within 600 s" in report.why


def test_a_source_that_has_said_nothing_yet_is_no_reason_to_give_up(scene: Scene) -> None:
    quiet_service(scene, limit=600)
    scene.monitoring.traffic.clear()
    assert "no decision within 600 s: no requests since the deployment" in scene.validate().why


def test_a_source_that_falls_silent_is_no_reason_to_give_up(scene: Scene) -> None:
    quiet_service(scene, limit=600)
    rarely(scene, scene.deployed, 60, every=5)
    report = scene.validate()
    assert "no decision within 600 s" in report.why


def test_a_symptom_that_comes_and_goes_is_no_reason_to_give_up(scene: Scene) -> None:
    quiet_service(scene, limit=600)
    rarely(scene, scene.deployed, 700, every=5)
    answering(scene, lambda number: number % 2 == 0)
    assert "no decision within 600 s" in scene.validate().why


# --- further metrics, and other times of day


def with_metric(scene: Scene, **metric: object) -> None:
    source = {"kind": "json_lines", "command": ("x",), "requests": False, "metrics": ({"name": "depth", **metric},)}
    settings = {**scene.profile.monitoring.model_dump(), "sources": (source,)}
    scene.profile = a_profile(monitoring=settings)


def measure(scene: Scene, since: datetime, seconds: int, value: float | None) -> None:
    scene.monitoring.measured += [
        Measurement(at=since + timedelta(seconds=n), metric="depth", value=value) for n in range(seconds)
    ]


def test_a_critical_metric_decides_alone(scene: Scene) -> None:
    with_metric(scene, critical=True)
    scene.after(requests=200)
    measure(scene, scene.began - timedelta(seconds=600), 600, 10)
    measure(scene, scene.deployed, 600, 100)
    report = scene.validate()
    assert report.verdict is StabilityVerdict.UNSTABLE
    assert "depth is worse than 1.5 times what it was" in report.why


@pytest.mark.parametrize("value", [None, 10])
def test_a_critical_metric_that_is_not_measured_is_never_stable(scene: Scene, value: float | None) -> None:
    with_metric(scene, critical=True)
    scene.after(requests=200)
    measure(scene, scene.began - timedelta(seconds=600), 600, 10)
    measure(scene, scene.deployed, 600, value)
    report = scene.validate()
    assert report.verdict is (StabilityVerdict.INCONCLUSIVE if value is None else StabilityVerdict.STABLE)
    assert any(re.match(r"depth .*  (stable|inconclusive)$", line) for line in scene.lines), "it is in the log"
    assert value is not None or "depth was not measured" in report.why


def test_an_incident_of_many_hours_is_compared_with_the_same_time_of_day_as_well(scene: Scene) -> None:
    """It began at noon and ends at three in the morning, when there is little traffic."""
    noon = scene.deployed - timedelta(hours=15)
    scene.monitoring.traffic.clear()
    scene.second_by_second(noon - timedelta(seconds=600), 600, requests=100, errors=0)
    scene.second_by_second(scene.deployed - timedelta(days=1), 600, requests=10, errors=0)
    scene.after(requests=300)
    report = scene.validate(an_incident(started_at=noon, failing_request=None))
    assert report.baseline.requests == 600 * 100 + 600 * 10
    assert report.verdict is StabilityVerdict.STABLE
