"""Where Slack tells of pressed buttons. No login of Airflow: every request is signed by Slack."""

from __future__ import annotations

import json
import logging
import urllib.parse
from collections.abc import Callable
from datetime import datetime, timezone

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field, ValidationError
from slack_sdk.signature import SignatureVerifier

from hotfix.domain.errors import HotfixError
from hotfix.steps.press import Press

log = logging.getLogger("hotfix")

# A message of ours comes back inside the payload: 50 blocks of 3000 characters at most.
BODY_LIMIT = 500_000


class _User(BaseModel):
    id: str = Field(pattern=r"^[UW][A-Z0-9]{2,20}$")


class _Action(BaseModel):
    action_id: str = Field(max_length=255)
    value: str = Field(default="", max_length=2000)
    action_ts: float


class _Interaction(BaseModel):
    """https://docs.slack.dev/reference/interaction-payloads/block_actions-payload"""

    type: str
    user: _User
    actions: list[_Action] = Field(default=[], max_length=25)


def slack_callbacks(signing_secret: Callable[[], str], press: Callable[[Press], None]) -> FastAPI:
    """The app. ``signing_secret`` is empty where pressed buttons are not wanted: then there is no such address.

    It answers 401 to what Slack did not sign within the last five minutes, 422 to what it cannot read, 503 where the
    answer could not be kept, so that Slack shows whoever pressed that it did not work.
    """
    app = FastAPI(title="Hotfixes: Slack", docs_url=None, redoc_url=None, openapi_url=None)

    async def interactions(request: Request) -> Response:
        secret = await run_in_threadpool(signing_secret)
        if not secret:
            raise HTTPException(404, "Pressed buttons are not taken: the Connection has no signing_secret.")
        body = await _body(request)
        if not _signed(secret, body, request):
            raise HTTPException(401, "Not signed by Slack, or not within the last five minutes.")
        for pressed in _presses(body):
            try:
                await run_in_threadpool(press, pressed)
            except HotfixError as error:
                log.warning("a pressed button was not kept: %s", error)
                raise HTTPException(503, "The answer could not be kept. Use Airflow's Required Actions.") from None
        return Response(status_code=200)

    app.add_api_route("/interactions", interactions, methods=["POST"])
    return app


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise HTTPException(413, f"More than {BODY_LIMIT} bytes.")
    return body


def _signed(secret: str, body: bytes, request: Request) -> bool:
    timestamp, signature = (request.headers.get(f"X-Slack-{name}", "") for name in ("Request-Timestamp", "Signature"))
    # The verifier also refuses what is older than five minutes; it raises on what is no number.
    return timestamp.isdecimal() and SignatureVerifier(secret).is_valid(body, timestamp, signature)


def _presses(body: bytes) -> list[Press]:
    try:
        form = urllib.parse.parse_qs(body.decode(), strict_parsing=True)
        found = _Interaction.model_validate(json.loads(form["payload"][0]))
    except (ValueError, KeyError, ValidationError):
        raise HTTPException(422, "No interaction of Slack's.") from None
    if found.type != "block_actions":
        return []
    return [
        Press(
            action=action.action_id,
            value=action.value,
            account=found.user.id,
            at=datetime.fromtimestamp(action.action_ts, timezone.utc),
            id=f"{found.user.id}/{action.action_ts}",
        )
        for action in found.actions
    ]
