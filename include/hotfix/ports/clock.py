"""Time, as an argument."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The present moment, with its timezone."""

    def sleep(self, seconds: float) -> None:
        """Wait."""
