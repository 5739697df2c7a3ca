"""Monitoring over real sockets and real files."""

from __future__ import annotations

import json
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import pytest

from hotfix.adapters.clock import SystemClock
from hotfix.adapters.http_monitoring import client
from hotfix.adapters.http_monitoring.monitoring import HttpMonitoring
from hotfix.domain.errors import HotfixError
from hotfix.domain.service import Monitoring
from tests.contract.fakes.clock import FakeClock
from tests.contract.fakes.monitoring import FakeMonitoring

SHA = "a" * 40
START = datetime(2026, 3, 1, 3, 0, tzinfo=timezone.utc)


class Service(BaseHTTPRequestHandler):
    version: object = {"version": SHA}

    def do_GET(self) -> None:
        if self.path == "/drip":
            self.drip()
            return
        status = {"/boom": 500, "/moved": 302, "/missing": 404}.get(self.path, 200)
        body = json.dumps(self.version if self.path.startswith("/version") else "fine").encode()
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/ok")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def drip(self) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            for _ in range(40):
                self.wfile.write(b".")
                self.wfile.flush()
                time.sleep(0.1)
        except OSError:
            return

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def service() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def monitoring(url: str = "http://127.0.0.1:9", log: Path | None = None) -> HttpMonitoring:
    profile = Monitoring(url=url, probes=("/ok",), access_log=str(log) if log else None)
    return HttpMonitoring(profile, SystemClock())


@pytest.mark.parametrize(
    ("path", "status", "failed"),
    [("/ok", 200, False), ("/boom", 500, True), ("/moved", 302, False), ("/missing", 404, False)],
)
def test_a_probe_reports_what_production_itself_answers(
    service: str, path: str, status: int, failed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    result = monitoring(service).probe(path)
    assert (result.path, result.status, result.failed, result.error) == (path, status, failed, "")
    assert 0 < result.milliseconds < 5000


def test_a_refused_connection_is_a_result() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    result = monitoring(url).probe("/ok")
    assert result.status is None
    assert result.failed
    assert "ConnectError" in result.error


def test_an_answer_that_never_comes_to_its_end_is_a_failure(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "TIME_LIMIT_SECONDS", 0.5)
    result = monitoring(service).probe("/drip")
    assert result.status is None
    assert "ReadTimeout" in result.error
    assert result.milliseconds < 2000


def test_a_silent_server_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "TIME_LIMIT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        result = monitoring(f"http://127.0.0.1:{silent.getsockname()[1]}").probe("/ok")
    assert result.status is None
    assert "Timeout" in result.error


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"version": SHA, "more": 1}, SHA),
        ({"version": SHA[:12]}, None),
        ({"version": 7}, None),
        ({}, None),
        ([SHA], None),
        (None, None),
    ],
)
def test_only_a_full_commit_id_is_a_version(
    service: str, document: object, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Service, "version", document)
    assert monitoring(service).version() == expected


def test_no_answer_is_no_version() -> None:
    assert monitoring().version() is None


