"""A server on loopback that speaks OSV's API, over a few vulnerabilities that a test writes down."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class OsvServer:
    """``vulnerabilities`` maps (ecosystem, name, version) to ids, ``details`` ids to what is known of them.

    ``queries`` keeps what was asked; ``page`` limits the ids in an answer; ``broken`` makes every answer wrong.
    """

    def __init__(self) -> None:
        self.vulnerabilities: dict[tuple[str, str, str], list[str]] = {}
        self.details: dict[str, dict[str, Any]] = {}
        self.queries: list[tuple[str, str, str]] = []
        self.page = 1000
        self.broken = ""
        self.address = ""

    def batch(self, queries: list[dict[str, Any]]) -> dict[str, Any]:
        results = []
        for query in queries:
            key = (query["package"]["ecosystem"], query["package"]["name"], query["version"])
            self.queries.append(key)
            start = int(query.get("page_token", "0"))
            ids = self.vulnerabilities.get(key, [])
            answer: dict[str, Any] = {
                "vulns": [{"id": each, "modified": "x"} for each in ids[start : start + self.page]]
            }
            if start + self.page < len(ids):
                answer["next_page_token"] = str(start + self.page)
            results.append(answer if ids else {})
        return {"results": results[: 0 if self.broken == "short" else None]}


@contextmanager
def osv_server() -> Iterator[OsvServer]:
    state = OsvServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(state.batch(json.loads(content)["queries"]))

        def do_GET(self) -> None:
            name = self.path.removeprefix("/v1/vulns/")
            self._answer({"id": name, **state.details.get(name, {})})

        def _answer(self, document: dict[str, Any]) -> None:
            if state.broken == "hangs":
                time.sleep(5)
            self.send_response(500 if state.broken == "error" else 302 if state.broken == "redirect" else 200)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()
            content = json.dumps(document).encode()
            self.wfile.write(b"<html>" if state.broken == "garbage" else content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    state.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
