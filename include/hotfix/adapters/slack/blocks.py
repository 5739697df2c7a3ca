"""A message as Slack's Block Kit. Foreign text stays text: it mentions nobody and closes no code block."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    HeaderBlock,
    LinkButtonElement,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)

from hotfix.domain.message import Button, Message

# https://docs.slack.dev/reference/block-kit/blocks: characters of each kind of text, fields of a section.
HEADER, TEXT, FIELD, FIELDS, BUTTON = 150, 3000, 2000, 10, 75
# What Slack shows of a long message is cut by a "show more"; the decision has to be above it.
SHOWN = 1500


def blocks_of(message: Message) -> list[dict[str, Any]]:
    """The blocks of a message; the first one carries its key as ``block_id``."""
    found: list[Block] = [
        HeaderBlock(text=PlainTextObject(text=_cut(message.title, HEADER), emoji=True), block_id=message.key)
    ]
    calls = " ".join([*(f"<!subteam^{each}>" for each in message.groups), *(f"<@{each}>" for each in message.mentions)])
    until = f"*Until:* {_local_time(message.until)}" if message.until else ""
    told = (
        calls,
        _part("What happened", message.happened),
        _part("What it means", message.means),
        _part("What to do", message.to_do),
        until,
    )
    found.append(_section("\n".join(filter(None, told))))
    if message.facts:
        fields = [MarkdownTextObject(text=_fact(name, value)) for name, value in message.facts[:FIELDS]]
        found.append(SectionBlock(fields=fields))
    if message.code:
        code = _cut(escaped(message.code), SHOWN).replace("```", "`\u200b``")
        found.append(_section(f"```\n{code}\n```"))
    if message.buttons:
        found.append(ActionsBlock(elements=[_button(button) for button in message.buttons]))
    return [block.to_dict() for block in found]


def plain_text(message: Message) -> str:
    """For notifications and screen readers."""
    return escaped(_cut(f"{message.title}: {message.happened}", TEXT))


def escaped(text: str) -> str:
    """https://docs.slack.dev/messaging/formatting-message-text#escaping"""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _part(name: str, text: str) -> str:
    return f"*{name}:* {escaped(text)}" if text else ""


def _fact(name: str, value: str) -> str:
    return _cut(f"*{escaped(name)}*\n{escaped(value)}", FIELD)


def _section(text: str) -> SectionBlock:
    return SectionBlock(text=MarkdownTextObject(text=_cut(text, TEXT)))


def _button(button: Button) -> ButtonElement | LinkButtonElement:
    style = button.style or None
    text = _cut(button.text, BUTTON)
    if button.url:
        return LinkButtonElement(text=text, url=button.url, style=style)
    return ButtonElement(text=text, action_id=button.action, value=button.value, style=style)


def _local_time(moment: datetime) -> str:
    return f"<!date^{int(moment.timestamp())}^{{time_secs}}|{moment:%H:%M:%S} UTC>"


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
