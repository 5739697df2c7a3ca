"""The part of Prometheus' HTTP API that is needed, with limits on time and size.

https://prometheus.io/docs/prometheus/latest/querying/api/ — Thanos, Mimir and VictoriaMetrics speak it as well.
"""

from __future__ import annotations

import json
import math
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from hotfix.adapters.login import Login
from hotfix.domain.document import clip
from hotfix.domain.errors import HotfixError
from hotfix.domain.service import Prometheus

MOST_BYTES = 32 * 1024 * 1024
WORDS = 400


@dataclass(frozen=True)
class Series:
    """Points are (seconds since 1970, value), oldest first; a value may be NaN or infinite."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


class PrometheusApi:
    """Every method raises ``HotfixError`` with what is wrong and what to do about it."""

    def __init__(self, profile: Prometheus, login: Callable[[str], Login]) -> None:
        self._profile = profile
        self._login = login

    def now(self) -> float:
        """The server's own time, seconds since 1970."""
        data = self._ask("query", {"query": "time()"})
        if data.get("resultType") != "scalar":
            raise self._strange("time() is no scalar")
        return float(data["result"][0])

    def scraped(self, selector: str, start: float, end: float) -> tuple[Series, ...]:
        """The samples of a series selector as they were scraped in (start, end], with their own times."""
        length = max(1, math.ceil(end - start))
        return self._matrix("query", {"query": f"{selector}[{length}s]", "time": f"{end:.3f}"}, selector)

    def evaluated(self, query: str, start: float, end: float) -> tuple[Series, ...]:
        """An expression at every multiple of the profile's step in [start, end]."""
        step = self._profile.step
        first = math.ceil(start / step) * step
        if first > end:
            return ()
        asked = {"query": query, "start": f"{first:.3f}", "end": f"{end:.3f}", "step": f"{step:g}"}
        return self._matrix("query_range", asked, query)

    def _matrix(self, path: str, asked: Mapping[str, str], query: str) -> tuple[Series, ...]:
        data = self._ask(path, asked)
        if data.get("resultType") != "matrix":
            raise HotfixError(
                f"The query {query!r} gives a {data.get('resultType')}, not a series over time.",
                "Correct it in the service's profile.",
            )
        try:
            return tuple(
                Series(found["metric"], tuple((float(at), float(value)) for at, value in found["values"]))
                for found in data["result"]
            )
        except (KeyError, TypeError, ValueError) as error:
            raise self._strange(f"a series of {query!r} has no plain values ({error})") from None

    def _ask(self, path: str, asked: Mapping[str, str]) -> Mapping[str, Any]:
        status, body = self._post(f"{self._profile.url.rstrip('/')}/api/v1/{path}", asked)
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            document = None
        said = document if isinstance(document, dict) else {}
        if status in (401, 403):
            raise self._refused(status)
        if status in (400, 422):
            raise HotfixError(
                f"Prometheus cannot answer the query {asked['query']!r}: {clip(str(said.get('error')), WORDS)}",
                "Correct it in the service's profile.",
            )
        if status != 200 or said.get("status") != "success" or not isinstance(said.get("data"), dict):
            raise self._strange(f"HTTP {status}, {clip(str(said.get('error') or body[:WORDS]), WORDS)}")
        if said.get("warnings"):
            # Of a part of the answer nobody knows whether it is the healthy part.
            words = clip("; ".join(map(str, said["warnings"])), WORDS)
            raise HotfixError(f"Prometheus answered {asked['query']!r} with a warning, perhaps in part: {words}")
        data: Mapping[str, Any] = said["data"]
        return data

    def _post(self, url: str, form: Mapping[str, str]) -> tuple[int, bytes]:
        """Status and body. As a form, so that queries may be long and are in no proxy's log."""
        limit = self._profile.time_limit
        started = time.monotonic()
        body = bytearray()
        try:
            with (
                httpx.Client(
                    timeout=limit, trust_env=False, follow_redirects=False, verify=self._trust(), auth=self._auth()
                ) as client,
                client.stream("POST", url, data=dict(form), headers={"User-Agent": "emergency-hotfix"}) as response,
            ):
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > MOST_BYTES:
                        raise HotfixError(
                            f"Prometheus answers {form['query']!r} with more than {MOST_BYTES // 1024**2} MiB.",
                            "Narrow the selector, or sum in a recording rule.",
                        )
                    # The client's own limit is one for every read: a dripping answer never reaches it.
                    if time.monotonic() - started > limit:
                        raise httpx.ReadTimeout(f"no complete answer within {limit} s")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise HotfixError(
                f"Prometheus at {self._profile.url} does not answer: {type(error).__name__}: {error}",
                "Look whether it runs, and whether url, ca_file and time_limit in the service's profile are right.",
            ) from None
        return response.status_code, bytes(body)

    def _trust(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._profile.ca_file)
        except OSError as error:
            raise HotfixError(
                f"The certificates in {self._profile.ca_file} cannot be read: {error}.",
                "Correct ca_file in the service's profile.",
            ) from None

    def _auth(self) -> httpx.Auth | None:
        if self._profile.connection is None:
            return None
        login = self._login(self._profile.connection)
        return httpx.BasicAuth(login.user, login.password) if login.user else _Bearer(login.password)

    def _refused(self, status: int) -> HotfixError:
        connection = self._profile.connection
        return HotfixError(
            f"Prometheus at {self._profile.url} refuses the login (HTTP {status}).",
            f"Correct the Airflow Connection {connection}."
            if connection
            else "Name an Airflow Connection as `connection` of the source in the service's profile.",
        )

    def _strange(self, what: str) -> HotfixError:
        return HotfixError(
            f"{self._profile.url} does not answer as Prometheus does: {what}.",
            "The url in the service's profile is that of the server, without /api/v1.",
        )


class _Bearer(httpx.Auth):
    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Any:
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request
