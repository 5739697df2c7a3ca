"""A clock that stands still until somebody sleeps."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone


class FakeClock:
    def __init__(self, now: datetime = datetime(2026, 3, 1, 3, 0, tzinfo=timezone.utc)) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
