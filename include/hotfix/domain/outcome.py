"""How a run ended."""

from __future__ import annotations

from enum import Enum

from hotfix.domain.document import Document


class Ending(str, Enum):
    FIXED = "fixed"
    HANDED_OVER = "handed_over"
    ROLLED_BACK = "rolled_back"
    FIXED_RECORD_INCOMPLETE = "fixed_record_incomplete"
    FAILED = "failed"
    NOT_STARTED = "not_started"


class CriterionCheck(Document):
    """One of the five success criteria of a hotfix."""

    name: str
    holds: bool
    detail: str


class RunOutcome(Document):
    """``not_told`` is what could not be shown on the code host or asked there; production does not depend on it."""

    ending: Ending
    summary: str
    criteria: tuple[CriterionCheck, ...]
    not_told: tuple[str, ...] = ()

    @property
    def succeeded(self) -> bool:
        return self.ending in (Ending.FIXED, Ending.HANDED_OVER)
