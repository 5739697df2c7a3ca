"""Every monitoring, told the same story, keeps the port's promises."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from hotfix.adapters.http_monitoring import HttpMonitoring
from hotfix.adapters.login import Login
from hotfix.adapters.monitoring import ServiceMonitoring
from hotfix.domain.service import Monitoring
from hotfix.domain.stability import Measurement, Sample
from hotfix.stability.traffic import total
from tests.contract.fakes.clock import FakeClock
from tests.contract.fakes.monitoring import FakeMonitoring
from tests.contract.monitoring_contract import (
    BEGINS,
    ENDS,
    FAILS,
    METRIC,
    MILLISECONDS,
    REQUESTS,
    START,
    UNMEASURED,
    MonitoringContract,
    after,
    requests_of,
)
from tests.support.http_service import HttpService
from tests.support.prometheus_server import PrometheusServer, Told

SHA = "a" * 40


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with HttpService(SHA) as url:
        yield url


def no_login(connection: str) -> Login:
    raise AssertionError(f"nobody has to log in at {connection}")


def monitoring_of(service: str, **source: Any) -> ServiceMonitoring:
    profile = Monitoring.model_validate({"url": service, "probes": ("/ok",), "sources": (source,)})
    return ServiceMonitoring(profile, FakeClock(after(60)), no_login)


def json_lines() -> str:
    lines: list[dict[str, Any]] = []
    for second in range(BEGINS, ENDS):
        at = START.timestamp() + second
        lines += [
            {"t": at + 0.2 * n, "path": "/ok", "status": 500 if failed else 200, "ms": MILLISECONDS}
            for n, failed in enumerate(requests_of(second))
        ]
        lines.append({"t": at, METRIC: None if second in UNMEASURED else second})
    return "".join(json.dumps(line) + "\n" for line in lines)


def test_several_sources_add_their_metrics_to_the_requests_of_one(service: str, tmp_path: Path) -> None:
    log, more = tmp_path / "lines.jsonl", tmp_path / "more.jsonl"
    log.write_text(json_lines())
    more.write_text(json.dumps({"t": START.timestamp() + 5, "orders": 3, "requests": 1000, "errors": 0}) + "\n")
    further = {"kind": "json_lines", "file": str(more), "requests": False, "metrics": ({"name": "orders"},)}
    counting = {"kind": "json_lines", "file": str(log), "metrics": ({"name": METRIC},)}
    profile = Monitoring.model_validate({"url": service, "probes": ("/ok",), "sources": (further, counting)})
    both = ServiceMonitoring(profile, FakeClock(after(60)), no_login)
    assert total(both.samples(START, after(60))).requests == REQUESTS
    found = both.measurements(START, after(60))
    assert {each.metric for each in found} == {METRIC, "orders"}
    assert [each.at for each in found] == sorted(each.at for each in found)


def test_without_a_source_of_requests_the_probes_are_the_traffic(service: str, tmp_path: Path) -> None:
    further = {"kind": "json_lines", "file": str(tmp_path / "x"), "requests": False}
    profile = Monitoring.model_validate({"url": service, "probes": ("/ok",), "sources": (further,)})
    probed = ServiceMonitoring(profile, FakeClock(after(5)), no_login)
    probed.probe("/ok")
    assert total(probed.samples(START, after(60))).requests == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"access_log": "/a", "sources": ({"kind": "json_lines", "file": "/b"},)}, "count them twice"),
        ({"sources": ({"kind": "json_lines"},)}, "either a file or a command"),
        ({"sources": ({"kind": "json_lines", "file": "/a", "command": ("b",)},)}, "either a file or a command"),
        ({"sources": ({"kind": "json_lines", "file": "/a", "metrics": ({"name": "latency"},)},)}, "the name latency"),
        ({"sources": ({"kind": "json_lines", "file": "/a", "metrics": ({"name": "x"}, {"name": "x"})},)}, "the name x"),
        ({"sources": ({"kind": "graphite", "url": "https://a"},)}, "json_lines"),
    ],
)
def test_sources_that_contradict_each_other_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Monitoring.model_validate({"url": "http://127.0.0.1:9", "probes": ("/ok",), **given})


class TestFake(MonitoringContract):
    @pytest.fixture
    def monitoring(self) -> FakeMonitoring:
        fake = FakeMonitoring(FakeClock(START), version=lambda: SHA)
        fake.answers["/boom"] = None
        for second in range(BEGINS, ENDS):
            asked = requests_of(second)
            latencies = (MILLISECONDS,) * len(asked)
            fake.traffic.append(
                Sample(at=after(second), requests=len(asked), errors=sum(asked), latencies_ms=latencies)
            )
            value = None if second in UNMEASURED else float(second)
            fake.measured.append(Measurement(at=after(second), metric=METRIC, value=value))
        return fake


class TestHttpProbes(MonitoringContract):
    tells_metrics = False

    @pytest.fixture
    def monitoring(self, service: str) -> HttpMonitoring:
        clock = FakeClock(START)
        source = HttpMonitoring(Monitoring(url=service, probes=("/ok",)), clock)
        for _ in range(60):
            second = round((clock.now() - START).total_seconds())
            for failed in requests_of(second):
                source.probe("/boom" if failed else "/ok")
            clock.sleep(1)
        clock.sleep(3600)
        return source


class TestJsonLinesFile(MonitoringContract):
    @pytest.fixture
    def monitoring(self, service: str, tmp_path: Path) -> ServiceMonitoring:
        log = tmp_path / "lines.jsonl"
        log.write_text(json_lines())
        return monitoring_of(service, kind="json_lines", file=str(log), metrics=({"name": METRIC},))


class TestJsonLinesCommand(MonitoringContract):
    @pytest.fixture
    def monitoring(self, service: str, tmp_path: Path) -> ServiceMonitoring:
        log = tmp_path / "lines.jsonl"
        log.write_text(json_lines())
        command = (sys.executable, "-c", "import sys; print(open(sys.argv[1]).read())", str(log), "{since}", "{until}")
        return monitoring_of(service, kind="json_lines", command=command, metrics=({"name": METRIC},))


class TestPrometheus(MonitoringContract):
    @pytest.fixture(scope="class")
    def server(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
        with PrometheusServer(tmp_path_factory.mktemp("prometheus"), scraped()) as running:
            yield running.url

    @pytest.fixture
    def monitoring(self, service: str, server: str, monkeypatch: pytest.MonkeyPatch) -> ServiceMonitoring:
        # The story is told at a time when the server's clock was right.
        monkeypatch.setattr("hotfix.adapters.prometheus.api.PrometheusApi.now", lambda _: after(60).timestamp())
        return monitoring_of(
            service,
            kind="prometheus",
            url=server,
            requests='http_requests_total{job="shop"}',
            latency_buckets='http_request_seconds_bucket{job="shop"}',
            metrics=({"name": METRIC, "query": 'queue_depth{job="shop"}'},),
            step=1,
        )


def scraped() -> list[Told]:
    """The story as a scrape at half past every second has it; failures are a series that begins with the first."""
    good, bad, buckets = [], [], []
    answered = failed = 0
    for second in range(61):
        # What happened within a second is there at its end, and is scraped within the same.
        asked = requests_of(second)
        answered, failed = answered + len(asked), failed + sum(asked)
        at = START.timestamp() + second + 0.9
        good.append((at, float(answered - failed)))
        buckets.append((at, float(answered)))
        if second >= FAILS[0]:
            bad.append((at, float(failed)))
    depth = [
        (START.timestamp() + second + 0.9, float("nan") if second == UNMEASURED[0] else float(second))
        for second in range(BEGINS, ENDS)
        if second != UNMEASURED[1]
    ]
    job = {"job": "shop"}
    return [
        ("http_requests_total", {**job, "code": "200"}, good),
        ("http_requests_total", {**job, "code": "500"}, bad),
        *(("http_request_seconds_bucket", {**job, "le": bound}, buckets) for bound in ("0.02", "0.1", "+Inf")),
        ("queue_depth", job, depth),
    ]
