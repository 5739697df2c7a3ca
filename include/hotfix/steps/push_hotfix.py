"""Publish the approved commit as the hotfix branch."""

from __future__ import annotations

from hotfix.domain.incident import Incident
from hotfix.domain.release import HotfixCommit, Push
from hotfix.ports.repository import Repository


def push_hotfix(incident: Incident, sealed: HotfixCommit, *, repository: Repository) -> Push:
    """``hotfix/<issue>`` on the remote, at the approved commit and no other.

    Raises:
        RefMoved: the branch exists and is somewhere else.
    """
    repository.fetch()
    repository.push(f"refs/heads/{incident.branch}", sealed.commit, expect=None)
    return Push(branch=incident.branch, commit=sealed.commit, remote=repository.remote)
