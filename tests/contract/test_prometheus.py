"""Counters, gauges and refusals of a real Prometheus, and answers that no server should give."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from hotfix.adapters.clock import SystemClock
from hotfix.adapters.login import Login
from hotfix.adapters.prometheus import PrometheusSource
from hotfix.adapters.prometheus import api as prometheus_api
from hotfix.domain.errors import HotfixError
from hotfix.domain.service import Prometheus
from hotfix.domain.stability import Sample
from hotfix.stability.traffic import total
from tests.contract.fakes.clock import FakeClock
from tests.support.prometheus_server import PrometheusServer, Told
from tests.support.rig import program

START = datetime(2026, 3, 1, 3, 0, tzinfo=timezone.utc)
NAN = float("nan")
SECRET = "hush-hush-hush"


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def points(values: Sequence[float | None], first: float = 0) -> list[tuple[float, float]]:
    """One scrape every five seconds; None was no scrape."""
    return [(START.timestamp() + first + 5 * n, value) for n, value in enumerate(values) if value is not None]


def counter(job: str, code: str, values: Sequence[float | None], first: float = 0, **labels: str) -> Told:
    return ("http_requests_total", {"job": job, "code": code, **labels}, points(values, first))


HISTORY: list[Told] = [
    counter("reset", "200", [100, 150, 200, 20, 70]),
    # Two releases: the first one's instance goes, the second one's begins with what it has answered so far.
    counter("replaced", "200", [100, 150, 200], instance="old"),
    counter("replaced", "200", [30, 80, 130], first=15, instance="new"),
    counter("replaced", "500", [7, 9], first=20, instance="new"),
    counter("gap", "200", [0, 10, 20, None, None, None, None, 70, 80, 90, 100]),
    counter("nan", "200", [0, 10, NAN, 30, 40]),
    counter("nolabel", "", [0, 10, 20]),
    ("failures_total", {"job": "reset"}, points([0, 1, 2, 3, 60])),
    ("depth", {"job": "one"}, points([1, 2, NAN, 4, None, 6])),
    ("depth", {"job": "two", "instance": "a"}, points([1] * 6)),
    ("depth", {"job": "two", "instance": "b"}, points([2] * 6)),
    *(
        ("took_seconds_bucket", {"job": "reset", "le": bound}, points([0, 10, 20, 30, count]))
        for bound, count in (("0.1", 30.0), ("1", 35.0), ("+Inf", 40.0))
    ),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with PrometheusServer(tmp_path_factory.mktemp("prometheus"), HISTORY) as running:
        yield running.url


@pytest.fixture
def right_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's clock shows what ours shows."""
    monkeypatch.setattr(prometheus_api.PrometheusApi, "now", lambda _: after(60).timestamp())


def no_login(connection: str) -> Login:
    raise AssertionError(f"nobody has to log in at {connection}")


def source(url: str, login: Callable[[str], Login] = no_login, **settings: Any) -> PrometheusSource:
    profile = {"kind": "prometheus", "url": url, "step": 5, "time_limit": 10, **settings}
    if "requests" not in settings and "metrics" not in settings:
        profile["requests"] = 'http_requests_total{job="reset"}'
    return PrometheusSource(Prometheus.model_validate(profile), FakeClock(after(60)), login)


def counted(samples: Sequence[Sample]) -> dict[int, tuple[int | None, int | None]]:
    return {round((each.at - START).total_seconds()): (each.requests, each.errors) for each in samples}


