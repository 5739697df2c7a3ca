"""A metric, the Prometheus that watches it, and the Alertmanager that tells of it: real ones, on loopback."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType

import pytest
import yaml

from demo.loopback import free_port

PROGRAMS = ("prometheus", "prometheus-alertmanager")
needs_alerting = pytest.mark.skipif(
    not all(shutil.which(program) for program in PROGRAMS),
    reason=f"{' and '.join(PROGRAMS)} are not installed: tools/install-rig",
)
PATIENCE = 30.0


class Alerting:
    """Fires ``CheckoutErrors`` at ``webhook`` while ``error_rate`` is above 5 %; repeats it every two seconds."""

    def __init__(self, folder: Path, webhook: str, secret: str, service: str) -> None:
        self.error_rate = 0.0
        self._folder = folder
        self._webhook = webhook
        self._secret = secret
        self._service = service
        self._processes: list[subprocess.Popen[bytes]] = []
        self._exporter = ThreadingHTTPServer(("127.0.0.1", 0), self._metrics())
        self.alertmanager = f"http://127.0.0.1:{free_port()}"
        self.prometheus = f"http://127.0.0.1:{free_port()}"

    def __enter__(self) -> Alerting:
        threading.Thread(target=self._exporter.serve_forever, daemon=True).start()
        self._write()
        ports = [address.rpartition(":")[2] for address in (self.alertmanager, self.prometheus)]
        self._run(
            "prometheus-alertmanager",
            f"--config.file={self._folder / 'alertmanager.yml'}",
            f"--storage.path={self._folder / 'alertmanager'}",
            f"--web.listen-address=127.0.0.1:{ports[0]}",
            "--cluster.listen-address=",
        )
        self._run(
            "prometheus",
            f"--config.file={self._folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self._folder / 'prometheus'}",
            f"--web.listen-address=127.0.0.1:{ports[1]}",
        )
        for address in (self.alertmanager, self.prometheus):
            _wait_for(f"{address}/-/ready")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(timeout=10)
        self._exporter.shutdown()
        self._exporter.server_close()

    def told(self) -> int:
        """How many notifications Alertmanager has sent to the webhook."""
        with urllib.request.urlopen(f"{self.alertmanager}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        of_webhook = 'alertmanager_notifications_total{integration="webhook"'
        return sum(int(float(line.rsplit(" ", 1)[1])) for line in lines if line.startswith(of_webhook))

    def _metrics(self) -> type[BaseHTTPRequestHandler]:
        alerting = self

        class Metrics(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = f'checkout_error_rate{{service="{alerting._service}"}} {alerting.error_rate}\n'.encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                pass

        return Metrics

    def _write(self) -> None:
        (self._folder / "secret").write_text(self._secret)
        receiver = {
            "url": self._webhook,
            "send_resolved": True,
            "max_alerts": 50,
            "http_config": {"authorization": {"credentials_file": str(self._folder / "secret")}},
        }
        route = {"receiver": "hotfix", "group_wait": "0s", "group_interval": "1s", "repeat_interval": "2s"}
        alertmanager = {"route": route, "receivers": [{"name": "hotfix", "webhook_configs": [receiver]}]}
        rule = {
            "alert": "CheckoutErrors",
            "expr": "checkout_error_rate > 0.05",
            "labels": {"severity": "critical"},
            "annotations": {
                "summary": "{{ $value | humanizePercentage }} of the quotes fail",
                "failing_request": "/api/quote?sku=mug&qty=12",
            },
        }
        prometheus = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(self._folder / "rules.yml")],
            "scrape_configs": [{"job_name": "shop", "static_configs": [{"targets": [self._exporter_address()]}]}],
            "alerting": {
                "alertmanagers": [{"static_configs": [{"targets": [self.alertmanager.removeprefix("http://")]}]}]
            },
        }
        rules = {"groups": [{"name": "shop", "rules": [rule]}]}
        for name, content in (("alertmanager", alertmanager), ("prometheus", prometheus), ("rules", rules)):
            (self._folder / f"{name}.yml").write_text(yaml.safe_dump(content))

    def _exporter_address(self) -> str:
        return f"127.0.0.1:{self._exporter.server_address[1]}"

    def _run(self, program: str, *arguments: str) -> None:
        with (self._folder / f"{program}.log").open("wb") as log:
            self._processes.append(
                subprocess.Popen([program, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            )


def _wait_for(address: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(address, timeout=2).close()
        except (OSError, urllib.error.URLError):
            time.sleep(0.2)
        else:
            return
    raise TimeoutError(f"{address} does not answer")
