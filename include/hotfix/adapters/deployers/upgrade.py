"""Replacing the running gunicorn without losing a request, from whatever state a crash has left."""

from __future__ import annotations

from collections.abc import Callable

from hotfix.adapters.deployers.gunicorn import Gunicorn
from hotfix.adapters.deployers.process_table import alive
from hotfix.adapters.deployers.waiting import PAUSE_SECONDS, wait_for
from hotfix.domain.document import Sha
from hotfix.ports.clock import Clock

CONFIRMATIONS = 5
# While two masters share the socket, either answers; this many answers from one alone are no coincidence.
ALONE = 30


class UpgradeFailed(Exception):
    """The new version is not what alone serves; the text says what is."""


class SuccessorFailed(UpgradeFailed):
    """The successor was ended again, and the master before it was not touched."""


class Upgrade:
    """Every step may take up to ``time_limit`` seconds. ``answer`` asks production which version it runs.

    No master is told to go before another one was seen to answer. The service must read its version when it starts:
    one that reads it anew for every request would answer for its successor.
    """

    def __init__(self, gunicorn: Gunicorn, answer: Callable[[], Sha | None], clock: Clock, time_limit: float) -> None:
        self._gunicorn = gunicorn
        self._answer = answer
        self._clock = clock
        self._time_limit = time_limit

    def is_complete(self, version: Sha) -> bool:
        """Whether production answers with ``version`` every time, and no upgrade is under way."""
        for _ in range(CONFIRMATIONS):
            if self._answer() != version:
                return False
            self._clock.sleep(PAUSE_SECONDS)
        return self._gunicorn.successor() is None

    def settle(self, wanted: Sha, linked: Sha | None) -> None:
        """Bring an interrupted upgrade to an end, so that one master is left, whichever.

        Raises:
            UpgradeFailed: two masters remain.
        """
        successor, master = self._gunicorn.successor(), self._gunicorn.master()
        if successor is None:
            return
        if master is None:
            self._await_takeover(successor)
            return
        going_to = self._gunicorn.release_of(successor) or linked
        if going_to == wanted:
            serves = self._serves(successor, wanted)
        else:
            # The master may have been told to go, and answer no more: then only the successor does.
            serves = going_to is not None and self._answers_alone(going_to)
        if serves:
            self._hand_over(master, successor)
        else:
            self._gunicorn.end(successor)

    def run(self, master: int, version: Sha) -> None:
        """Put the release that the ``current`` link names in ``master``'s place.

        Raises:
            SuccessorFailed: it did not come up.
            UpgradeFailed: it came up, and then something went wrong.
        """
        self._gunicorn.start_successor(master)
        successor = wait_for(self._clock, self._time_limit, self._gunicorn.successor)
        if successor is None:
            raise SuccessorFailed(f"the gunicorn master {master} started no successor on USR2.")
        if not self._serves(successor, version):
            reason = (
                "ended while it started (gunicorn's error log says why)"
                if not alive(successor)
                else self._wrong(successor, version)
            )
            self._gunicorn.end(successor)
            raise SuccessorFailed(f"the new gunicorn master {successor} {reason}; it was stopped.")
        self._hand_over(master, successor)
        if not wait_for(self._clock, self._time_limit, lambda: self.is_complete(version)):
            raise UpgradeFailed(
                f"gunicorn master {successor} has taken over, but does not answer {CONFIRMATIONS} times in a row with "
                f"{version}: the last answer was {self._answer() or 'none'}."
            )

    def _wrong(self, successor: int, version: Sha) -> str:
        runs = self._gunicorn.release_of(successor)
        if runs is not None and runs != version:
            return f"runs release {runs}: gunicorn must be started with --chdir and the whole path of the current link"
        return f"did not answer with {version} within {self._time_limit:.0f} s"

    def _serves(self, successor: int, version: Sha) -> bool:
        """Whether ``version`` answers a few times while the successor lives."""
        seen = 0

        def look() -> bool | None:
            nonlocal seen
            seen += self._answer() == version
            return True if seen >= 3 or not alive(successor) else None

        wait_for(self._clock, self._time_limit, look)
        return seen >= 3 and alive(successor)

    def _answers_alone(self, version: Sha) -> bool:
        """Whether ``version`` answers and no other version does."""
        answers = set()
        for _ in range(ALONE):
            answers.add(self._answer())
            if answers - {version, None}:
                return False
            self._clock.sleep(PAUSE_SECONDS)
        return version in answers

    def _hand_over(self, master: int, successor: int) -> None:
        self._gunicorn.retire(master)
        self._await_takeover(successor)

    def _await_takeover(self, successor: int) -> None:
        def look() -> str | None:
            if self._gunicorn.master() == successor:
                return "taken over"
            return None if alive(successor) else "gone"

        outcome = wait_for(self._clock, self._time_limit, look)
        if outcome == "taken over":
            return
        if outcome == "gone":
            raise UpgradeFailed(f"the new gunicorn master {successor} ended while it took over.")
        raise UpgradeFailed(
            f"the old gunicorn master {self._gunicorn.master()} finishes its requests for more than "
            f"{self._time_limit:.0f} s; the new master {successor} serves."
        )
