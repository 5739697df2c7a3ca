"""Steps that look, wait, and look again, played to their end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from hotfix.domain.stability import NextLook
from tests.contract.fakes.clock import FakeClock

T = TypeVar("T")


def to_the_end(look: Callable[[], T | NextLook], clock: FakeClock, most: int = 1000) -> T:
    """The answer of ``look``, which is called again whenever the moment has come that it waits for."""
    for _ in range(most):
        found = look()
        if not isinstance(found, NextLook):
            return found
        assert found.at > clock.now(), "it waits for something"
        clock.sleep((found.at - clock.now()).total_seconds())
    raise AssertionError(f"no answer after {most} looks")
