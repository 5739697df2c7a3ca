"""A language model that may propose a patch. What it proposes is judged like anybody's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from hotfix.domain.diagnosis import Diagnosis


@dataclass(frozen=True)
class AdviceLimits:
    """The service's policy, as the advisor is told it: changed lines and files."""

    lines: int
    files: int


class Advisor(Protocol):
    def propose_patch(
        self, diagnosis: Diagnosis, files: Mapping[str, str], failure: str, limits: AdviceLimits
    ) -> str | None:
        """A unified diff on production's version that changes some of ``files`` (path → text), and nothing else.

        None when there is no advice: none is configured, it does not answer, or it answers with no patch. Never
        raises: nothing may depend on it.
        """
