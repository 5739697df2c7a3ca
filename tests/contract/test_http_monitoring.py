"""Probes over real sockets."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from hotfix.adapters.clock import SystemClock
from hotfix.adapters.http_monitoring import client
from hotfix.adapters.http_monitoring.monitoring import HttpMonitoring
from hotfix.domain.service import Monitoring

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
            for _ in range(200):
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


def monitoring(url: str = "http://127.0.0.1:9") -> HttpMonitoring:
    return HttpMonitoring(Monitoring(url=url, probes=("/ok",)), SystemClock())


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
    assert result.milliseconds < 10_000, "half of what the whole answer takes"


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
