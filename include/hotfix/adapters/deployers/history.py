"""Which versions were live, one JSON line each."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from hotfix.domain.document import Sha
from hotfix.domain.release import Release


class History:
    """An append-only file. The newest line is the version that went live last."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def newest_first(self) -> tuple[Release, ...]:
        """Lines that cannot be read, such as one cut short by a crash, are left out."""
        try:
            lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return ()
        releases: list[Release] = []
        for line in reversed(lines):
            try:
                releases.append(Release.model_validate_json(line))
            except ValidationError:
                continue
        return tuple(releases)

    def headed_by(self, live: Sha | None) -> tuple[Release, ...]:
        """``newest_first``, with ``live`` at its head where somebody else brought that version in."""
        known = self.newest_first()
        if live is None or (known and known[0].version == live):
            return known
        return (Release(version=live, deployed_at=None), *known)

    def add(self, version: Sha, deployed_at: datetime | None) -> None:
        """Say that ``version`` went live, unless that is the newest line already."""
        known = self.newest_first()
        if known and known[0].version == version:
            return
        line = Release(version=version, deployed_at=deployed_at).model_dump_json()
        with self._path.open("a", encoding="utf-8") as file:
            # Its own line even after one that a crash has cut short.
            file.write(f"\n{line}\n" if known or file.tell() else f"{line}\n")
