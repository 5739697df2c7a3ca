"""The incident's issue, and the one comment on it that is kept up to date."""

from __future__ import annotations

from typing import Any

from hotfix.adapters.github import texts
from hotfix.adapters.github.api import GithubApi, look_or_make
from hotfix.adapters.github.markers import carries, marked
from hotfix.domain.incident import Incident
from hotfix.domain.outcome import Ending
from hotfix.domain.run_state import RunState

# On every issue of ours, so that it is found by listing, which knows what was just written; the search index does not.
OURS = "emergency-hotfix"
_DONE = {Ending.FIXED: "completed", Ending.FIXED_RECORD_INCOMPLETE: "completed"}


class IncidentIssues:
    """Issues of ``repository`` (owner/name)."""

    def __init__(self, api: GithubApi, repository: str, labels: tuple[str, ...]) -> None:
        self._api = api
        self._path = f"/repos/{repository}/issues"
        self._labels = tuple(dict.fromkeys((OURS, *labels)))

    def find(self, incident: Incident) -> Any | None:
        """The incident's issue, open or closed; the newest where a race has made two."""
        listing = self._api.pages(self._path, labels=OURS, state="all", sort="created", direction="desc")
        return next((each for each in listing if carries("issue", incident, each.get("body"))), None)

    def open(self, incident: Incident, text: str = "", labels: tuple[str, ...] = ()) -> Any:
        """Find the issue or open it, with further labels; ``text`` is put before the report."""
        wanted = tuple(dict.fromkeys((*self._labels, *labels)))

        def make() -> Any:
            body = marked("issue", incident, _joined(text, incident))
            return self._api.post(
                self._path, {"title": texts.issue_title(incident), "body": body, "labels": list(wanted)}
            )

        issue = look_or_make(lambda: self.find(incident), make)
        changes: dict[str, Any] = {}
        if text and text not in (issue.get("body") or ""):
            changes["body"] = marked("issue", incident, _joined(text, incident))
        there = {label["name"] for label in issue.get("labels", ())}
        if missing := [label for label in wanted if label not in there]:
            changes["labels"] = [*there, *missing]
        return self._api.patch(f"{self._path}/{issue['number']}", changes) if changes else issue

    def tell(self, state: RunState) -> None:
        """Edit the status comment, or write it; close the issue when the problem is fixed, open it when it is not."""
        issue = self.open(state.incident)
        comments = f"{self._path}/{issue['number']}/comments"

        def look() -> Any | None:
            return next((e for e in self._api.pages(comments) if carries("status", state.incident, e["body"])), None)

        body = marked("status", state.incident, texts.status_text(state))
        comment = look_or_make(look, lambda: self._api.post(comments, {"body": body}))
        if comment["body"] != body:
            self._api.patch(f"{self._path}/comments/{comment['id']}", {"body": body})
        self._set_state(issue, state)

    def _set_state(self, issue: Any, state: RunState) -> None:
        if state.ending in _DONE:
            if issue["state"] != "closed":
                wanted = {"state": "closed", "state_reason": _DONE[state.ending]}
                self._api.patch(f"{self._path}/{issue['number']}", wanted)
        elif issue["state"] == "closed" and state.ending is None and state.incident.attempt > 1:
            self._api.patch(f"{self._path}/{issue['number']}", {"state": "open"})


def _joined(text: str, incident: Incident) -> str:
    report = texts.issue_text(incident)
    return (f"{text.rstrip()}\n\n---\n\n{report}" if text else report)[: texts.BODY_LIMIT]
