"""Calls of Slack's Web API within a budget of time, with errors in our words."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from hotfix.domain.errors import ChatRefused, ChatUnavailable
from hotfix.ports.clock import Clock

# What to do about an answer that stays no. https://docs.slack.dev/reference/methods/chat.postMessage#errors
ADVICE = {
    "invalid_auth": "Put a valid bot token into the Connection's password.",
    "not_authed": "Put a bot token into the Connection's password.",
    "account_inactive": "The token's app was removed from the workspace: install it again.",
    "token_revoked": "Put a new bot token into the Connection's password.",
    "token_expired": "Put a new bot token into the Connection's password.",
    "channel_not_found": "Correct chat.channel in the service profile, or invite the app to the channel.",
    "not_in_channel": "Invite the app to the channel.",
    "is_archived": "Name a channel in the service profile that is not archived.",
    "missing_scope": "Give the app the scopes that docs/slack.md lists.",
}
# Slack's own troubles: the same call may go through a moment later.
PASSING = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "ratelimited"})
FIRST_PAUSE = 0.5


class SlackCalls:
    """One Slack app. ``budget``: seconds from the first call on, after which a failed call is not tried again."""

    def __init__(self, client: WebClient, clock: Clock, budget: float) -> None:
        self._client = client
        self._clock = clock
        self._budget = timedelta(seconds=budget)
        self._over: datetime | None = None

    def read(self, method: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Call a method that changes nothing; raises like ``write``."""
        # Slack takes JSON only where something is written.
        return self._within_budget(method, {"data": dict(arguments)}, repeat=True)

    def write(self, method: str, arguments: Mapping[str, Any], *, repeat: bool = True) -> Mapping[str, Any]:
        """Call a method. ``repeat`` is whether it may be sent again when nobody knows what became of it.

        Raises:
            ChatRefused: Slack said no.
            ChatUnavailable: it did not answer, or asked for more time than is left.
        """
        return self._within_budget(method, {"json": dict(arguments)}, repeat)

    def _within_budget(self, method: str, payload: Mapping[str, Any], repeat: bool) -> Mapping[str, Any]:
        self._over = self._over or self._clock.now() + self._budget
        pause = FIRST_PAUSE
        while True:
            try:
                return self._once(method, payload)
            except ChatUnavailable as error:
                wait = error.retry_after or pause
                if not (repeat or error.retry_after) or self._clock.now() + timedelta(seconds=wait) >= self._over:
                    raise
            self._clock.sleep(wait)
            pause *= 2

    def _once(self, method: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            answer = self._client.api_call(method, **payload)
        except SlackApiError as error:
            raise _in_our_words(method, error) from None
        except (SlackClientError, http.client.HTTPException, OSError, ValueError) as error:
            # Not its text: it may quote the request.
            raise ChatUnavailable(f"Slack did not answer {method} ({type(error).__name__}).") from None
        data = answer.data
        if not isinstance(data, dict):
            raise ChatUnavailable(f"Slack answered {method} with something that is no answer.")
        return data


def _in_our_words(method: str, error: SlackApiError) -> ChatRefused | ChatUnavailable:
    response = error.response
    # Where the answer was no JSON, the SDK gives a plain dictionary, or nothing.
    status = getattr(response, "status_code", None) or _of(response, "status") or 0
    headers = getattr(response, "headers", None) or _of(response, "headers") or {}
    code = str(_of(getattr(response, "data", response), "error") or "")
    if status == 429 or code == "ratelimited":
        after = _seconds(headers)
        return ChatUnavailable(f"Slack wants fewer calls of {method} for {after:g} s.", retry_after=after)
    if code in PASSING or status >= 500 or not code:
        return ChatUnavailable(f"Slack answered {method} with {code or f'HTTP status {status}'}.")
    return ChatRefused(f"Slack refused {method}: {code}.", ADVICE.get(code, "See docs/slack.md."))


def _of(response: object, name: str) -> Any:
    return response.get(name) if isinstance(response, dict) else None


def _seconds(headers: Mapping[str, Any]) -> float:
    """``Retry-After``, a second at least. The SDK gives a header's value alone or as a list."""
    for name, value in headers.items():
        if name.lower() == "retry-after":
            first = value[0] if isinstance(value, list) else value
            return max(1.0, float(first)) if str(first).replace(".", "", 1).isdigit() else 1.0
    return 1.0
