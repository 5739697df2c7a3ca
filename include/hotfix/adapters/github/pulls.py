"""Pull requests."""

from __future__ import annotations

from typing import Any

from hotfix.adapters.github.api import GithubApi, look_or_make
from hotfix.adapters.github.texts import BODY_LIMIT, without_mentions
from hotfix.domain.document import Sha
from hotfix.domain.errors import CodeHostFailed, CodeHostUnavailable
from hotfix.domain.follow_up import PullRequest

# What it says in a plan that has no drafts.
_NO_DRAFTS = "draft pull requests are not supported"


class Pulls:
    """Pull requests of ``repository`` (owner/name) to its branch ``base``."""

    def __init__(self, api: GithubApi, repository: str, base: str) -> None:
        self._api = api
        self._repository = repository
        self._owner = repository.split("/", 1)[0]
        self._path = f"/repos/{repository}"
        self._base = base

    def find(self, branch: str) -> Any | None:
        """The newest one from ``branch``, also when it is merged or closed."""
        listing = self._api.get(f"{self._path}/pulls", head=f"{self._owner}:{branch}", base=self._base, state="all")
        return next((each for each in listing if each["head"]["ref"] == branch), None)

    def open(
        self,
        branch: str,
        title: str,
        body: str,
        *,
        draft: bool,
        labels: tuple[str, ...],
        reviewers: tuple[str, ...],
    ) -> PullRequest:
        """Find it or open it; then what is missing of labels and reviewers."""
        remarks: list[str] = []
        proposal = {
            "title": title[:250],
            "head": branch,
            "base": self._base,
            "body": without_mentions(body)[:BODY_LIMIT],
        }

        def make() -> Any:
            try:
                return self._api.post(f"{self._path}/pulls", {**proposal, "draft": draft})
            except CodeHostFailed as error:
                if not draft or _NO_DRAFTS not in str(error).lower():
                    raise
                remarks.append("this repository's plan has no drafts: it is open for review as it is")
                return self._api.post(f"{self._path}/pulls", proposal)

        pull = look_or_make(lambda: self.find(branch), make)
        remarks += self._label(pull, labels)
        remarks += self._ask(pull, reviewers)
        return as_document(pull, tuple(remarks))

    def with_head(self, commit: Sha) -> list[Any]:
        """Open ones whose newest commit it is."""
        found = self._api.find(f"{self._path}/commits/{commit}/pulls", per_page=100) or ()
        return [each for each in found if each["state"] == "open" and each["head"]["sha"] == commit]

    def reviews(self, pull: Any) -> list[Any]:
        return list(self._api.pages(f"{self._path}/pulls/{pull['number']}/reviews"))

    def _label(self, pull: Any, labels: tuple[str, ...]) -> list[str]:
        there = {label["name"] for label in pull.get("labels", ())}
        missing = [label for label in labels if label not in there]
        if not missing:
            return []
        try:
            self._api.post(f"{self._path}/issues/{pull['number']}/labels", {"labels": missing})
        except CodeHostUnavailable:
            raise
        except CodeHostFailed as error:
            return [f"not labelled {', '.join(missing)}: {error}"]
        return []

    def _ask(self, pull: Any, reviewers: tuple[str, ...]) -> list[str]:
        """One request each: GitHub refuses all when it refuses one, such as the author or somebody without access."""
        asked = {each["login"].lower() for each in pull.get("requested_reviewers", ())}
        asked |= {each["slug"].lower() for each in pull.get("requested_teams", ())}
        remarks = []
        for reviewer in dict.fromkeys(reviewers):
            organisation, _, team = reviewer.rpartition("/")
            if team.lower() in asked:
                continue
            body = {"team_reviewers": [team]} if organisation else {"reviewers": [reviewer]}
            try:
                self._api.post(f"{self._path}/pulls/{pull['number']}/requested_reviewers", body)
            except CodeHostUnavailable:
                raise
            except CodeHostFailed as error:
                remarks.append(f"{reviewer} could not be asked for a review: {error}")
        return remarks


def as_document(pull: Any, remarks: tuple[str, ...] = ()) -> PullRequest:
    return PullRequest(
        branch=pull["head"]["ref"],
        title=pull["title"],
        url=pull["html_url"],
        draft=bool(pull.get("draft")),
        head=pull["head"]["sha"],
        remarks=remarks,
    )
