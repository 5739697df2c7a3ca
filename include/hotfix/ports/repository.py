"""A service's version control: its history, its files, and the refs on its remote."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from hotfix.domain.diagnosis import Commit
from hotfix.domain.document import GitRef, Sha
from hotfix.domain.fix import BackedUpFile, FileChange
from hotfix.domain.history import CommitPatch
from hotfix.domain.revert import FileState, ReversePatch


class Repository(Protocol):
    """Every read is of the remote as last fetched; every write goes to the remote at once.

    All methods raise ``GitFailed`` (``RemoteUnavailable`` when the remote does not answer).
    """

    @property
    def remote(self) -> str:
        """The remote's address without credentials."""

    def fetch(self) -> None:
        """Bring the local mirror up to date."""

    def resolve(self, name: str) -> Sha | None:
        """The commit that a branch, tag, full ref name or commit id names; None when there is none."""

    def commit(self, sha: Sha) -> Commit: ...

    def message(self, sha: Sha) -> str:
        """A commit's whole message."""

    def commits(self, good: Sha, bad: Sha) -> tuple[Commit, ...]:
        """Commits reachable from ``bad`` and not from ``good``, parents first; ``bad`` is the last one."""

    def patches(self, good: Sha, bad: Sha, without: Sequence[str] = ()) -> Iterator[CommitPatch]:
        """What each of ``commits(good, bad)`` changed, newest first; merges are left out.

        Paths that match one of the patterns ``without`` (``*`` stands for anything, slashes too) are left out, and
        commits that changed nothing else.
        """

    def is_ancestor(self, ancestor: Sha, descendant: Sha) -> bool: ...

    def merge_base(self, one: Sha, other: Sha) -> Sha | None:
        """The best common ancestor; None when there is none."""

    def conflicts(self, one: Sha, other: Sha) -> tuple[str, ...]:
        """The paths on which a merge of the two would conflict; empty when it would not."""

    def tags_before(self, sha: Sha) -> tuple[tuple[str, Sha], ...]:
        """Tags on strict ancestors of ``sha``, newest first."""

    def checkout(self, sha: Sha) -> AbstractContextManager[Path]:
        """A clean throw-away working tree of ``sha``, removed on exit."""

    def checkouts(self) -> AbstractContextManager[Callable[[Sha], AbstractContextManager[Path]]]:
        """What ``checkout`` does, for many versions one after another or side by side, in less time.

        The trees are used again, clean, and removed when the outer context ends.
        """

    def files(self, sha: Sha) -> tuple[str, ...]: ...

    def read_file(self, sha: Sha, path: str) -> str | None:
        """The text of a file; None when it is not there."""

    def grep(self, sha: Sha, texts: Sequence[str]) -> tuple[tuple[str, int, str], ...]:
        """Path, line (from 1) and the line itself of every line of a text file that contains one of ``texts``.

        Letter case counts. A text is of one line; empty ones are not looked for.
        """

    def changes(self, base: Sha, head: Sha) -> tuple[FileChange, ...]: ...

    def diff(self, base: Sha, head: Sha) -> str: ...

    def last_changed_by(self, sha: Sha, path: str, line: int) -> Sha | None:
        """The commit that wrote ``line`` (from 1) of ``path`` as of ``sha``; None when there is no such line."""

    def fingerprints(self, sha: Sha, paths: tuple[str, ...]) -> tuple[BackedUpFile, ...]:
        """Blob id, mode and SHA-256 of those of ``paths`` that exist in ``sha``."""

    def apply_patch(self, base: Sha, patch: str, message: str, at: datetime) -> Sha:
        """A commit on ``base`` with ``patch`` applied; the same arguments give the same id."""

    def revert(self, base: Sha, commit: Sha, message: str, at: datetime) -> Sha:
        """A commit on ``base`` that takes ``commit`` back; the same arguments give the same id."""

    def reverse_patch(self, culprit: Sha, production: Sha) -> ReversePatch:
        """What takes ``culprit`` back to its first parent, hunk by hunk, as edits of ``production``'s files."""

    def commit_files(self, base: Sha, files: Mapping[str, FileState | None], message: str, at: datetime) -> Sha:
        """A commit on ``base`` with ``files`` in these states (None: gone); the same arguments give the same id."""

    def graft(self, base: Sha, commit: Sha, message: str, at: datetime) -> Sha:
        """A commit on ``base`` with the change that ``commit`` makes to its merge base with ``base``."""

    def seal(self, commit: Sha, name: str, message: str, at: datetime) -> str:
        """The id of an annotated tag object on ``commit``; the same arguments give the same id."""

    def mark(self, message: str, at: datetime) -> Sha:
        """A commit without files or parents that carries only ``message``; used as a lock."""

    def read_mark(self, ref: GitRef) -> str | None:
        """The message of the mark that the remote's ``ref`` points at; None when there is no such ref."""

    def remote_ref(self, ref: GitRef) -> str | None:
        """Where ``ref`` is on the remote now."""

    def remote_refs(self, prefix: str) -> dict[str, str]:
        """Every ref on the remote that starts with ``prefix``, now."""

    def push(self, ref: GitRef, target: str, expect: str | None) -> None:
        """Set ``ref`` on the remote if it is at ``expect`` now (None: if it does not exist).

        A ref that is already at ``target`` is left alone.

        Raises:
            RefMoved: it is elsewhere.
        """

    def delete(self, ref: GitRef, expect: str) -> None:
        """Delete ``ref`` on the remote if it is at ``expect``; a missing ref is left alone.

        Raises:
            RefMoved: it is elsewhere.
        """
