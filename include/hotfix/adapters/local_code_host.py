"""A code host for a service that has none: pull requests and issues are records in the bug database."""

from __future__ import annotations

from datetime import datetime

from hotfix.domain.document import Sha
from hotfix.domain.follow_up import PullRequest
from hotfix.domain.incident import Incident
from hotfix.domain.run_state import RunState
from hotfix.ports.bug_database import BugDatabase
from hotfix.ports.code_host import HostAnswer


class LocalCodeHost:
    """A ``CodeHost``. Opening again brings the one record up to date, so every call may be repeated.

    It shows nothing anywhere: the ledger has it all, and the console reads it there.
    """

    name = "the bug database"
    listens = False

    def __init__(self, bug_database: BugDatabase, why: str = "no code host is configured") -> None:
        self._bug_database = bug_database
        self._why = why

    @property
    def introduction(self) -> str:
        return (
            f"shown in the bug database and nowhere else: {self._why}. Issue and pull request are records there; "
            "checks, deployment, security findings and release are shown on no code host"
        )

    def pull_for(self, incident: Incident, branch: str) -> PullRequest | None:
        found = self._bug_database.pull_request(incident.id, branch)
        return found[0] if found else None

    def open_pull(
        self,
        incident: Incident,
        branch: str,
        head: Sha,
        title: str,
        body: str,
        *,
        draft: bool = True,
        reviewers: tuple[str, ...] = (),
    ) -> PullRequest:
        url = f"bug-database:pull-requests/{incident.id}/{branch}"
        unasked = (f"nobody was asked for a review: {', '.join(reviewers)}",) if reviewers else ()
        pull = PullRequest(branch=branch, title=title, url=url, draft=draft, head=head, remarks=unasked)
        self._bug_database.save_pull_request(incident, pull, body)
        return pull

    def open_issue(self, incident: Incident, title: str, body: str, labels: tuple[str, ...]) -> str:
        return self._bug_database.save_issue(incident, title, body, labels)

    def show(self, state: RunState, sarif: str | None) -> tuple[str, ...]:
        return ()

    def answers(self, incident: Incident, commit: Sha, since: datetime) -> tuple[HostAnswer, ...]:
        return ()
