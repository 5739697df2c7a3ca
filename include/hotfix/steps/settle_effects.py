"""Effects whose end nobody noted: ask the world how they ended."""

from __future__ import annotations

from hotfix.domain.document import Sha
from hotfix.domain.effect import Effect, EffectKind, EffectState
from hotfix.domain.incident import Incident
from hotfix.ports.bug_database import BugDatabase
from hotfix.ports.clock import Clock
from hotfix.ports.repository import Repository


def settle_effects(
    incident: Incident, *, live: Sha | None, repository: Repository, bug_database: BugDatabase, clock: Clock
) -> None:
    """Note how every effect ended that is still under way; ``live`` is what production was last seen to run.

    For the end of a run, when nobody is at it any more. What cannot be asked for stays under way, for people to see.
    """
    for effect in bug_database.effects(incident):
        happened = _happened(effect, live, repository) if effect.state is EffectState.UNDER_WAY else None
        if happened is not None:
            state = EffectState.DONE if happened else EffectState.FAILED
            seen = "its worker died; seen afterwards: " + ("it was done" if happened else "it was not done")
            bug_database.end_effect(incident, effect, state, clock.now(), seen)


def _happened(effect: Effect, live: Sha | None, repository: Repository) -> bool | None:
    if effect.kind is EffectKind.SET_REF:
        return repository.remote_ref(effect.key) == effect.target
    if effect.kind is EffectKind.DELETE_REF:
        return repository.remote_ref(effect.key) is None
    if effect.kind in (EffectKind.DEPLOY, EffectKind.RESTORE) and live is not None:
        return live == effect.key
    return None
