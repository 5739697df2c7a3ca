"""Artefacts in any storage that Airflow's ObjectStoragePath reaches."""

from __future__ import annotations

import hashlib

from airflow.sdk import ObjectStoragePath

from hotfix.domain.document import Artefact
from hotfix.domain.errors import HotfixError


class ObjectArtefactStore:
    """``root`` is a storage URL (``file://``, ``s3://`` …); each attempt at an incident has a folder below it."""

    def __init__(self, root: str, incident_id: str, attempt: int) -> None:
        self._folder = ObjectStoragePath(root) / incident_id / str(attempt)

    def put(self, name: str, content: str) -> Artefact:
        data = content.encode("utf-8", "surrogateescape")
        path = self._folder / name
        self._folder.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(data)
        return Artefact(name=name, uri=str(path), bytes=len(data), sha256=hashlib.sha256(data).hexdigest())

    def read(self, artefact: Artefact) -> str:
        try:
            with ObjectStoragePath(artefact.uri).open("rb") as file:
                data: bytes = file.read()
        except OSError as error:
            raise HotfixError(f"The artefact {artefact.uri} cannot be read: {error}.") from error
        if hashlib.sha256(data).hexdigest() != artefact.sha256:
            raise HotfixError(f"The artefact {artefact.uri} is not what was stored: its checksum differs.")
        return data.decode("utf-8", "surrogateescape")