def line(second: float, status: float = 200, path: str = "/ok", ms: float = 10) -> str:
    return json.dumps({"t": START.timestamp() + second, "path": path, "status": status, "ms": ms}) + "\n"


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_samples_sum_up_each_second_of_the_window(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text(
        line(-0.1)
        + line(0.0, ms=1)
        + line(0.9, status=500, ms=2)
        + line(2.5, status=0)
        + line(2.1, status=499)
        + line(2.2, path="/version?x=1")
        + line(5.0)
    )
    samples = monitoring(log=log).samples(START, after(5))
    assert [(sample.at, sample.requests, sample.errors) for sample in samples] == [
        (START, 2, 1),
        (after(2), 2, 1),
    ]
    assert samples[0].latencies_ms == (1, 2)


def test_windows_side_by_side_count_every_request_once(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(line(step / 100) for step in range(1000)))
    source = monitoring(log=log)
    edges = [0, 1.25, 3.333, 7.5, 10]
    parts = [source.samples(after(a), after(b)) for a, b in pairwise(edges)]
    assert sum(sample.requests for part in parts for sample in part) == 1000
    assert all(after(a) <= sample.at for a, part in zip(edges, parts, strict=False) for sample in part)


def test_a_second_keeps_at_most_200_latencies_from_all_of_it(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(line(step / 5000, ms=step) for step in range(5000)))
    (sample,) = monitoring(log=log).samples(START, after(1))
    assert sample.requests == 5000
    assert 100 <= len(sample.latencies_ms) <= 200
    assert 2300 < sum(sample.latencies_ms) / len(sample.latencies_ms) < 2700
    assert max(sample.latencies_ms) > 4800


def test_nothing_written_means_that_nothing_is_known(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text(line(0))
    assert monitoring(log=log).samples(after(10), after(20)) == ()
    log.write_text("")
    assert monitoring(log=log).samples(START, after(20)) == ()


@pytest.mark.parametrize(
    "garbage",
    [
        "GET / 200\n",
        "[]\n",
        '{"t": "now", "path": "/", "status": 200, "ms": 1}\n',
        '{"t": NaN, "path": "/", "status": 1}\n',
    ],
)
def test_unreadable_lines_are_skipped_but_a_log_of_nothing_else_is_an_error(tmp_path: Path, garbage: str) -> None:
    log = tmp_path / "access.log"
    log.write_text(garbage + line(1) + garbage)
    (sample,) = monitoring(log=log).samples(START, after(5))
    assert sample.requests == 1
    log.write_text(garbage * 3)
    with pytest.raises(HotfixError, match=r"None of the 3 lines .*keys t"):
        monitoring(log=log).samples(START, after(5))


def test_a_line_that_is_being_written_is_not_an_unreadable_one(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text(line(1)[:20])
    assert monitoring(log=log).samples(START, after(5)) == ()


def test_a_missing_log_is_an_error_that_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(HotfixError, match=r"monitoring\.access_log"):
        monitoring(log=tmp_path / "nowhere.log").samples(START, after(5))


@pytest.mark.parametrize("missing", [True, False])
def test_a_rotated_log_is_read_where_the_window_begins_before_the_new_one(tmp_path: Path, missing: bool) -> None:
    log = tmp_path / "access.log"
    (tmp_path / "access.log.1").write_text("".join(line(second) for second in range(50)))
    if not missing:
        log.write_text("".join(line(second) for second in range(50, 100)))
    samples = monitoring(log=log).samples(after(40), after(60))
    assert sum(sample.requests for sample in samples) == (10 if missing else 20)
    assert [sample.at for sample in samples] == sorted(sample.at for sample in samples)


def test_a_log_rotated_by_a_second_name_is_not_counted_twice(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text(line(1))
    (tmp_path / "access.log.1").hardlink_to(log)
    (sample,) = monitoring(log=log).samples(START, after(5))
    assert sample.requests == 1


@pytest.mark.parametrize("begin", [10, 40_000, 79_990])
def test_a_large_log_is_not_read_as_a_whole(tmp_path: Path, begin: int) -> None:
    log = tmp_path / "access.log"
    padding = "x" * 200
    with log.open("w") as file:
        for second in range(80_000):
            file.write(line(second, path=f"/{padding}"))
    assert log.stat().st_size > 20_000_000
    tracemalloc.start()
    started = time.monotonic()
    samples = monitoring(log=log).samples(after(begin), after(begin + 10))
    seconds = time.monotonic() - started
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(samples) == 10
    assert peak < 4_000_000
    assert seconds < 1


def test_without_a_log_the_samples_are_the_probes(service: str) -> None:
    source = monitoring(service)
    begin = datetime.now(timezone.utc)
    assert source.samples(begin, begin + timedelta(hours=1)) == ()
    for path in ("/ok", "/boom", "/version"):
        source.probe(path)
    samples = source.samples(begin, datetime.now(timezone.utc) + timedelta(seconds=1))
    assert sum(sample.requests for sample in samples) == 2
    assert sum(sample.errors for sample in samples) == 1
    assert source.samples(begin - timedelta(hours=1), begin) == ()


def test_the_fakes_do_as_they_are_told() -> None:
    clock = FakeClock(START)
    answer: Callable[[], str] = lambda: SHA  # noqa: E731
    fake = FakeMonitoring(clock, version=answer)
    fake.answers["/boom"] = None
    clock.sleep(3)
    assert fake.probe("/boom").failed
    assert fake.probe("/ok").at == after(3)
    assert fake.version() == SHA
