"""Which methods of which ports have effects, and how the journal names them.

A method that is not named here only reads. The tests sort every method of these ports into one or the other.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, cast

from hotfix.adapters.journaled.journal import Journal
from hotfix.domain.document import GitRef, Sha
from hotfix.domain.effect import EffectKind, Intent
from hotfix.domain.incident import Incident
from hotfix.ports.code_host import CodeHost
from hotfix.ports.deployer import Deployer
from hotfix.ports.repository import Repository

# Method to the intent of a call; the functions take what the port's method takes, and what matters by name.
Effects = Mapping[str, Callable[..., Intent]]


def _push(ref: GitRef, target: str, *rest: object, **more: object) -> Intent:
    return Intent(kind=EffectKind.SET_REF, key=ref, target=target)


def _delete(ref: GitRef, expect: str) -> Intent:
    return Intent(kind=EffectKind.DELETE_REF, key=ref, target=expect)


def _deploy(version: Sha, *rest: object, **more: object) -> Intent:
    return Intent(kind=EffectKind.DEPLOY, key=version)


def _restore(version: Sha, *rest: object, **more: object) -> Intent:
    return Intent(kind=EffectKind.RESTORE, key=version)


def _open_pull(incident: Incident, branch: str, head: Sha, *rest: object, **more: object) -> Intent:
    return Intent(kind=EffectKind.OPEN_PULL_REQUEST, key=branch, target=head)


def _open_issue(incident: Incident, *rest: object, **more: object) -> Intent:
    return Intent(kind=EffectKind.OPEN_ISSUE, key=incident.id)


REPOSITORY: Effects = {"push": _push, "delete": _delete}
DEPLOYER: Effects = {"deploy": _deploy, "restore": _restore}
CODE_HOST: Effects = {"open_pull": _open_pull, "open_issue": _open_issue}


def journaled_repository(repository: Repository, journal: Journal) -> Repository:
    return cast(Repository, _Journaled(repository, REPOSITORY, journal))


def journaled_deployer(deployer: Deployer, journal: Journal) -> Deployer:
    return cast(Deployer, _Journaled(deployer, DEPLOYER, journal))


def journaled_code_host(code_host: CodeHost, journal: Journal) -> CodeHost:
    return cast(CodeHost, _Journaled(code_host, CODE_HOST, journal))


class _Journaled:
    """Everything of ``behind``, its effects through the journal."""

    def __init__(self, behind: object, effects: Effects, journal: Journal) -> None:
        self._behind = behind
        self._effects = effects
        self._journal = journal

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._behind, name)
        if name not in self._effects:
            return found

        @functools.wraps(found)
        def journaled(*args: Any, **kwargs: Any) -> Any:
            with self._journal.effect(self._effects[name](*args, **kwargs)):
                return found(*args, **kwargs)

        return journaled
