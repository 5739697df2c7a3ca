"""Production: a shop's pages over HTTP, rendered by the revision that is installed at the moment.

``/render?theme=plain|seasonal&page=welcome|orders``, ``/version``, ``/healthz``. Run it with
``python server.py --root ROOT --port PORT --access-log FILE``; what goes wrong inside is on standard error.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

WORKER = Path(__file__).with_name("worker.py")
PAGES = {(path.parent.name, path.stem) for path in WORKER.with_name("themes").glob("*/*.txt")}


class WorkerFailed(Exception):
    """There is no answer from the installed revision; the text says why."""


class Worker:
    """The child process that runs the installed revision; a new one when another revision is live."""

    def __init__(self, root: Path) -> None:
        self._current = root / "current"
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._release: Path | None = None
        self._version = ""

    def version(self) -> str:
        with self._lock:
            self._make_ready()
            return self._version

    def render(self, theme: str, page: str) -> str:
        """A page's text. Raises WorkerFailed with the traceback where the installed revision raises."""
        with self._lock:
            process = self._make_ready()
            answer = self._ask(process, f"{theme} {page}\n")
        if "error" in answer:
            raise WorkerFailed(answer["error"])
        return answer["text"]

    def stop(self) -> None:
        with self._lock:
            self._end()

    def _make_ready(self) -> subprocess.Popen[str]:
        if not self._current.is_symlink():
            raise WorkerFailed("nothing is deployed")
        release = self._current.resolve()
        process = self._process
        if process is None or process.poll() is not None or release != self._release:
            self._end()
            process = subprocess.Popen(
                [str(release / "bin" / "python"), "-I", str(WORKER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
            self._process, self._release = process, release
            self._version = self._ask(process, "")["version"]
        return process

    def _ask(self, process: subprocess.Popen[str], request: str) -> dict[str, str]:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(request)
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self._end()
            raise WorkerFailed("the worker ended")
        answer: dict[str, str] = json.loads(line)
        return answer

    def _end(self) -> None:
        if self._process is not None:
            # Its own end of the pipe closed, it ends by itself.
            self._process.communicate()
            self._process = None


class Server(ThreadingHTTPServer):
    """Serves on the loopback interface only."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, root: Path, access_log: Path) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.worker = Worker(root)
        self._access_log = access_log
        self._log_lock = threading.Lock()

    def note(self, method: str, path: str, status: int, milliseconds: float) -> None:
        record = {
            "t": round(time.time(), 3),
            "method": method,
            "path": path,
            "status": status,
            "ms": round(milliseconds, 1),
        }
        with self._log_lock, self._access_log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    def server_close(self) -> None:
        super().server_close()
        self.worker.stop()


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        started = time.perf_counter()
        try:
            status, content_type, body = self._answer()
        except WorkerFailed as error:
            sys.stderr.write(f"{error}\n")
            status, content_type, body = HTTPStatus.INTERNAL_SERVER_ERROR, "text/plain", "internal server error\n"
        content = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{content_type}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.server.note("GET", self.path, status, (time.perf_counter() - started) * 1000)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: there is the access log."""

    def _answer(self) -> tuple[HTTPStatus, str, str]:
        address = urlsplit(self.path)
        if address.path == "/healthz":
            return HTTPStatus.OK, "text/plain", "ok\n"
        if address.path == "/version":
            return HTTPStatus.OK, "application/json", json.dumps({"version": self.server.worker.version()})
        query = {key: values[-1] for key, values in parse_qs(address.query).items()}
        theme, page = query.get("theme", "plain"), query.get("page", "welcome")
        if address.path != "/render" or (theme, page) not in PAGES:
            return HTTPStatus.NOT_FOUND, "text/plain", "not found\n"
        return HTTPStatus.OK, "text/plain", self.server.worker.render(theme, page)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--access-log", type=Path, required=True)
    wanted = parser.parse_args()
    with Server(wanted.port, wanted.root, wanted.access_log) as server, contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()


if __name__ == "__main__":
    main()
