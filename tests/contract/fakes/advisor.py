"""An advisor whose answer is written down beforehand."""

from __future__ import annotations

from collections.abc import Mapping

from hotfix.domain.diagnosis import Diagnosis
from hotfix.ports.advisor import AdviceLimits


class FakeAdvisor:
    """``answer`` is what it proposes (None: no advice); ``asked`` keeps the files and the failure that it was shown."""

    def __init__(self, answer: str | None) -> None:
        self.answer = answer
        self.asked: list[tuple[dict[str, str], str, AdviceLimits]] = []

    def propose_patch(
        self, diagnosis: Diagnosis, files: Mapping[str, str], failure: str, limits: AdviceLimits
    ) -> str | None:
        self.asked.append((dict(files), failure, limits))
        return self.answer
