"""The service catalog."""

from __future__ import annotations

from typing import Protocol

from hotfix.domain.service import ServiceProfile


class Catalog(Protocol):
    def names(self) -> tuple[str, ...]:
        """The services that are described, sorted."""

    def profile(self, name: str) -> ServiceProfile:
        """One service's profile.

        Raises:
            InvalidCatalog: there is no such profile, or it cannot be used; the text names the file and the key.
        """
