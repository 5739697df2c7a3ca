"""One deployment or return at a time, and one form for what goes wrong in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from hotfix.adapters.deployers.machine_lock import LockHeld, exclusive
from hotfix.domain.document import Sha
from hotfix.domain.errors import DeploymentFailed, RollbackFailed
from hotfix.ports.clock import Clock

Failure: TypeAlias = type[DeploymentFailed] | type[RollbackFailed]


@dataclass(frozen=True)
class Turns:
    """The lock of one service on this machine. ``answer`` asks production which version it runs."""

    lock: Path
    clock: Clock
    time_limit: float
    answer: Callable[[], Sha | None]
    by_hand: Callable[[Sha], tuple[str, ...]]

    @contextmanager
    def take(self, version: Sha, failure: Failure, expected: tuple[type[Exception], ...]) -> Iterator[None]:
        """Under the lock; ``expected`` errors and a lock that does not become free come out as ``failure``."""
        what = f"{'deployment of' if failure is DeploymentFailed else 'return to'} {version}"
        foreseen: tuple[type[Exception], ...] = (*expected, OSError)
        try:
            self.lock.parent.mkdir(parents=True, exist_ok=True)
            with exclusive(self.lock, what, self.clock, self.time_limit):
                yield
        except LockHeld as error:
            raise failure(
                f"The {what} did not begin: another one did not end within {self.time_limit} s ({error}).",
                "Try again when it has ended.",
            ) from error
        except foreseen as error:
            raise self._explained(what, version, failure, error) from error

    def _explained(
        self, what: str, version: Sha, failure: Failure, error: Exception
    ) -> DeploymentFailed | RollbackFailed:
        answer = self.answer()
        state = f"Production answers with {answer}." if answer else "Production does not answer."
        commands = "\n".join(f"  {command}" for command in self.by_hand(version))
        advice = (
            f"By hand:\n{commands}"
            if failure is RollbackFailed
            else "Correct the cause and deploy again; nothing has to be tidied up first."
        )
        return failure(f"The {what} failed: {error}\n{state}", advice)
