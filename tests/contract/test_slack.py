"""The ``Chat`` port: the same promises for the fake and for Slack as emulate plays it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any
from uuid import uuid4

import pytest
from slack_sdk import WebClient

from hotfix.adapters.clock import SystemClock
from hotfix.adapters.slack import SlackChat
from hotfix.domain.errors import ChatRefused
from hotfix.domain.message import Button, Message
from hotfix.ports.chat import Chat, Said
from tests.contract.fakes.chat import FakeChat
from tests.support.emulated import Emulated
from tests.support.workspace import Workspace


def a_message(key: str, **changes: Any) -> Message:
    values: dict[str, Any] = {
        "key": key,
        "title": "shop: Quotes fail",
        "happened": "Quotes for ten pieces answer 500.",
        "means": "Customers cannot order.",
        "to_do": "Nothing yet.",
        "facts": (("Phase", "assessment"), ("Reported by", "ada")),
        **changes,
    }
    return Message.model_validate(values)


class ChatContract:
    """Subclass it and give a fixture ``chat``."""

    def test_a_message_is_found_again_by_its_key(self, chat: Chat) -> None:
        key = f"{uuid4()}/1/incident"
        assert chat.find(key) is None
        place = chat.post(a_message(key))
        assert chat.find(key) == place
        assert chat.find(f"{key}-other") is None

    def test_a_reply_is_found_in_its_thread(self, chat: Chat) -> None:
        root = chat.post(a_message(f"{uuid4()}/1/incident"))
        key = f"{uuid4()}/1/approval"
        place = chat.post(a_message(key, loud=True), root)
        assert chat.find(key, root) == place

    def test_a_message_is_changed_where_it_stands(self, chat: Chat) -> None:
        key = f"{uuid4()}/1/incident"
        place = chat.post(a_message(key))
        chat.update(place, a_message(key, happened="It is fixed."))
        assert chat.find(key) == place

    def test_nobody_said_anything(self, chat: Chat) -> None:
        root = chat.post(a_message(f"{uuid4()}/1/incident"))
        request = chat.post(a_message(f"{uuid4()}/1/approval"), root)
        chat.post(a_message(f"{uuid4()}/1/tests"), root)
        assert chat.said(request, root) == ()


class TestFakeChat(ChatContract):
    @pytest.fixture
    def chat(self) -> FakeChat:
        return FakeChat()


@pytest.fixture
def workspace(emulated: Emulated) -> Workspace:
    return Workspace(emulated)


def a_chat(workspace: Workspace, **changes: str) -> SlackChat:
    client = WebClient(
        token=changes.get("token", workspace.token), base_url=workspace.api, timeout=5, retry_handlers=[]
    )
    return SlackChat(client, changes.get("channel", workspace.channel), SystemClock(), budget=2)


class TestSlack(ChatContract):
    @pytest.fixture
    def chat(self, workspace: Workspace) -> SlackChat:
        return a_chat(workspace)

    def test_what_is_posted_is_there_to_read(self, workspace: Workspace) -> None:
        key = f"{uuid4()}/1/incident"
        buttons = (Button(text="Approve", url="http://localhost/a"), Button(text="No", action="no", value="v"))
        diff = "-a\n+b <!channel> ```"
        message = a_message(key, code=diff, buttons=buttons, mentions=("U1",), groups=("S1",))
        place = a_chat(workspace).post(message)
        (stored,) = [m for m in workspace.ask("conversations.history", channel=place.channel)["messages"]
                     if m["ts"] == place.id]  # fmt: skip
        header, text, facts, code, actions = stored["blocks"]
        assert header["block_id"] == key
        assert header["text"]["text"] == "shop: Quotes fail"
        assert "<!subteam^S1> <@U1>" in text["text"]["text"]
        assert "*What it means:* Customers cannot order." in text["text"]["text"]
        assert [field["text"] for field in facts["fields"]] == ["*Phase*\nassessment", "*Reported by*\nada"]
        assert "&lt;!channel&gt;" in code["text"]["text"], "foreign text calls nobody"
        assert code["text"]["text"].count("```") == 2, "foreign text does not end the code"
        assert [(b["text"]["text"], b.get("url"), b.get("value")) for b in actions["elements"]] == [
            ("Approve", "http://localhost/a", None),
            ("No", None, "v"),
        ]

    def test_reactions_and_replies_of_people_are_heard(self, workspace: Workspace) -> None:
        chat = a_chat(workspace)
        root = chat.post(a_message(f"{uuid4()}/1/incident"))
        workspace.ask("chat.postMessage", channel=root.channel, thread_ts=root.id, text="before the request")
        request = chat.post(a_message(f"{uuid4()}/1/approval"), root)
        workspace.ask("reactions.add", channel=root.channel, timestamp=request.id, name="white_check_mark")
        sent = workspace.ask(
            "chat.postMessage", "reviewer", channel=root.channel, thread_ts=root.id, text="reject: too wide"
        )
        reaction, *replies = chat.said(request, root)
        approver, reviewer = workspace.ids["approver"], workspace.ids["reviewer"]
        assert reaction == Said(
            account=approver, text=":white_check_mark:", id=f"{approver}/:white_check_mark:", at=None
        )
        (reply,) = [each for each in replies if each.account == reviewer]
        assert (reply.text, reply.id) == ("reject: too wide", sent["ts"])
        assert reply.at == datetime.fromtimestamp(float(sent["ts"]), timezone.utc)
        assert "before the request" not in [each.text for each in replies]
        workspace.ask("chat.update", "reviewer", channel=root.channel, ts=sent["ts"], text="approve")
        edited = [each for each in chat.said(request, root) if each.account == reviewer]
        assert [each.text for each in edited] == ["approve"]
        assert edited[0].id != reply.id, "an edited reply is another one"

    def test_a_whisper_reaches_one_person(self, workspace: Workspace) -> None:
        chat = a_chat(workspace)
        root = chat.post(a_message(f"{uuid4()}/1/incident"))
        chat.whisper(root, workspace.ids["approver"], "You started it.")
        thread = workspace.ask("conversations.replies", channel=root.channel, ts=root.id)["messages"]
        assert [each["ts"] for each in thread] == [root.id]

    @pytest.mark.parametrize(
        ("break_it", "code", "advice"),
        [
            (lambda w: a_chat(w, channel="C0NOSUCH"), "channel_not_found", "chat.channel"),
            (lambda w: a_chat(w, token=""), "not_authed", "bot token"),
        ],
    )
    def test_slacks_own_no_says_what_to_do(
        self,
        workspace: Workspace,
        monkeypatch: pytest.MonkeyPatch,
        break_it: Callable[[Workspace], SlackChat],
        code: str,
        advice: str,
    ) -> None:
        waits: list[float] = []
        monkeypatch.setattr(SystemClock, "sleep", lambda _self, seconds: waits.append(seconds))
        with pytest.raises(ChatRefused, match=code) as refused:
            break_it(workspace).post(a_message(f"{uuid4()}/1/incident"))
        assert advice in str(refused.value)
        assert waits == [], "a no is not asked for again"
