"""Slack as the chat: one message an incident in a channel, and its thread."""

from __future__ import annotations

from hotfix.adapters.slack.chat import SlackChat

__all__ = ["SlackChat"]
