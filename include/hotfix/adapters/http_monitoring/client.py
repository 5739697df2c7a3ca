"""One GET request, whose every outcome is a value."""

from __future__ import annotations

import time
from dataclasses import dataclass

import httpx

TIME_LIMIT_SECONDS = 5.0
BODY_LIMIT_BYTES = 64 * 1024


@dataclass(frozen=True)
class Answer:
    """``status`` is None when there was no complete answer; ``error`` then says why."""

    status: int | None
    body: bytes
    milliseconds: float
    error: str = ""


def new_client() -> httpx.Client:
    """A client that asks production itself.

    Neither a proxy from the environment nor a redirect may answer for it, and every request gets a connection of its
    own: a kept one would stay with one worker, while the next request may meet another version.
    """
    return httpx.Client(
        timeout=TIME_LIMIT_SECONDS,
        trust_env=False,
        follow_redirects=False,
        limits=httpx.Limits(max_keepalive_connections=0),
        headers={"User-Agent": "emergency-hotfix", "Connection": "close", "Cache-Control": "no-cache"},
    )


def get(client: httpx.Client, url: str) -> Answer:
    """Ask once. Of a longer body the first ``BODY_LIMIT_BYTES`` are read."""
    started = time.monotonic()
    body = bytearray()
    try:
        with client.stream("GET", url) as response:
            for chunk in response.iter_bytes():
                body += chunk
                # The client's own limit is one for every read: a dripping answer never reaches it.
                if time.monotonic() - started > TIME_LIMIT_SECONDS:
                    raise httpx.ReadTimeout(f"no complete answer within {TIME_LIMIT_SECONDS:.0f} s")
                if len(body) >= BODY_LIMIT_BYTES:
                    break
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Answer(None, b"", _milliseconds_since(started), f"{type(error).__name__}: {error}".rstrip(": "))
    return Answer(response.status_code, bytes(body), _milliseconds_since(started))


def _milliseconds_since(started: float) -> float:
    return round((time.monotonic() - started) * 1000, 3)
