"""The incident's issue, and what is written below it: one comment that is kept up to date, and what calls people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hotfix.adapters.github import approval_texts, texts
from hotfix.adapters.github.api import GithubApi, look_or_make
from hotfix.adapters.github.comments import IssueComments
from hotfix.adapters.github.markers import carries, marked
from hotfix.domain.incident import Incident
from hotfix.domain.outcome import Ending
from hotfix.domain.run_state import ApprovalState, RunState, awaited

# On every issue of ours, so that it is found by listing, which knows what was just written; the search index does not.
OURS = "emergency-hotfix"
_DONE = {Ending.FIXED: "completed", Ending.FIXED_RECORD_INCOMPLETE: "completed"}


class IncidentIssues:
    """Issues of ``repository`` (owner/name). ``people`` are logins by user name, ``channel`` is what the answers that
    are given here say of where.
    """

    def __init__(
        self, api: GithubApi, repository: str, labels: tuple[str, ...], people: Mapping[str, str], channel: str
    ) -> None:
        self._api = api
        self._people = people
        self._channel = channel
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

    def tell(self, state: RunState, review: str) -> None:
        """Edit the status comment, or write it; ask for approval; close the issue when the problem is fixed, open it
        when it is not. ``review`` is the pull request where the commit can be reviewed, empty where there is none.
        """
        issue = self.open(state.incident)
        comments = IssueComments(self._api, self._path, issue["number"], state.incident)
        comments.keep("status", texts.status_text(state))
        if state.approval:
            self._tell_the_approval(comments, state, state.approval, review)
        self._set_state(issue, state)

    def _tell_the_approval(
        self, comments: IssueComments, state: RunState, approval: ApprovalState, review: str
    ) -> None:
        """Comments of their own: whoever is mentioned hears of a new one, and of an edited one nobody does."""
        attempt = state.incident.attempt
        if awaited(state):
            comments.keep(f"approval-{attempt}", approval_texts.request(approval, self._people, review))
        else:
            comments.edit(f"approval-{attempt}", approval_texts.decided(approval))
        if approval.last_minute:
            comments.keep(f"warning-{attempt}", approval_texts.warning(approval, self._people))
        for refused in approval.refused:
            if refused.channel == self._channel:
                comments.keep(f"answer-{attempt}-{refused.account}", approval_texts.refusal(refused))

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
