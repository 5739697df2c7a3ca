"""Artefacts in a dictionary."""

from __future__ import annotations

import hashlib

from hotfix.domain.document import Artefact
from hotfix.domain.errors import HotfixError


class InMemoryArtefacts:
    """An ``ArtefactStore`` for one process; ``contents`` maps names to what was stored last."""

    def __init__(self) -> None:
        self.contents: dict[str, str] = {}

    def put(self, name: str, content: str) -> Artefact:
        self.contents[name] = content
        data = content.encode("utf-8", "surrogateescape")
        return Artefact(name=name, uri=f"memory:{name}", bytes=len(data), sha256=hashlib.sha256(data).hexdigest())

    def read(self, artefact: Artefact) -> str:
        if artefact.name not in self.contents:
            raise HotfixError(f"The artefact {artefact.uri} is gone.")
        return self.contents[artefact.name]
