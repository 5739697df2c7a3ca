"""Every effect in the ledger, before it happens and after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from hotfix.domain.document import clip
from hotfix.domain.effect import EffectState, Intent
from hotfix.domain.errors import HotfixError
from hotfix.domain.incident import Incident
from hotfix.ports.bug_database import BugDatabase
from hotfix.ports.clock import Clock

WHAT_LIMIT = 500


class NoIncident(HotfixError):
    """An effect that belongs to no incident of the ledger; it was not done."""


@dataclass(frozen=True)
class Work:
    """Who is about to change something, and for which incident."""

    incident: Incident | None
    run_id: str


class Journal:
    """``work`` is asked anew for every effect: the first task opens the incident that its own effects belong to."""

    def __init__(self, bug_database: BugDatabase, clock: Clock, work: Callable[[], Work]) -> None:
        self._bug_database = bug_database
        self._clock = clock
        self._work = work

    @contextmanager
    def effect(self, intent: Intent) -> Iterator[None]:
        """Around the effect. What dies in between stays ``UNDER_WAY`` for those who look after dead runs.

        Raises:
            NoIncident: nobody could find the effect again, so it is not done.
            TakenOver: this run was taken for dead, and another one finishes it.
            BugDatabaseUnavailable: before it, nothing was done; after it, a retry finds it done.
        """
        work = self._work()
        incident = work.incident
        if incident is None:
            raise NoIncident(f"There is no incident in the ledger for this: {intent.headline}.", "Nothing was done.")
        self._bug_database.begin_effect(incident, intent, work.run_id, self._clock.now())
        try:
            yield
        except BaseException as error:
            # The effect's own error says more than one of the ledger behind it.
            with suppress(HotfixError):
                self._end(incident, intent, EffectState.FAILED, f"{type(error).__name__}: {error}")
            raise
        self._end(incident, intent, EffectState.DONE)

    def _end(self, incident: Incident, intent: Intent, state: EffectState, what: str = "") -> None:
        self._bug_database.end_effect(incident, intent, state, self._clock.now(), clip(what, WHAT_LIMIT))
