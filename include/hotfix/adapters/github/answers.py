"""What people answer on GitHub: comments on the incident's issue, and reviews."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from hotfix.domain.document import Sha
from hotfix.ports.code_host import HostAnswer

# Alone on the first line, so that nobody answers by quoting or by talking about it.
_COMMAND = re.compile(r"/(approve|reject)(?:[ \t]+([0-9a-f]{7,40}))?[ \t]*(?:\r?\n|\Z)", re.IGNORECASE)
_REVIEWS = {"APPROVED": True, "CHANGES_REQUESTED": False}


def of_comments(comments: Iterator[Any], commit: Sha, since: datetime) -> Iterator[HostAnswer]:
    """``/approve`` and ``/reject``, with or without the commit's id. An edited comment is nobody's word."""
    for comment in comments:
        command = _COMMAND.match(comment["body"] or "")
        if command is None or comment["updated_at"] != comment["created_at"]:
            continue
        named = (command[2] or "").lower()
        if named and not commit.startswith(named):
            continue
        if (at := _moment(comment["created_at"])) >= since:
            yield HostAnswer(
                approve=command[1].lower() == "approve",
                user=comment["user"]["login"],
                where=comment["html_url"],
                at=at,
                text=comment["body"][:500],
                commit=commit if named else None,
            )


def of_reviews(reviews: list[Any], commit: Sha, since: datetime) -> Iterator[HostAnswer]:
    """Reviews of exactly ``commit``."""
    for review in reviews:
        approve = _REVIEWS.get(review["state"])
        if approve is None or review["commit_id"] != commit or not review.get("submitted_at"):
            continue
        if (at := _moment(review["submitted_at"])) >= since:
            yield HostAnswer(
                approve=approve,
                user=review["user"]["login"],
                where=review["html_url"],
                at=at,
                text=(review["body"] or "")[:500],
                commit=commit,
            )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
