"""The Airflow Connection to Slack, as the chat's adapter needs it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from hotfix.domain.errors import HotfixError

if TYPE_CHECKING:
    from slack_sdk import WebClient

SLACK = "slack_default"


@dataclass(frozen=True)
class SlackAccess:
    """``signing_secret`` is empty where pressed buttons are not told, ``digests`` where nobody reads digests."""

    client: WebClient
    signing_secret: str = field(repr=False)
    digests: str


def slack(timeout: int = 5) -> SlackAccess | None:
    """What the Connection ``slack_default`` gives, by the provider's hook; None without it. ``timeout`` in seconds.

    Raises:
        HotfixError: the Connection is there and cannot be used.
    """
    try:
        extra = Connection.get(SLACK).extra_dejson
    except AirflowNotFoundException:
        return None
    from airflow.providers.slack.hooks.slack import SlackHook

    try:
        # Without its own retries: a post that was sent twice would stand there twice.
        client = SlackHook(slack_conn_id=SLACK, timeout=timeout, retry_handlers=[]).client
    except Exception as error:
        # Only its kind: the text may quote the token.
        raise HotfixError(
            f"The Connection {SLACK} cannot be used ({type(error).__name__}).", "docs/slack.md says how it has to be."
        ) from None
    secret, digests = (str(extra.get(name) or "") for name in ("signing_secret", "digest_channel"))
    return SlackAccess(client=client, signing_secret=secret, digests=digests)
