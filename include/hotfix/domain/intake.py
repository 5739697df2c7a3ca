"""Which alerts start a hotfix of a service, and what the run is told: the ``intake`` rules of a service profile."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from hotfix.domain.alert import FIELDS, Alert, AlertSource, known_field
from hotfix.domain.incident import ApprovalMode, Criterion

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def placeholders(template: str) -> tuple[str, ...]:
    """The fields that a template names.

    Raises:
        ValueError: a brace stands alone.
    """
    if found := re.search(r"[{}]", _PLACEHOLDER.sub("", template)):
        raise ValueError(f"{template!r} has a {found.group()} that stands alone; a field is written {{name}}")
    return tuple(_PLACEHOLDER.findall(template))


def _template(value: str) -> str:
    placeholders(value)
    return value


Template = Annotated[str, AfterValidator(_template), Field(min_length=1, max_length=2000)]
Pattern = Annotated[str, Field(min_length=1, max_length=300)]


class IntakeParams(BaseModel):
    """Further params of the run. A template with a field that the alert lacks leaves its param out.

    What accepts a risk or brings code (a patch, a ref, a reproducer) is for people and not here.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    issue: Template | None = None
    failing_request: Template | None = None
    stack_trace: Template | None = None
    good: Template | None = None
    suspected_paths: tuple[Template, ...] = ()
    approval: Literal[ApprovalMode.SILENCE_APPROVES, ApprovalMode.REQUIRED] | None = None
    approval_window: int | None = Field(default=None, ge=5, le=3600, description="seconds")

    def templates(self) -> tuple[str, ...]:
        single = (self.issue, self.failing_request, self.stack_trace, self.good)
        return (*(each for each in single if each), *self.suspected_paths)

    def filled(self, fields: Mapping[str, str]) -> dict[str, str | int | list[str]]:
        """The params that the alert's fields give."""
        filled: dict[str, str | int | list[str]] = {}
        for name in ("issue", "failing_request", "stack_trace", "good"):
            template = getattr(self, name)
            if template and (text := fill(template, fields)) is not None:
                filled[name] = text
        if paths := [text for each in self.suspected_paths if (text := fill(each, fields)) is not None]:
            filled["suspected_paths"] = paths
        if self.approval:
            filled["approval"] = self.approval.value
        if self.approval_window:
            filled["approval_window"] = self.approval_window
        return filled


class IntakeRule(BaseModel):
    """Alerts of ``source`` whose fields match all of ``match`` start a hotfix of this service.

    A pattern is the whole value, ``*`` any text, ``?`` one character, ``[ab]`` one of them; of a list, one suffices.
    ``began_before``: so many seconds before the alert the problem had begun at the latest; None: since production's
    version went live. It may not be too small: what was sick before counts as healthy traffic.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: AlertSource
    match: dict[str, Pattern | Annotated[tuple[Pattern, ...], Field(min_length=1)]] = Field(min_length=1)
    description: Template = "{title}"
    criteria: tuple[Criterion, ...] = ()
    began_before: int | None = Field(default=None, ge=0, le=86_400)
    params: IntakeParams = IntakeParams()

    @model_validator(mode="after")
    def _fields_that_there_are(self) -> IntakeRule:
        used = (self.description, *self.params.templates())
        named = {*self.match, *(name for template in used for name in placeholders(template))}
        if unknown := sorted(name for name in named if not known_field(self.source, name)):
            raise ValueError(
                f"alerts of {self.source.value} have no field {', '.join(unknown)}; there are: "
                f"{', '.join(FIELDS[self.source])}"
            )
        return self

    def matches(self, alert: Alert) -> bool:
        if alert.source is not self.source:
            return False
        return all(
            name in alert.fields and any(fnmatchcase(alert.fields[name], pattern) for pattern in _patterns(wanted))
            for name, wanted in self.match.items()
        )


def fill(template: str, fields: Mapping[str, str]) -> str | None:
    """The template with its fields; None when one of them is missing."""
    if not all(fields.get(name) for name in placeholders(template)):
        return None
    return fill_what_is_there(template, fields)


def fill_what_is_there(template: str, fields: Mapping[str, str]) -> str:
    """The same with nothing for a missing field. In one pass: what looks like a field in a value stays text."""
    return _PLACEHOLDER.sub(lambda found: fields.get(found.group(1), ""), template)


def _patterns(wanted: str | tuple[str, ...]) -> tuple[str, ...]:
    return (wanted,) if isinstance(wanted, str) else wanted
