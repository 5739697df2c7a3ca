"""The form of a source's requests: how they are known to be its own, and what they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hotfix.domain.alert import Alert


@dataclass(frozen=True)
class Credentials:
    """What a source proves itself with. ``secrets``: any of them counts (the old and the new one of a rotation)."""

    secrets: tuple[str, ...]
    user: str = ""

    def __repr__(self) -> str:
        return f"Credentials(user={self.user!r}, secrets=<{len(self.secrets)} hidden>)"


class AlertFormat(Protocol):
    """Headers are looked up by lower-case names; ``body`` is the request's body as it came over the wire."""

    def is_authentic(
        self, headers: Mapping[str, str], body: bytes, credentials: Credentials, now: datetime
    ) -> bool: ...

    def alerts(self, headers: Mapping[str, str], body: bytes) -> tuple[Alert, ...]:
        """What the request tells; empty for a message that neither begins nor ends an alert.

        Raises:
            AlertRefused: it is not in the format of the source.
        """
