"""What Slack's troubles become: a no, or another try within the budget. Against a server that has them."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from slack_sdk import WebClient

from hotfix.adapters.slack import SlackChat
from hotfix.domain.errors import ChatRefused, ChatUnavailable
from hotfix.domain.message import Message, Place
from tests.contract.fakes.clock import FakeClock

TOKEN = "xoxb-not-for-anybodys-eyes"
MESSAGE = Message(key="INC-1/incident", title="shop", happened="It broke.")
PLACE = Place(channel="C1", id="1700000000.000100")
OK = {"ok": True, "channel": "C1", "ts": PLACE.id, "messages": [], "message": {}}
Reply = tuple[int, dict[str, str], bytes]


def said(content: dict[str, Any], status: int = 200, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, {"Content-Type": "application/json", **named}, json.dumps(content).encode()


def no(code: str) -> Reply:
    return said({"ok": False, "error": code})


class TroubledSlack:
    """Answers each method with what ``script`` says next, and with OK when it says nothing more."""

    def __init__(self) -> None:
        self.script: dict[str, list[Reply | str]] = {}
        self.calls: list[str] = []
        slack = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                method = self.path.rsplit("/", 1)[-1]
                slack.calls.append(method)
                todo = slack.script.get(method, [])
                reply = todo.pop(0) if todo else said(OK)
                if reply == "reset":
                    # Closed with unread state: the client sees a reset.
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    self.connection.close()
                    return
                if reply == "silence":
                    slack.silent.wait(5)
                    return
                assert not isinstance(reply, str)
                status, headers, body = reply
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                return

        self.silent = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> TroubledSlack:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.silent.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def client(self) -> WebClient:
        url = f"http://127.0.0.1:{self._server.server_port}/api/"
        return WebClient(token=TOKEN, base_url=url, timeout=1, retry_handlers=[])


@pytest.fixture
def slack() -> Iterator[TroubledSlack]:
    with TroubledSlack() as running:
        yield running


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def chat(slack: TroubledSlack, clock: FakeClock) -> SlackChat:
    return SlackChat(slack.client, "C1", clock, budget=10)


CALLS: dict[str, Callable[[SlackChat], Any]] = {
    "chat.postMessage": lambda chat: chat.post(MESSAGE),
    "chat.update": lambda chat: chat.update(PLACE, MESSAGE),
    "chat.postEphemeral": lambda chat: chat.whisper(PLACE, "U1", "no"),
    "conversations.history": lambda chat: chat.find("key"),
    "conversations.replies": lambda chat: chat.find("key", PLACE),
    "reactions.get": lambda chat: chat.said(PLACE, PLACE),
}


@pytest.mark.parametrize("method", CALLS)
@pytest.mark.parametrize("code", ["invalid_auth", "channel_not_found", "missing_scope", "something_new"])
def test_a_no_is_final_and_says_what_to_do(slack: TroubledSlack, chat: SlackChat, method: str, code: str) -> None:
    slack.script = {method: [no(code)] * 5}
    with pytest.raises(ChatRefused, match=f"Slack refused {method}: {code}") as refused:
        CALLS[method](chat)
    assert slack.calls.count(method) == 1, "the same no is not asked for twice"
    assert refused.value.advice
    assert TOKEN not in f"{refused.value}{refused.value.__cause__}"


@pytest.mark.parametrize("method", CALLS)
@pytest.mark.parametrize(
    "trouble",
    [
        said({"ok": False, "error": "ratelimited"}, 429, Retry_After="2"),
        said({"ok": False, "error": "internal_error"}),
        (503, {"Content-Type": "text/html"}, b"<h1>no</h1>"),
        "reset",
        "silence",
    ],
    ids=["429", "internal_error", "503", "reset", "timeout"],
)
def test_what_passes_is_tried_again(slack: TroubledSlack, chat: SlackChat, method: str, trouble: Reply | str) -> None:
    slack.script = {method: [trouble]}
    CALLS[method](chat)
    assert slack.calls.count(method) == 2


@pytest.mark.parametrize("method", CALLS)
def test_what_does_not_pass_ends_within_the_budget(
    slack: TroubledSlack, chat: SlackChat, clock: FakeClock, method: str
) -> None:
    slack.script = {method: [said({"ok": False, "error": "fatal_error"})] * 50}
    began = clock.now()
    with pytest.raises(ChatUnavailable, match="fatal_error") as failed:
        CALLS[method](chat)
    assert failed.value.retryable
    assert clock.now() - began <= timedelta(seconds=10)
    assert slack.calls.count(method) <= 6


def test_the_time_that_slack_asks_for_is_waited(slack: TroubledSlack, chat: SlackChat, clock: FakeClock) -> None:
    slack.script = {"chat.update": [said({"ok": False, "error": "ratelimited"}, 429, Retry_After="7")]}
    began = clock.now()
    chat.update(PLACE, MESSAGE)
    assert clock.now() - began == timedelta(seconds=7)


def test_a_longer_time_than_is_left_is_not_waited(slack: TroubledSlack, chat: SlackChat, clock: FakeClock) -> None:
    slack.script = {"chat.update": [said({"ok": False, "error": "ratelimited"}, 429, Retry_After="30")]}
    began = clock.now()
    with pytest.raises(ChatUnavailable, match="fewer calls") as failed:
        chat.update(PLACE, MESSAGE)
    assert failed.value.retry_after == 30
    assert clock.now() == began


def test_a_post_whose_answer_was_lost_is_found_and_not_sent_twice(slack: TroubledSlack, chat: SlackChat) -> None:
    there = {"ok": True, "messages": [{"ts": PLACE.id, "blocks": [{"block_id": MESSAGE.key}]}]}
    slack.script = {"chat.postMessage": ["silence"], "conversations.history": [said(there)]}
    assert chat.post(MESSAGE) == PLACE
    assert slack.calls == ["chat.postMessage", "conversations.history"]
