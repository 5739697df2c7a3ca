"""A real Prometheus server on loopback, with a history of one's own."""

from __future__ import annotations

import math
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from demo.loopback import free_port
from tests.support.rig import program

START_LIMIT = 60.0
# (name, labels, points of (seconds since 1970, value))
Told = tuple[str, Mapping[str, str], Iterable[tuple[float, float]]]


class PrometheusServer:
    """``scrape``: YAML of scrape_configs; ``web``: YAML of the web configuration (TLS, passwords).

    Skips the test where Debian's package is not installed.
    """

    def __init__(self, folder: Path, history: Sequence[Told] = (), scrape: str = "", web: str = "") -> None:
        self._folder = folder
        self._prometheus, self._promtool = program("prometheus"), program("promtool")
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        (folder / "prometheus.yml").write_text(f"global: {{scrape_interval: 1s}}\nscrape_configs: [{scrape}]\n")
        (folder / "web.yml").write_text(web)
        if history:
            self._write(history)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> PrometheusServer:
        folder = self._folder
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    str(self._prometheus),
                    f"--config.file={folder / 'prometheus.yml'}",
                    f"--web.config.file={folder / 'web.yml'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                    f"--storage.tsdb.path={folder / 'data'}",
                    # The history may be of any year.
                    "--storage.tsdb.retention.time=100y",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_LIMIT
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.__exit__(None, None, None)
                raise RuntimeError(f"Prometheus did not start:\n{(folder / 'log').read_text()[-2000:]}")
            time.sleep(0.1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError as error:
            # It answers, if only for those who log in or speak TLS.
            return error.code in (400, 401)
        except OSError:
            return False

    def _write(self, history: Sequence[Told]) -> None:
        names = dict.fromkeys(name for name, _, _ in history)
        lines = []
        for name in names:
            lines.append(f"# TYPE {name.removesuffix('_total')} {'counter' if name.endswith('_total') else 'unknown'}")
            for other, labels, points in history:
                if other == name:
                    told = ",".join(f'{key}="{value}"' for key, value in labels.items())
                    lines += [f"{name}{{{told}}} {_number(value)} {at:.3f}" for at, value in points]
        text = self._folder / "history.txt"
        text.write_text("\n".join([*lines, "# EOF", ""]))
        command = [
            str(self._promtool),
            "tsdb",
            "create-blocks-from",
            "openmetrics",
            str(text),
            str(self._folder / "data"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def _number(value: float) -> str:
    return "NaN" if math.isnan(value) else repr(float(value))
