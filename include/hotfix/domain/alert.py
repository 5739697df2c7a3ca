"""An alert, in the same form whatever sent it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from enum import Enum
from typing import Annotated

from pydantic import AfterValidator

from hotfix.domain.document import Document, Instant

RUN_PREFIX = "intake"


class AlertSource(str, Enum):
    ALERTMANAGER = "alertmanager"
    PAGERDUTY = "pagerduty"
    SENTRY = "sentry"
    GITHUB = "github"
    GENERIC = "generic"


# What the rules of a service may look at; a name that ends in ".*" stands for any one below it.
FIELDS: Mapping[AlertSource, tuple[str, ...]] = {
    AlertSource.ALERTMANAGER: ("title", "url", "receiver", "labels.*", "annotations.*"),
    AlertSource.PAGERDUTY: ("title", "url", "event", "number", "service", "service_id", "urgency", "priority", "team"),
    AlertSource.SENTRY: (
        *("title", "url", "resource", "action", "culprit", "level", "platform", "project", "environment", "release"),
        *("rule", "issue", "stack_trace", "tags.*"),
    ),
    AlertSource.GITHUB: ("title", "url", "repository", "label", "number", "body", "author", "sender"),
    AlertSource.GENERIC: ("title", "url", "fields.*"),
}


def _printable(text: str) -> str:
    # What a source passes on may come from anybody, and goes into logs, terminals and pages.
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", " ", text)


Text = Annotated[str, AfterValidator(_printable)]


class Alert(Document):
    """One alert, or the end of one.

    ``identity`` tells alerts of a source apart, ``outbreak`` one outbreak of an alert from the next (None with an
    end that does not say which). ``began_at`` is when the source noticed. ``sender`` is who or what caused it, as the
    source names it. ``fields`` holds texts by the names of ``FIELDS``; what the source did not say is not in it.
    """

    source: AlertSource
    identity: str
    outbreak: str | None
    firing: bool
    began_at: Instant | None
    fields: dict[str, Text]
    sender: Text = ""

    @property
    def title(self) -> str:
        """In one line."""
        return " ".join(self.fields.get("title", "").split())

    @property
    def run_id(self) -> str:
        """The id of the run that this outbreak starts: the same however often, and over which way, it is told."""
        return f"{self.run_prefix}{_digest(self.outbreak or '', 8)}"

    @property
    def run_prefix(self) -> str:
        """What the ids of all runs about this alert begin with."""
        return f"{RUN_PREFIX}__{self.source.value}__{_digest(self.identity, 12)}__"

    @property
    def headline(self) -> str:
        return " ".join((f"{self.source.value}: {self.title}", *self.fields.get("url", "").split()))


def known_field(source: AlertSource, name: str) -> bool:
    """Whether alerts of the source can have a field of that name."""
    return any(
        name == pattern or (pattern.endswith(".*") and re.fullmatch(re.escape(pattern[:-1]) + r"[^{}]+", name))
        for pattern in FIELDS[source]
    )


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
