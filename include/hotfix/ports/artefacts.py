"""Storage for what is too large to travel between tasks."""

from __future__ import annotations

from typing import Protocol

from hotfix.domain.document import Artefact


class ArtefactStore(Protocol):
    """The artefacts of one attempt at one incident. Storing the same name again replaces it."""

    def put(self, name: str, content: str) -> Artefact:
        """Store ``content`` under ``name`` (a plain file name)."""

    def read(self, artefact: Artefact) -> str:
        """The content of an artefact.

        Raises:
            HotfixError: it is gone, or its checksum is another one.
        """
