"""The advisor against a real server that speaks the OpenAI chat-completions protocol, on loopback."""

from __future__ import annotations

import importlib.util
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from hotfix.domain.diagnosis import Diagnosis
from hotfix.ports.advisor import AdviceLimits
from tests.support.documents import a_diagnosis

pytestmark = pytest.mark.airflow

LIMITS = AdviceLimits(lines=7, files=2)
FILES = {"shop/pricing.py": "def price():\n    return 1 / 0\n"}
DIFF = (
    "--- a/shop/pricing.py\n+++ b/shop/pricing.py\n@@ -1,2 +1,2 @@\n def price():\n-    return 1 / 0\n+    return 1\n"
)


class Model:
    """A language model's server that gives one answer and keeps what it was asked."""

    def __init__(self, answer: str, status: int = 200) -> None:
        self.asked: list[dict[str, Any]] = []
        model = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                model.asked.append({"path": self.path, "key": self.headers["Authorization"], **body})
                message = {"role": "assistant", "content": answer}
                reply = {
                    "id": "1", "object": "chat.completion", "created": 1_767_225_600, "model": body["model"],
                    "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
                    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
                }  # fmt: skip
                content = json.dumps(reply).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def said() -> list[str]:
    return []


def ask(said: list[str], diagnosis: Diagnosis | None = None) -> str | None:
    from hotfix.airflow.llm_advisor import LlmAdvisor

    return LlmAdvisor(said.append).propose_patch(diagnosis or a_diagnosis(), FILES, "ZeroDivisionError", LIMITS)


def connect(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    connection = {"conn_type": "pydanticai", "host": url, "password": "key", "extra": {"model": "openai-chat:small"}}
    monkeypatch.setenv("AIRFLOW_CONN_LLM_DEFAULT", json.dumps(connection))


def test_without_the_connection_nobody_is_asked_and_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_LLM_DEFAULT", raising=False)
    assert ask(said) is None
    assert said == ["no language model is asked: there is no Connection llm_default"]


def test_without_the_provider_nobody_is_asked_and_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    connect(monkeypatch, "http://127.0.0.1:9/v1")
    # How Python marks a module that cannot be imported.
    monkeypatch.setitem(sys.modules, "airflow.providers.common.ai", None)
    monkeypatch.setitem(sys.modules, "airflow.providers.common.ai.hooks", None)
    assert ask(said) is None
    assert len(said) == 1
    assert "airflow.providers.common.ai" in said[0]
    assert "not installed" in said[0]


def _provider_is_installed() -> bool:
    try:
        return importlib.util.find_spec("airflow.providers.common.ai") is not None
    except ModuleNotFoundError:
        return False


# The provider is optional: where it is installed, this is what it must do.
if _provider_is_installed():

    @pytest.fixture
    def model(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Model]:
        made = Model(*getattr(request, "param", (DIFF,)))
        connect(monkeypatch, made.url)
        yield made
        made.close()

    def test_the_patch_is_what_the_model_answers(model: Model, said: list[str]) -> None:
        assert ask(said) == DIFF
        assert said == []

    def test_one_bounded_question_with_the_failure_the_files_and_the_limits(model: Model, said: list[str]) -> None:
        ask(said)
        (asked,) = model.asked
        assert (asked["path"], asked["key"], asked["model"]) == ("/v1/chat/completions", "Bearer key", "small")
        text = json.dumps(asked["messages"])
        for fact in (
            "ZeroDivisionError",
            "1 / 0",
            "shop/pricing.py",
            "at most 7 lines",
            "at most 2 of",
            "Round prices",
        ):
            assert fact in text
        assert 0 < (asked.get("max_tokens") or asked["max_completion_tokens"]) <= 8_000
        assert "tools" not in asked

    @pytest.mark.parametrize(
        ("model", "patch"),
        [((f"Here it is:\n```diff\n{DIFF}```\n",), DIFF), (("NONE",), None), (("  \n",), None)],
        indirect=["model"],
    )
    def test_a_fence_is_taken_off_and_no_patch_is_none(model: Model, said: list[str], patch: str | None) -> None:
        assert ask(said) == patch

    @pytest.mark.parametrize("model", [("", 400), ("", 401)], indirect=True)
    def test_a_model_that_refuses_is_one_line_without_what_was_sent(model: Model, said: list[str]) -> None:
        assert ask(said) is None
        (line,) = said
        assert "no advice" in line
        assert "1 / 0" not in line

    def test_a_model_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
        gone = Model("")
        gone.close()
        connect(monkeypatch, gone.url)
        assert ask(said) is None
        assert len(said) == 1
