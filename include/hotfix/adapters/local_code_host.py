"""A code host for a service that has none: pull requests and issues are records in the bug database."""

from __future__ import annotations

from hotfix.domain.document import Sha
from hotfix.domain.follow_up import PullRequest
from hotfix.domain.incident import Incident
from hotfix.ports.bug_database import BugDatabase


class LocalCodeHost:
    """A ``CodeHost``. Opening again brings the one record up to date, so every call may be repeated."""

    def __init__(self, bug_database: BugDatabase) -> None:
        self._bug_database = bug_database

    def pull_for(self, incident: Incident, branch: str) -> PullRequest | None:
        found = self._bug_database.pull_request(incident.id, branch)
        return found[0] if found else None

    def open_pull(self, incident: Incident, branch: str, head: Sha, title: str, body: str) -> PullRequest:
        url = f"bug-database:pull-requests/{incident.id}"
        pull = PullRequest(branch=branch, title=title, url=url, draft=True, head=head)
        self._bug_database.save_pull_request(incident, pull, body)
        return pull

    def open_issue(self, incident: Incident, title: str, body: str, labels: tuple[str, ...]) -> str:
        return self._bug_database.save_issue(incident, title, body, labels)