@pytest.mark.usefixtures("right_time")
class TestCounters:
    def of(self, server: str, job: str, **settings: Any) -> dict[int, tuple[int | None, int | None]]:
        query = f'http_requests_total{{job="{job}"}}'
        return counted(source(server, requests=query, **settings).samples(START, after(60)))

    def test_a_reset_counter_has_counted_from_0_since(self, server: str) -> None:
        assert self.of(server, "reset") == {5: (50, 0), 10: (50, 0), 15: (20, 0), 20: (50, 0)}

    def test_a_new_instance_and_a_new_status_count_from_their_beginning(self, server: str) -> None:
        assert self.of(server, "replaced") == {5: (50, 0), 10: (50, 0), 15: (30, 0), 20: (57, 7), 25: (52, 2)}

    def test_scrapes_that_were_missed_are_no_zero(self, server: str) -> None:
        found = self.of(server, "gap")
        assert [found[second] for second in (15, 20, 25, 30)] == [(None, None)] * 4
        assert found[35] == (50, 0)
        assert (
            total(source(server, requests='http_requests_total{job="gap"}').samples(START, after(60))).incomplete == 4
        )

    def test_a_counter_that_is_nan_was_not_measured(self, server: str) -> None:
        found = self.of(server, "nan")
        assert found == {5: (10, 0), 10: (None, None), 20: (10, 0)}

    def test_what_was_there_before_the_window_is_no_request_of_the_window(self, server: str) -> None:
        samples = source(server).samples(after(7), after(60))
        assert counted(samples) == {15: (20, 0), 20: (50, 0)}

    def test_without_the_label_nobody_knows_what_failed(self, server: str) -> None:
        query = 'http_requests_total{job="nolabel"}'
        with pytest.raises(HotfixError, match=r"has the label 'status'.*`failed`"):
            source(server, requests=query, failed={"label": "status"}).samples(START, after(60))

    def test_errors_may_have_a_counter_of_their_own(self, server: str) -> None:
        found = self.of(server, "reset", errors='failures_total{job="reset"}')
        assert found == {5: (50, 1), 10: (50, 1), 15: (20, 1), 20: (57, 57)}, "an error is a request"

    def test_no_series_of_errors_is_not_no_errors(self, server: str) -> None:
        found = self.of(server, "reset", errors='failures_total{job="resett"}')
        assert found == {5: (50, None), 10: (50, None), 15: (20, None), 20: (50, None)}

    def test_an_empty_answer_is_no_data(self, server: str) -> None:
        assert self.of(server, "nobody") == {}

    def test_an_expression_is_evaluated_at_every_step(self, server: str) -> None:
        query = 'sum by (code) (http_requests_total{job="reset"})'
        found = counted(source(server, requests=query).samples(START, after(25)))
        assert found == {5: (50, 0), 10: (50, 0), 15: (20, 0), 20: (50, 0)}

    def test_latencies_are_the_bounds_of_their_buckets(self, server: str) -> None:
        samples = source(server, latency_buckets='took_seconds_bucket{job="reset"}').samples(START, after(60))
        assert [sorted(set(each.latencies_ms)) for each in samples] == [[100.0], [100.0], [100.0], [1000.0, 2000.0]]
        assert [len(each.latencies_ms) for each in samples] == [10, 10, 10, 10]

    def test_buckets_have_bounds(self, server: str) -> None:
        with pytest.raises(HotfixError, match="label le"):
            source(server, latency_buckets='failures_total{job="reset"}').samples(START, after(60))


