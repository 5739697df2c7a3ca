"""Comments on an issue that are ours, each found again by its marker."""

from __future__ import annotations

from typing import Any

from hotfix.adapters.github.api import GithubApi, look_or_make
from hotfix.adapters.github.markers import carries, marked
from hotfix.domain.incident import Incident


class IssueComments:
    """``path`` is that of the repository's issues. One of each kind; the list is read once, and again after a fault."""

    def __init__(self, api: GithubApi, path: str, number: int, incident: Incident) -> None:
        self._api = api
        self._path = path
        self._comments = f"{path}/{number}/comments"
        self._incident = incident
        self._listed: list[Any] | None = None

    def keep(self, kind: str, text: str) -> None:
        """Write the comment, or edit it."""
        body = marked(kind, self._incident, text)
        self._bring_to(look_or_make(lambda: self._find(kind), lambda: self._write(body)), body)

    def edit(self, kind: str, text: str) -> None:
        """Edit the comment, if there is one."""
        if (found := self._find(kind)) is not None:
            self._bring_to(found, marked(kind, self._incident, text))

    def _find(self, kind: str) -> Any | None:
        if self._listed is None:
            self._listed = list(self._api.pages(self._comments))
        return next((each for each in self._listed if carries(kind, self._incident, each["body"])), None)

    def _write(self, body: str) -> Any:
        self._listed = None
        return self._api.post(self._comments, {"body": body})

    def _bring_to(self, comment: Any, body: str) -> None:
        if comment["body"] != body:
            self._api.patch(f"{self._path}/comments/{comment['id']}", {"body": body})
