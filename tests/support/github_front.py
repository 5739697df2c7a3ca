"""One address for all of GitHub: the emulator's API, what it lacks, and git; with a record, and with faults on demand.

Deployments, commit statuses, code scanning and runs of workflows with their names are kept here, as far as the
documentation of GitHub's REST API describes them. Everything else goes to the emulator, and ``/OWNER/NAME.git`` to a
git server where there is one.
"""

from __future__ import annotations

import base64
import gzip
import http.client
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.emulated import OWNER, REPOSITORY, TOKENS

REPO_PATH = f"/repos/{OWNER}/{REPOSITORY}"


@dataclass
class Fault:
    """What happens to requests that match, ``times`` times: a status, or ``reset``, or ``hang`` (seconds)."""

    method: str
    path: str
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    reset: bool = False
    hang: float = 0
    times: int = 1
    after: bool = False  # the request is carried out, and only its answer is lost


@dataclass(frozen=True)
class Seen:
    method: str
    path: str
    body: Any
    status: int


@dataclass
class GithubFront:
    """``address`` is that of the API and of git alike."""

    address: str = ""
    seen: list[Seen] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    deployments: list[dict[str, Any]] = field(default_factory=list)
    deployment_statuses: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    statuses: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    sarif: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    on_dispatch: Callable[[dict[str, Any]], None] = lambda run: None
    on_push: Callable[[], None] = lambda: None
    run_name: str = "Deploy {request}"
    token_is_an_apps: bool = True
    violations: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=lambda: set(TOKENS.values()))
    lock: threading.RLock = field(default_factory=threading.RLock)

    def writes(self) -> list[tuple[str, str]]:
        """Method and path of everything that was written since the last ``forget``."""
        return [(each.method, each.path) for each in self.seen if each.method != "GET" and each.status < 400]

    def forget(self) -> None:
        self.seen.clear()
        self.faults.clear()
        self.violations.clear()

    def finish_deployment(self, deployment: int, state: str, description: str = "") -> None:
        """What somebody who listens to deployments posts; a success makes the earlier ones inactive, as GitHub does."""
        with self.lock:
            self._add_status(deployment, {"state": state, "description": description})

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any] | None:
        """What the emulator has no answer to; None for what it has."""
        with self.lock:
            if path == f"{REPO_PATH}/deployments":
                return self._deployments(method, query, body)
            if found := re.fullmatch(rf"{REPO_PATH}/deployments/(\d+)/statuses", path):
                number = int(found[1])
                if method == "POST":
                    return 201, self._add_status(number, body)
                return 200, _page(self.deployment_statuses[number][::-1], query)
            if found := re.fullmatch(rf"{REPO_PATH}/statuses/([0-9a-f]{{40}})", path):
                status = {"id": len(self.statuses), "created_at": _now(), **body}
                self.statuses.setdefault(found[1], []).insert(0, status)
                return 201, status
            if found := re.fullmatch(rf"{REPO_PATH}/commits/([0-9a-f]{{40}})/statuses", path):
                return 200, _page(self.statuses.get(found[1], []), query)
            if path == f"{REPO_PATH}/code-scanning/analyses":
                known = [each for each in self.sarif if each["ref"] == query.get("ref")]
                return (200, known) if known else (404, {"message": "no analysis found"})
            if path == f"{REPO_PATH}/code-scanning/sarifs":
                content = json.loads(gzip.decompress(base64.b64decode(body["sarif"])))
                self.sarif.append({"ref": body["ref"], "commit_sha": body["commit_sha"], "content": content})
                return 202, {"id": f"upload-{len(self.sarif)}", "url": f"{self.address}{path}/upload-{len(self.sarif)}"}
            if path.startswith(f"{REPO_PATH}/check-runs") and not self.token_is_an_apps:
                return 403, {"message": "You must authenticate via a GitHub App."}
            if re.fullmatch(
                rf"{REPO_PATH}/actions/workflows/[^/]+/(dispatches|runs)|{REPO_PATH}/actions/runs/\d+", path
            ):
                return self._workflows(path, body)
        return None

    def _deployments(self, method: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if method == "GET":
            wanted = [
                each
                for each in reversed(self.deployments)
                if query.get("environment") in (None, each["environment"]) and query.get("sha") in (None, each["sha"])
            ]
            return 200, _page(wanted, query)
        number = len(self.deployments) + 1
        deployment = {
            "id": number,
            "sha": body["ref"],
            "ref": body["ref"],
            "task": "deploy",
            "payload": body.get("payload", {}),
            "environment": body["environment"],
            "description": body.get("description"),
            "created_at": _now(),
            "updated_at": _now(),
            "url": f"{self.address}{REPO_PATH}/deployments/{number}",
        }
        self.deployments.append(deployment)
        self.deployment_statuses[number] = []
        return 201, deployment

    def _add_status(self, number: int, body: dict[str, Any]) -> dict[str, Any]:
        status = {"description": "", **body, "created_at": _now(), "id": len(self.deployment_statuses[number]) + 1}
        if body["state"] == "success":
            here = self.deployments[number - 1]["environment"]
            for other in self.deployments:
                past = self.deployment_statuses[other["id"]]
                if other["id"] != number and other["environment"] == here and past and past[-1]["state"] == "success":
                    past.append({"state": "inactive", "description": "", "created_at": _now(), "id": len(past) + 1})
        self.deployment_statuses[number].append(status)
        return status

    def _workflows(self, path: str, body: Any) -> tuple[int, Any]:
        if path.endswith("/dispatches"):
            run = {
                "id": len(self.runs) + 1,
                "display_title": self.run_name.format(**body["inputs"]),
                "event": "workflow_dispatch",
                "status": "queued",
                "conclusion": None,
                "inputs": body["inputs"],
            }
            self.on_dispatch(run)
            self.runs.append(run)
            return 204, None
        if path.endswith("/runs"):
            return 200, {"total_count": len(self.runs), "workflow_runs": self.runs[::-1]}
        return 200, self.runs[int(path.rsplit("/", 1)[1]) - 1]


def _page(items: list[dict[str, Any]], query: dict[str, str]) -> list[dict[str, Any]]:
    size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
    return items[(page - 1) * size : page * size]


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


@contextmanager
def github_front(port: int, emulator: str, *, git: str = "", validator: str = "") -> Iterator[GithubFront]:
    """Listen on ``port``. ``validator`` stands in front of a second listener of this kind and checks every request."""
    state = GithubFront(address=f"http://localhost:{port}")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            content = self._content()
            if ".git/" in parts.path:
                self._forward(git, content, pushed=parts.path.endswith("/git-receive-pack"))
                return
            path = parts.path
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            body = json.loads(content) if content and self.headers.get("Content-Type") == "application/json" else None
            fault = self._fault(path)
            if fault and not fault.after and self._suffer(fault, path, body):
                return
            if (
                not path.startswith("/app/")
                and self.headers.get("Authorization", "").split(" ")[-1] not in state.tokens
            ):
                status, said, headers = 401, json.dumps({"message": "Bad credentials"}).encode(), {}
            elif (ours := state.answer(self.command, path, query, body)) is not None:
                status, headers = ours[0], {}
                said = b"" if ours[1] is None else json.dumps(ours[1]).encode()
                if validator:
                    self._ask(validator, content)
            else:
                status, said, headers = self._ask(validator or emulator, content)
                if status == 404 and (asked := re.fullmatch(rf"({REPO_PATH})/commits/([0-9a-f]{{40}})/pulls", path)):
                    status, said = 200, self._pulls_of(*asked.groups())
                if path.endswith("/access_tokens") and status == 201:
                    state.tokens.add(json.loads(said)["token"])
            state.seen.append(Seen(self.command, path, body, status))
            if fault and self._suffer(fault, path, body):
                return
            self._say(status, said, headers)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815

        def _content(self) -> bytes:
            if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
                content = b""
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    content += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return content
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def _fault(self, path: str) -> Fault | None:
            with state.lock:
                for fault in state.faults:
                    if fault.times > 0 and fault.method in (self.command, "*") and re.search(fault.path, path):
                        fault.times -= 1
                        return fault
            return None

        def _suffer(self, fault: Fault, path: str, body: Any) -> bool:
            """Whether the answer is lost."""
            state.seen.append(Seen(self.command, path, body, fault.status or 599))
            if fault.hang:
                time.sleep(fault.hang)
            if fault.reset or fault.hang:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                self.connection.close()
                return True
            self._say(
                fault.status, json.dumps(fault.body or {"message": f"fault {fault.status}"}).encode(), fault.headers
            )
            return True

        def _ask(self, upstream: str, content: bytes) -> tuple[int, bytes, dict[str, str]]:
            answer = self._exchange(upstream, content)
            if found := answer.getheader("sl-violations"):
                state.violations += [
                    f"{self.command} {self.path}: {each['message']} ({each['location']})"
                    for each in json.loads(found)
                    if each["location"][0] == "request"
                ]
            kept = {name: value for name, value in answer.getheaders() if name.lower() in ("link", "content-type")}
            return answer.status, answer.read(), kept

        def _pulls_of(self, repository: str, commit: str) -> bytes:
            """Which pull requests have a commit as their newest: the emulator is asked for all of them."""
            connection = http.client.HTTPConnection(urlsplit(emulator).netloc, timeout=30)
            connection.request("GET", f"{repository}/pulls?state=all&per_page=100", None, dict(self.headers.items()))
            known = json.loads(connection.getresponse().read())
            return json.dumps([each for each in known if each["head"]["sha"] == commit]).encode()

        def _exchange(self, upstream: str, content: bytes) -> http.client.HTTPResponse:
            connection = http.client.HTTPConnection(urlsplit(upstream).netloc, timeout=30)
            skipped = ("host", "connection", "transfer-encoding", "content-length", "accept-encoding", "expect")
            headers = {name: value for name, value in self.headers.items() if name.lower() not in skipped}
            if upstream == git:
                headers["Host"] = self.headers["Host"]
            connection.request(self.command, self.path, content or None, headers)
            return connection.getresponse()

        def _forward(self, upstream: str, content: bytes, pushed: bool) -> None:
            answer = self._exchange(upstream, content)
            skipped = ("transfer-encoding", "connection", "content-length")
            kept = {name: value for name, value in answer.getheaders() if name.lower() not in skipped}
            said = answer.read()
            if pushed:
                state.on_push()
            self._say(answer.status, said, kept)

        def _say(self, status: int, content: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
