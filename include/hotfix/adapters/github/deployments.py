"""Deployments of an environment: GitHub's own record of what is live."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hotfix.adapters.github.api import GithubApi
from hotfix.adapters.github.texts import cell
from hotfix.domain.document import Sha

DESCRIPTION_LIMIT = 140
# The states after which nothing more comes by itself.
FINAL = frozenset({"success", "failure", "error", "inactive"})


class Deployments:
    """Deployments to ``environment`` of ``repository`` (owner/name)."""

    def __init__(self, api: GithubApi, repository: str, environment: str) -> None:
        self._api = api
        self._path = f"/repos/{repository}/deployments"
        self._environment = environment

    def all(self, version: Sha | None = None) -> Iterator[Any]:
        """Newest first; those of one version, where it is given."""
        query = {"environment": self._environment, **({"sha": version} if version else {})}
        return self._api.pages(self._path, **query)

    def state(self, deployment: Any) -> str:
        """The newest status; ``queued`` when there is none yet."""
        return str(self.status(deployment).get("state", "queued"))

    def status(self, deployment: Any) -> Any:
        """The newest status as it is; empty when there is none yet."""
        statuses = self._api.get(f"{self._path}/{deployment['id']}/statuses", per_page=1)
        return statuses[0] if statuses else {}

    def was_live(self, deployment: Any) -> bool:
        """Whether it ever was a success: a later one turns it inactive."""
        statuses = self._api.pages(f"{self._path}/{deployment['id']}/statuses")
        return any(status["state"] == "success" for status in statuses)

    def create(self, version: Sha, description: str, payload: dict[str, str]) -> Any:
        """Exactly this commit, whatever the state of its checks: the workflow's own gates have judged it."""
        return self._api.post(
            self._path,
            {
                "ref": version,
                "environment": self._environment,
                "description": cell(description, DESCRIPTION_LIMIT),
                "auto_merge": False,
                "required_contexts": [],
                "payload": payload,
                "production_environment": True,
            },
        )

    def tell(self, deployment: Any, state: str, description: str) -> None:
        """Add a status, unless it is the newest already, or a later deployment has followed a success."""
        known = self.state(deployment)
        if known != state and (known, state) != ("inactive", "success"):
            body = {
                "state": state,
                "description": cell(description, DESCRIPTION_LIMIT),
                "environment": self._environment,
            }
            self._api.post(f"{self._path}/{deployment['id']}/statuses", body)
