"""Security scanners."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from hotfix.domain.document import Sha
from hotfix.domain.security import ScanResult


class Scanner(Protocol):
    @property
    def name(self) -> str: ...

    def scan(self, checkout: Path, paths: tuple[str, ...], base: Sha, head: Sha, time_limit: float) -> ScanResult:
        """Findings in ``paths`` of a checkout of ``head``, or, for a scanner of history, in ``base..head``.

        A scanner that is missing, crashes, prints what cannot be read or is not done within ``time_limit`` seconds has
        the state FAILED, never no findings.
        """
