"""The base of everything that crosses a task boundary."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

XCOM_LIMIT_BYTES = 32 * 1024

Sha = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
GitRef = Annotated[str, StringConstraints(pattern=r"^refs/[A-Za-z0-9._/-]+$", max_length=240)]


def _require_timezone(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a time needs its timezone")
    return value


Instant = Annotated[datetime, AfterValidator(_require_timezone)]


class Document(BaseModel):
    """An immutable value that is plain JSON outside the process; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")

    @property
    def headline(self) -> str:
        """What a timeline says about it, in one line; empty when there is nothing to say."""
        return ""

    def to_xcom(self) -> dict[str, Any]:
        """The document as plain JSON types.

        Raises:
            ValueError: it is larger than ``XCOM_LIMIT_BYTES``; large things travel as artefacts.
        """
        size = len(self.model_dump_json().encode())
        if size > XCOM_LIMIT_BYTES:
            raise ValueError(
                f"{type(self).__name__} has {size} bytes, the limit is {XCOM_LIMIT_BYTES}: store it as an artefact"
            )
        return self.model_dump(mode="json")


class Artefact(Document):
    """A file in the artefact storage, by reference."""

    name: str
    uri: str
    bytes: int
    sha256: str


def clip(text: str, limit: int) -> str:
    """``text`` in at most ``limit`` characters; the middle goes, since both ends of an output tell most."""
    if len(text) <= limit:
        return text
    head = limit // 3
    tail = limit - head - 40
    return f"{text[:head]}\n[… {len(text) - head - tail} characters …]\n{text[-tail:]}"
