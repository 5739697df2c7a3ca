"""Where pull requests and issues live."""

from __future__ import annotations

from typing import Protocol

from hotfix.domain.document import Sha
from hotfix.domain.follow_up import PullRequest
from hotfix.domain.incident import Incident


class CodeHost(Protocol):
    def pull_for(self, incident: Incident, branch: str) -> PullRequest | None: ...

    def open_pull(self, incident: Incident, branch: str, head: Sha, title: str, body: str) -> PullRequest:
        """Open a draft pull request from ``branch`` to the service's default branch."""

    def open_issue(self, incident: Incident, title: str, body: str, labels: tuple[str, ...]) -> str:
        """Open the incident's issue, or bring it up to date, and return its address."""
