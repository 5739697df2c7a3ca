"""The tag and the release notes of a hotfix."""

from __future__ import annotations

from typing import Any

from hotfix.adapters.github.api import GithubApi, look_or_make
from hotfix.adapters.github.texts import BODY_LIMIT
from hotfix.domain.document import Sha


class Releases:
    def __init__(self, api: GithubApi, repository: str) -> None:
        self._api = api
        self._path = f"/repos/{repository}/releases"

    def publish(self, tag: str, commit: Sha, name: str, notes: str) -> None:
        """One release of ``tag``, which GitHub makes on ``commit``. Never marked as the latest: it is no version."""
        body = {
            "tag_name": tag,
            "target_commitish": commit,
            "name": name,
            "body": notes[:BODY_LIMIT],
            "make_latest": "false",
        }
        found: Any = look_or_make(
            lambda: self._api.find(f"{self._path}/tags/{tag}"), lambda: self._api.post(self._path, body)
        )
        if (found.get("body") or "") != body["body"]:
            self._api.patch(f"{self._path}/{found['id']}", {"body": body["body"]})
