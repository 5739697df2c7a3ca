"""Where a service's pull requests and issues live, and where its developers look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hotfix.domain.document import Sha
from hotfix.domain.follow_up import PullRequest
from hotfix.domain.incident import Incident
from hotfix.ports.announcer import Announcer


@dataclass(frozen=True)
class HostAnswer:
    """What somebody answered to the approval request: ``user`` as the host names them, ``where`` for the record."""

    approve: bool
    user: str
    where: str
    at: datetime
    text: str
    commit: Sha | None
    """The commit that the answer names or was given on; None when it says nothing of one."""
    edited: bool = False
    """Changed after it was written, by ``user`` or by somebody else who may edit there."""


class CodeHost(Announcer, Protocol):
    """Every call looks first, so that it may be repeated.

    All methods but ``show`` raise ``CodeHostFailed`` (``CodeHostUnavailable`` where the same call may succeed later).
    """

    @property
    def listens(self) -> bool:
        """Whether people can answer there at all."""

    def pull_for(self, incident: Incident, branch: str) -> PullRequest | None: ...

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
        """Open a pull request from ``branch`` to the service's default branch, and ask ``reviewers`` (beside those of
        the profile) to look at it: logins of the host, or teams as organisation/team.
        """

    def open_issue(self, incident: Incident, title: str, body: str, labels: tuple[str, ...]) -> str:
        """Open the incident's issue, or bring it up to date, and return its address."""

    def answers(self, incident: Incident, commit: Sha, since: datetime) -> tuple[HostAnswer, ...]:
        """What people answered to the request to approve ``commit`` since then, oldest first; who may is not judged."""
