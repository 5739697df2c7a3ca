"""What each commit changed, line by line."""

from __future__ import annotations

from dataclasses import dataclass

from hotfix.domain.document import Sha


@dataclass(frozen=True)
class Hunk:
    """Lines that were taken out and put in at one place; ``function`` is what git names as its surroundings."""

    function: str
    removed: tuple[str, ...]
    added: tuple[str, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        return (*self.removed, *self.added)


@dataclass(frozen=True)
class FilePatch:
    """``path`` is where the file is afterwards (before, where it was deleted), ``old_path`` where it was."""

    path: str
    old_path: str
    hunks: tuple[Hunk, ...]


@dataclass(frozen=True)
class CommitPatch:
    """What a commit changed; of a merge, nothing."""

    sha: Sha
    message: str
    files: tuple[FilePatch, ...]
