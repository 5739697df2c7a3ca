"""What each source proves itself with, read once."""

from __future__ import annotations

import logging
from collections.abc import Callable

from hotfix.domain.alert import AlertSource
from hotfix.ports.alert_format import Credentials

MIN_SECRET_LENGTH = 16

log = logging.getLogger("hotfix.intake")


class CredentialBook:
    """Credentials by source. What was found is kept for the life of the process; what was not is looked for again."""

    def __init__(self, load: Callable[[AlertSource], Credentials | None]) -> None:
        self._load = load
        self._found: dict[AlertSource, Credentials] = {}

    def of(self, source: AlertSource) -> Credentials | None:
        """None where the source has no secret that is long enough: then nothing of it is let in."""
        if source not in self._found and (loaded := self._usable(source)):
            self._found[source] = loaded
        return self._found.get(source)

    def _usable(self, source: AlertSource) -> Credentials | None:
        loaded = self._load(source)
        if loaded is None or not loaded.secrets:
            log.warning("The Connection hotfix_intake_%s has no password: alerts of it are refused.", source.value)
            return None
        if short := [secret for secret in loaded.secrets if len(secret) < MIN_SECRET_LENGTH]:
            log.error(
                "%d secret(s) of the Connection hotfix_intake_%s have fewer than %d characters: alerts are refused.",
                len(short),
                source.value,
                MIN_SECRET_LENGTH,
            )
            return None
        return loaded
