"""The security review's findings in GitHub's code scanning."""

from __future__ import annotations

import base64
import gzip
from typing import Any

from hotfix.adapters.github.api import GithubApi
from hotfix.domain.document import GitRef, Sha

TOOL = "emergency-hotfix"


class CodeScanning:
    def __init__(self, api: GithubApi, repository: str) -> None:
        self._api = api
        self._path = f"/repos/{repository}/code-scanning"

    def upload(self, commit: Sha, ref: GitRef, sarif: str) -> None:
        """Hand a SARIF file in for ``commit``; one that was handed in for it before stays the only one.

        https://docs.github.com/en/rest/code-scanning/code-scanning#upload-an-analysis-as-sarif-data
        """
        if self._there(commit, ref):
            return
        # No time in the header: the same file gives the same bytes.
        packed = gzip.compress(sarif.encode(), mtime=0)
        body = {"commit_sha": commit, "ref": ref, "sarif": base64.b64encode(packed).decode(), "validate": False}
        self._api.post(f"{self._path}/sarifs", {**body, "tool_name": TOOL})

    def _there(self, commit: Sha, ref: GitRef) -> bool:
        analyses: list[dict[str, Any]] | None = self._api.find(f"{self._path}/analyses", ref=ref, per_page=100)
        return any(each["commit_sha"] == commit for each in analyses or ())
