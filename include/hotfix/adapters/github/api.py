"""Calls of GitHub's REST API: one place for credentials, time limits, second tries and errors."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import httpx

from hotfix.domain.errors import CodeHostFailed, CodeHostUnavailable
from hotfix.ports.clock import Clock

PUBLIC_ADDRESS = "https://api.github.com"
# https://docs.github.com/en/rest/about-the-rest-api/api-versions
API_VERSION = "2022-11-28"
# Seconds; an answer is waited for at most as long as patience lasts, but for the shortest.
CONNECT_LIMIT, ANSWER_LIMIT, SHORTEST_LIMIT = 5.0, 15.0, 3.0
PAGE = 100
# Of a list; 2,000 items.
PAGES = 20
_FIRST_PAUSE = 1.0
# GitHub says nothing was done, so the same call may be made again.
_BUSY = frozenset({429, 500, 502, 503, 504})

T = TypeVar("T")


class GithubApi:
    """One GitHub, for one identity. ``token`` is asked at every call, since those of an App live for an hour only.

    ``patience`` is how many seconds an instance loses in all to calls that fail and to waiting before it gives up. Not
    for several threads.
    """

    def __init__(
        self, token: Callable[[], str], clock: Clock, *, address: str = PUBLIC_ADDRESS, patience: float = 30
    ) -> None:
        self.address = address.rstrip("/")
        self._token = token
        self._clock = clock
        self._left = float(patience)
        self._client = httpx.Client(follow_redirects=False)

    def get(self, path: str, **query: str | int) -> Any:
        """The answer as JSON.

        Raises:
            CodeHostUnavailable: no answer, or not now.
            CodeHostFailed: GitHub refuses; the text says what to do.
        """
        return self._call("GET", path, query=query)

    def find(self, path: str, **query: str | int) -> Any | None:
        """The answer as JSON; None when there is no such thing. Of a repository that must not be seen there is none."""
        return self._call("GET", path, query=query, missing_is_none=True)

    def pages(self, path: str, key: str = "", **query: str | int) -> Iterator[Any]:
        """The items of a list, page after page; ``key`` names the list in an answer that holds more.

        Behind ``PAGES`` pages it ends: what is looked for of one incident is among the newest.
        """
        for page in range(1, PAGES + 1):
            answer = self.get(path, **query, per_page=PAGE, page=page)
            items = answer[key] if key else answer
            yield from items
            if len(items) < PAGE:
                return

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return self._call("POST", path, body=body)

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._call("PATCH", path, body=body)

    def delete(self, path: str) -> None:
        """Also where there is no such thing any more."""
        self._call("DELETE", path, missing_is_none=True)

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
        missing_is_none: bool = False,
    ) -> Any:
        pause = _FIRST_PAUSE
        while True:
            began = time.monotonic()
            try:
                answer = self._client.request(
                    method,
                    f"{self.address}{path}",
                    params=query or None,
                    json=body,
                    headers=self._headers(),
                    timeout=httpx.Timeout(max(SHORTEST_LIMIT, min(ANSWER_LIMIT, self._left)), connect=CONNECT_LIMIT),
                )
            except httpx.HTTPError as error:
                # Only the kind: the text of some errors quotes headers.
                problem = CodeHostUnavailable(f"GitHub did not answer {method} {path} ({type(error).__name__}).")
                if method == "POST" and not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
                    # It may have been done: only looking can tell.
                    raise problem from None
            else:
                if answer.is_success:
                    return answer.json() if answer.content else None
                if answer.status_code == 404 and missing_is_none:
                    return None
                wait = _asked_to_wait(answer, self._clock.now().timestamp())
                if answer.status_code not in _BUSY and wait is None:
                    raise _refusal(method, path, answer)
                problem = CodeHostUnavailable(
                    f"GitHub answered {method} {path} with {answer.status_code}{_words(answer)}.", retry_after=wait
                )
                if method == "POST" and answer.status_code >= 500:
                    raise problem
                pause = max(pause, wait or 0)
            self._left -= time.monotonic() - began
            if pause > self._left:
                raise problem
            self._left -= pause
            self._clock.sleep(pause)
            pause *= 2

    def _headers(self) -> dict[str, str]:
        return {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self._token()}",
            "X-GitHub-Api-Version": API_VERSION,
            "User-Agent": "airflow-emergency-hotfix",
        }


def look_or_make(look: Callable[[], T | None], make: Callable[[], T]) -> T:
    """What is there, else what is made. A making that went through without an answer is found by looking again.

    Raises:
        CodeHostFailed: neither.
    """
    found = look()
    if found is not None:
        return found
    try:
        return make()
    except CodeHostUnavailable:
        found = look()
        if found is None:
            raise
        return found


def _asked_to_wait(answer: httpx.Response, now: float) -> float | None:
    """Seconds until GitHub wants to be asked again; None when it does not say so.

    403 or 429, with ``retry-after``, or with ``x-ratelimit-remaining`` 0 and the moment of ``x-ratelimit-reset``:
    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
    """
    if answer.status_code not in (403, 429, 503):
        return None
    asked = answer.headers.get("retry-after", "")
    if asked.isdigit():
        return float(asked)
    reset = answer.headers.get("x-ratelimit-reset", "")
    if answer.headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
        return max(1.0, float(reset) - now)
    return 60.0 if answer.status_code == 429 or "secondary rate limit" in answer.text.lower() else None


def _refusal(method: str, path: str, answer: httpx.Response) -> CodeHostFailed:
    needs = answer.headers.get("x-accepted-github-permissions", "")
    moved = "The repository was renamed or moved: correct the service's profile."
    advice = {
        301: moved,
        307: moved,
        308: moved,
        401: "Its token is wrong or has expired: renew the Connection.",
        403: "The token's owner may not do this" + (f": it needs {needs}." if needs else ": see docs/github.md."),
        404: "There is no such thing, or the token does not let it be seen: see docs/github.md.",
        410: "The feature is switched off in this repository.",
    }.get(answer.status_code, "")
    return CodeHostFailed(f"GitHub refused {method} {path} with {answer.status_code}{_words(answer)}.", advice)


def _words(answer: httpx.Response) -> str:
    """What GitHub says about it, in one line."""
    try:
        said = answer.json()
    except ValueError:
        return ""
    if not isinstance(said, dict):
        return ""
    errors = said.get("errors")
    details = [_detail(each) for each in errors] if isinstance(errors, list) else []
    text = "; ".join(filter(None, [str(said.get("message", "")), *details]))
    return f": {' '.join(text.split())[:500].rstrip('.')}" if text else ""


def _detail(error: object) -> str:
    if not isinstance(error, dict):
        return str(error)
    return str(error.get("message") or " ".join(str(error[key]) for key in ("field", "code") if key in error))
