"""A pull request that is only there to be reviewed, as long as approval is awaited."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from hotfix.adapters.github.api import GithubApi, look_or_make
from hotfix.adapters.github.approval_texts import logins, review_text
from hotfix.adapters.github.pulls import Pulls
from hotfix.adapters.github.texts import harmless
from hotfix.domain.errors import CodeHostFailed
from hotfix.domain.run_state import ApprovalState, RunState, awaited


class ReviewPulls:
    """In ``repository`` (owner/name), against its branch ``base``; ``people`` are logins by user name."""

    def __init__(self, api: GithubApi, repository: str, base: str, people: Mapping[str, str]) -> None:
        self._api = api
        self._path = f"/repos/{repository}"
        self._pulls = Pulls(api, repository, base)
        self._people = people
        self.url = ""

    def tell(self, state: RunState, issue: Callable[[], str]) -> None:
        """Open it and ask the approvers while approval is awaited; then close it. ``url`` is where it is open.

        Raises:
            CodeHostFailed: also where it is open, and somebody could not be asked.
        """
        if state.approval is None:
            return
        # The commit in the name: a review is of this one.
        branch = f"hotfix-review/{state.incident.id}/{state.approval.commit[:12]}"
        pull = self._pulls.find(branch)
        if awaited(state):
            self._open(branch, pull, state.approval, issue)
        elif pull is not None and pull["state"] == "open":
            self._close(branch, pull, state.approval)

    def _open(self, branch: str, pull: Any | None, approval: ApprovalState, issue: Callable[[], str]) -> None:
        if pull is None:
            # The commit is on the remote already, under the incident's refs.
            look_or_make(
                lambda: self._api.find(f"{self._path}/git/ref/{quote(f'heads/{branch}', safe='')}"),
                lambda: self._api.post(
                    f"{self._path}/git/refs", {"ref": f"refs/heads/{branch}", "sha": approval.commit}
                ),
            )
        # Whoever has reviewed it is not asked again.
        reviewed = {each["user"]["login"].lower() for each in self._pulls.reviews(pull)} if pull else set()
        asked = tuple(login for login in logins(approval, self._people) if login.lower() not in reviewed)
        text = (pull["body"] or "") if pull else review_text(approval, issue())
        found = self._pulls.open(branch, harmless(approval.subject), text, draft=True, labels=(), reviewers=asked)
        self.url = found.url
        if found.remarks:
            raise CodeHostFailed("; ".join(found.remarks))

    def _close(self, branch: str, pull: Any, approval: ApprovalState) -> None:
        self._api.delete(f"{self._path}/git/refs/{quote(f'heads/{branch}', safe='')}")
        decided = f"**{harmless(approval.decision) or 'Nobody decided: the run has ended'}.**\n\n{pull['body'] or ''}"
        self._api.patch(f"{self._path}/pulls/{pull['number']}", {"state": "closed", "body": decided})
