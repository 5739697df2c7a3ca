"""What people answer on GitHub: comments on the incident's issue, and reviews."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from hotfix.domain.document import Sha
from hotfix.ports.code_host import HostAnswer

# A yes is alone on the first line, so that nobody gives one by quoting or by talking about it. A no may say why.
_YES = re.compile(r"/approve(?:[ \t]+(?P<commit>[0-9a-f]{7,40}))?[ \t]*(?:\r?\n|\Z)", re.IGNORECASE)
_NO = re.compile(r"/reject(?:ed)?\b(?:[ \t]+(?P<commit>(?=[a-f]*[0-9])[0-9a-f]{7,40})\b)?", re.IGNORECASE)
# The two times of a comment may be written by two commands, and have whole seconds.
_SAME_MOMENT = timedelta(seconds=1)
_REVIEWS = {"APPROVED": True, "CHANGES_REQUESTED": False}


def of_comments(comments: Iterator[Any], commit: Sha, since: datetime) -> Iterator[HostAnswer]:
    """``/approve`` and ``/reject``, with or without the commit's id. An edited comment is another one, of its edit."""
    for comment in comments:
        body = comment["body"] or ""
        yes = _YES.match(body)
        command = yes or _NO.match(body)
        if command is None:
            continue
        named = (command["commit"] or "").lower()
        if named and not commit.startswith(named):
            continue
        created, updated = _moment(comment["created_at"]), _moment(comment["updated_at"])
        edited = updated - created > _SAME_MOMENT
        if (at := updated if edited else created) >= since:
            yield HostAnswer(
                approve=yes is not None,
                user=comment["user"]["login"],
                where=comment["html_url"] + (f" as edited at {comment['updated_at']}" if edited else ""),
                at=at,
                text=body[:500],
                commit=commit if named else None,
                edited=edited,
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