@pytest.mark.usefixtures("right_time")
class TestMetrics:
    def of(self, server: str, query: str) -> dict[int, float | None]:
        metrics = ({"name": "depth", "query": query},)
        found = source(server, metrics=metrics).measurements(START, after(32))
        return {round((each.at - START).total_seconds()): each.value for each in found}

    @pytest.mark.parametrize("query", ['depth{job="one"}', 'sum(depth{job="one"})'])
    def test_nan_is_not_measured(self, server: str, query: str) -> None:
        found = self.of(server, query)
        assert (found[0], found[5], found[10], found[15], found[25]) == (1, 2, None, 4, 6)

    def test_a_scrape_that_was_missed_is_not_measured(self, server: str) -> None:
        found = self.of(server, 'depth{job="one"}')
        assert list(found) == [0, 5, 10, 15, 20, 25], "a step that is not over is not told"
        assert found[20] is None, "and not the value of before"

    def test_an_empty_answer_is_not_measured_at_every_step(self, server: str) -> None:
        assert self.of(server, 'depth{job="nobody"}') == dict.fromkeys([0, 5, 10, 15, 20, 25])

    def test_several_series_are_no_metric(self, server: str) -> None:
        with pytest.raises(HotfixError, match=r"'depth' gives 2 series.*max\(\)"):
            self.of(server, 'depth{job="two"}')
        assert self.of(server, 'max(depth{job="two"})')[5] == 2

    @pytest.mark.parametrize(
        ("query", "words"),
        [
            ("depth{job=", "cannot answer the query 'depth{job='.*parse error"),
            ("sum(", "parse error"),
            ('depth{job="one"}[5m]', "cannot answer the query"),
            ('label_replace(depth, "__name__", "x", "", "") + on() group_left() depth', "cannot answer|many"),
        ],
    )
    def test_a_query_that_cannot_be_answered_is_told_with_the_servers_words(
        self, server: str, query: str, words: str
    ) -> None:
        with pytest.raises(HotfixError, match=words):
            self.of(server, query)


