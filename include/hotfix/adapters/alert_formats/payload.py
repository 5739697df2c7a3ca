"""Reading a payload into the form that its source describes."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from hotfix.domain.errors import AlertRefused

PROBLEMS_SHOWN = 5


class Part(BaseModel):
    """A part of a payload. Keys that we do not use are left alone: sources add new ones at any time."""

    model_config = ConfigDict(frozen=True, extra="ignore")


P = TypeVar("P", bound=BaseModel)


def read(form: type[P], content: bytes | dict[str, Any], what: str) -> P:
    """The payload in its form; ``what`` names it in the error.

    Raises:
        AlertRefused: it has another form. The text has the places and not the values: they may be confidential.
    """
    try:
        if isinstance(content, bytes):
            return form.model_validate_json(content)
        return form.model_validate(content)
    except ValidationError as error:
        problems = [
            f"{'.'.join(str(part) for part in item['loc']) or 'the body'}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False)[:PROBLEMS_SHOWN]
        ]
        raise AlertRefused(f"This is not {what}: {'; '.join(problems)}.") from None


def given(**fields: str | None) -> dict[str, str]:
    """The fields that have a text."""
    return {name: text for name, text in fields.items() if text}
