"""Which runs died half-way, and which only take their time?"""

from __future__ import annotations

from datetime import datetime, timedelta

from hotfix.domain.incident import Incident
from hotfix.domain.outcome import RunOutcome
from hotfix.domain.recovery import DeadRun, Liveness
from hotfix.ports.bug_database import BugDatabase
from hotfix.ports.clock import Clock
from hotfix.ports.runs import Runs

# Longer than any step may take without a line in the ledger: the watch of production has two hours and ten minutes.
SILENCE = timedelta(hours=4)


def find_dead_runs(
    *, bug_database: BugDatabase, runs: Runs, clock: Clock, silence: timedelta = SILENCE
) -> tuple[DeadRun, ...]:
    """Runs without a ``RunOutcome`` that have ended or are gone, or say nothing for longer than ``silence``.

    A run that the scheduler counts as alive and that has left a sign of life within ``silence`` is never among them.
    """
    dead = []
    for incident in bug_database.unfinished():
        why = _why_dead(incident, runs.liveness(incident.dag_id, incident.run_id), bug_database, clock.now(), silence)
        # Asked again: it may have had its last word while the scheduler was asked.
        if why and bug_database.find(incident, RunOutcome) is None:
            dead.append(DeadRun(incident=incident.id, attempt=incident.attempt, run_id=incident.run_id, why=why))
    return tuple(dead)


def _why_dead(
    incident: Incident, liveness: Liveness, bug_database: BugDatabase, now: datetime, silence: timedelta
) -> str:
    if liveness is Liveness.ENDED:
        return "the run has ended without a last word"
    if liveness is Liveness.GONE:
        return "Airflow knows no such run any more"
    last = last_sign_of_life(incident, bug_database)
    return f"nothing was heard of it since {last:%Y-%m-%d %H:%M:%S} UTC" if now - last > silence else ""


def last_sign_of_life(incident: Incident, bug_database: BugDatabase) -> datetime:
    """The last moment at which the run wrote to its timeline or its journal."""
    moments = [event.at for event in bug_database.timeline(incident)]
    for effect in bug_database.effects(incident):
        moments += [effect.begun_at, effect.ended_at or effect.begun_at]
    return max(moments, default=incident.opened_at)