def test_a_server_whose_clock_is_wrong_is_asked_for_its_own_time(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it scraped at 3:00:05 by its clock happened at 2:58:35 by ours."""
    monkeypatch.setattr(prometheus_api.PrometheusApi, "now", lambda _: after(60 + 90).timestamp())
    metrics = ({"name": "depth", "query": 'max(depth{job="two"})'},)
    found = source(server, requests='http_requests_total{job="reset"}', metrics=metrics)
    assert counted(found.samples(after(-90), after(-60))) == {-85: (50, 0), -80: (50, 0), -75: (20, 0), -70: (50, 0)}
    assert {each.at: each.value for each in found.measurements(after(-90), after(-85))} == {after(-90): 2}


def test_the_server_tells_its_time(server: str) -> None:
    profile = Prometheus(kind="prometheus", url=server, requests="up")
    told = prometheus_api.PrometheusApi(profile, no_login).now()
    assert abs(told - time.time()) < 30


# --- a live one


class Shop(BaseHTTPRequestHandler):
    """Answers, counts, and shows its counters."""

    counts = {"200": 0, "500": 0}

    def do_GET(self) -> None:
        if self.path == "/metrics":
            lines = [f'shop_requests_total{{code="{code}"}} {count}\n' for code, count in self.counts.items() if count]
            body = "".join(lines).encode()
            self.send_response(200)
        else:
            code = "500" if self.path == "/boom" else "200"
            self.counts[code] += 1
            body = b""
            self.send_response(int(code))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def serving() -> Iterator[Callable[[type[BaseHTTPRequestHandler]], int]]:
    """Starts servers on loopback, and stops them."""
    running: list[tuple[ThreadingHTTPServer, threading.Thread]] = []

    def start(handler: type[BaseHTTPRequestHandler]) -> int:
        made = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        running.append((made, thread))
        return int(made.server_address[1])

    yield start
    for made, thread in running:
        made.shutdown()
        thread.join()
        made.server_close()


def scraped_at(url: str) -> bool:
    with urllib.request.urlopen(f"{url}/api/v1/query?query=shop_requests_total", timeout=5) as answer:
        return bool(json.load(answer)["data"]["result"])


def test_a_service_that_is_scraped_for_real(
    tmp_path: Path, serving: Callable[[type[BaseHTTPRequestHandler]], int]
) -> None:
    port = serving(Shop)
    address = f"http://127.0.0.1:{port}"

    def ask(path: str, times: int) -> None:
        for _ in range(times):
            try:
                urllib.request.urlopen(address + path, timeout=5).close()
            except urllib.error.HTTPError as error:
                error.close()

    ask("/ok", 5)
    scrape = f'{{job_name: shop, static_configs: [{{targets: ["127.0.0.1:{port}"]}}]}}'
    with PrometheusServer(tmp_path / "prometheus", scrape=scrape) as running:
        profile = {"kind": "prometheus", "url": running.url, "requests": "shop_requests_total", "step": 1}
        watched = PrometheusSource(Prometheus.model_validate(profile), SystemClock(), no_login)
        began = datetime.now(timezone.utc)
        deadline = time.monotonic() + 40
        # The first scrape tells where the counters stand before anything happens.
        while not scraped_at(running.url) and time.monotonic() < deadline:
            time.sleep(0.2)
        ask("/ok", 30)
        ask("/boom", 10)
        seen = total(())
        while (seen.requests, seen.errors) != (40, 10) and time.monotonic() < deadline:
            time.sleep(0.2)
            seen = total(watched.samples(began, datetime.now(timezone.utc)))
        assert (seen.requests, seen.errors) == (40, 10)


# --- who may ask


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PrometheusServer, Path]]:
    """A server with TLS and a password, and the certificate to trust."""
    folder = tmp_path_factory.mktemp("guarded")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *(
                str(program("openssl")),
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
            ),
            *("-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    hashed = subprocess.run(
        [str(program("htpasswd")), "-nbBC", "6", "watcher", SECRET], check=True, capture_output=True, text=True
    ).stdout.strip()
    web = (
        f"tls_server_config: {{cert_file: {certificate}, key_file: {key}}}\n"
        f"basic_auth_users: {{watcher: '{hashed.partition(':')[2]}'}}\n"
    )
    with PrometheusServer(folder / "prometheus", HISTORY, web=web) as running:
        running.url = running.url.replace("http://", "https://")
        yield running, certificate


def known(user: str, password: str) -> Callable[[str], Login]:
    return lambda connection: {"prometheus_shop": Login(user, password)}[connection]


@pytest.mark.usefixtures("right_time")
class TestGuarded:
    def ask(self, guarded: tuple[PrometheusServer, Path], **settings: Any) -> tuple[Sample, ...]:
        running, certificate = guarded
        given = {"connection": "prometheus_shop", "ca_file": str(certificate), **settings}
        login = given.pop("login", known("watcher", SECRET))
        return source(running.url, login, **{key: value for key, value in given.items() if value}).samples(
            START, after(60)
        )

    def test_with_the_connections_password_it_answers(self, guarded: tuple[PrometheusServer, Path]) -> None:
        assert total(self.ask(guarded)).requests == 170

    @pytest.mark.parametrize("settings", [{"login": known("watcher", "wrong-password")}, {"connection": None}])
    def test_a_wrong_password_or_none_is_told(
        self, guarded: tuple[PrometheusServer, Path], settings: dict[str, Any]
    ) -> None:
        with pytest.raises(HotfixError, match=r"refuses the login \(HTTP 401\).*Connection") as caught:
            self.ask(guarded, **settings)
        assert "wrong-password" not in str(caught.value)

    def test_a_certificate_that_nobody_vouches_for_is_refused(self, guarded: tuple[PrometheusServer, Path]) -> None:
        with pytest.raises(HotfixError, match=r"CERTIFICATE_VERIFY_FAILED.*ca_file"):
            self.ask(guarded, ca_file=None)

    def test_certificates_that_cannot_be_read_are_told(
        self, guarded: tuple[PrometheusServer, Path], tmp_path: Path
    ) -> None:
        with pytest.raises(HotfixError, match="Correct ca_file"):
            self.ask(guarded, ca_file=str(tmp_path / "none.pem"))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"url": "http://prometheus.example.org", "connection": "prometheus_shop"}, "https:// only"),
        ({"url": "https://watcher:hush@prometheus.example.org"}, "no credentials in the url"),
        ({"requests": None}, "has requests or metrics"),
        ({"failed": {"values": "5("}}, "no regular expression"),
    ],
)
def test_a_profile_that_cannot_work_is_refused(settings: dict[str, Any], words: str) -> None:
    given = {"kind": "prometheus", "url": "https://prometheus.example.org", "requests": "up", **settings}
    with pytest.raises(ValidationError, match=words):
        Prometheus.model_validate(given)


# --- answers that no server should give


class Answers(BaseHTTPRequestHandler):
    """Whatever a test wants, to every question; remembers how it was asked."""

    status = 200
    document: Any = None
    raw: bytes | None = None
    seconds = 0.0
    asked: list[dict[str, str]] = []

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        form = self.rfile.read(length).decode()
        type(self).asked.append(
            {"authorization": self.headers.get("Authorization", ""), "path": self.path, "form": form}
        )
        time.sleep(self.seconds)
        body = self.raw if self.raw is not None else json.dumps(self.document).encode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            return

    def log_message(self, *_: object) -> None:
        return


def matrix(*results: Any, **more: Any) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": "matrix", "result": list(results)}, **more}


@pytest.fixture
def answers(
    serving: Callable[[type[BaseHTTPRequestHandler]], int], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., str]:
    def start(**given: Any) -> str:
        monkeypatch.setattr(Answers, "asked", [])
        for name, value in given.items():
            monkeypatch.setattr(Answers, name, value)
        return f"http://127.0.0.1:{serving(Answers)}"

    return start


@pytest.mark.usefixtures("right_time")
class TestStrangeAnswers:
    def refused(self, url: str, **settings: Any) -> str:
        began = time.monotonic()
        with pytest.raises(HotfixError) as caught:
            source(url, **settings).samples(START, after(60))
        assert time.monotonic() - began < 30
        return str(caught.value)

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ({"status": 403, "document": {}}, "refuses the login (HTTP 403)"),
            ({"status": 422, "document": {"status": "error", "error": "too many samples"}}, "too many samples"),
            ({"status": 503, "document": {"status": "error", "error": "timed out"}}, "HTTP 503, timed out"),
            ({"status": 302, "document": {}}, "does not answer as Prometheus does: HTTP 302"),
            ({"raw": b"<html>login</html>"}, "does not answer as Prometheus does"),
            ({"document": ["success"]}, "does not answer as Prometheus does"),
            ({"document": {"status": "success", "data": []}}, "does not answer as Prometheus does"),
            ({"document": matrix(warnings=["store s3 unavailable"])}, "perhaps in part: store s3 unavailable"),
            ({"document": matrix({"metric": {}, "histograms": []})}, "has no plain values"),
            ({"document": matrix({"metric": {}, "values": [[1, "x"]]})}, "has no plain values"),
            ({"document": {"status": "success", "data": {"resultType": "vector", "result": []}}}, "gives a vector"),
        ],
    )
    def test_it_is_told_and_no_data(self, answers: Callable[..., str], given: dict[str, Any], words: str) -> None:
        assert words in self.refused(answers(**given))

    def test_a_huge_answer_is_not_read_to_its_end(
        self, answers: Callable[..., str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(prometheus_api, "MOST_BYTES", 100_000)
        assert "more than" in self.refused(answers(raw=b" " * 1_000_000))

    def test_a_slow_answer_is_not_waited_for(self, answers: Callable[..., str]) -> None:
        assert "does not answer: ReadTimeout" in self.refused(answers(document=matrix(), seconds=3.0), time_limit=1)

    def test_a_server_that_is_down_is_told(self) -> None:
        assert "does not answer: ConnectError" in self.refused("http://127.0.0.1:9")

    def test_a_token_is_sent_as_a_header_and_shown_nowhere(self, answers: Callable[..., str]) -> None:
        url = answers(status=401, document={})
        words = self.refused(url, login=known("", SECRET), connection="prometheus_shop")
        assert {asked["authorization"] for asked in Answers.asked} == {f"Bearer {SECRET}"}
        assert all(SECRET not in asked["path"] + asked["form"] for asked in Answers.asked)
        assert SECRET not in words
        assert SECRET not in repr(Login("", SECRET))
