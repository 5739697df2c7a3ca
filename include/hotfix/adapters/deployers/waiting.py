"""Waiting for something to become true."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from hotfix.ports.clock import Clock

T = TypeVar("T")
PAUSE_SECONDS = 0.1


def wait_for(clock: Clock, seconds: float, look: Callable[[], T | None]) -> T | None:
    """The first answer of ``look`` that is true; None when there was none within ``seconds``. Looks at least once."""
    deadline = clock.now() + timedelta(seconds=seconds)
    while not (found := look()):
        if clock.now() >= deadline:
            return None
        clock.sleep(PAUSE_SECONDS)
    return found
