"""The change that is to stop the problem."""

from __future__ import annotations

from enum import Enum

from hotfix.domain.diagnosis import ReproducerRun
from hotfix.domain.document import Artefact, Document, GitRef, Instant, Sha


class CandidateKind(str, Enum):
    OPERATOR_PATCH = "operator-patch"
    OPERATOR_REF = "operator-ref"
    REVERT = "revert"


class Candidate(Document):
    """One way to fix it. ``id`` names it over all attempts."""

    id: str
    kind: CandidateKind
    description: str
    paths: tuple[str, ...]
    commit: Sha | None = None


class FixPlan(Document):
    """Candidates in the order in which they are tried; the excluded ones failed in an earlier attempt."""

    candidates: tuple[Candidate, ...]
    excluded: tuple[str, ...]
    base: Sha

    @property
    def headline(self) -> str:
        return "candidates: " + "; ".join(candidate.description for candidate in self.candidates)


class FileChange(Document):
    path: str
    added: int
    removed: int
    binary: bool = False

    @property
    def lines(self) -> int:
        return self.added + self.removed


class BackedUpFile(Document):
    path: str
    blob: str
    sha256: str
    mode: str


class Backup(Document):
    """The exact state before the fix: a ref on the remote, and the checksums of what may change."""

    ref: GitRef
    commit: Sha
    files: tuple[BackedUpFile, ...]
    at: Instant

    @property
    def headline(self) -> str:
        return f"{self.commit[:12]} kept as {self.ref}, with the checksums of {len(self.files)} files"


class Fix(Document):
    """A proved candidate as a commit on the remote. This commit, and no other, is what may ship."""

    candidate: Candidate
    ref: GitRef
    commit: Sha
    base: Sha
    message: str
    changes: tuple[FileChange, ...]
    diff: Artefact
    proved: bool
    before: ReproducerRun | None
    after: ReproducerRun | None
    rejected: tuple[str, ...]
    leaves_open: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        return f"{self.candidate.description}, {self.commit[:12]}, {'proved' if self.proved else 'not proved'}"

    @property
    def lines(self) -> int:
        return sum(change.lines for change in self.changes)
