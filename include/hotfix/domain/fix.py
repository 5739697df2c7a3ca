"""The change that is to stop the problem."""

from __future__ import annotations

from enum import Enum

from hotfix.domain.diagnosis import ReproducerRun
from hotfix.domain.document import Artefact, Document, GitRef, Instant, Sha


class CandidateKind(str, Enum):
    OPERATOR_PATCH = "operator-patch"
    OPERATOR_REF = "operator-ref"
    MINIMAL_REVERT = "minimal-revert"
    REVERT = "revert"
    MODEL_PATCH = "model-patch"


class Candidate(Document):
    """One way to fix it. ``id`` names it over all attempts.

    ``reverted`` and ``stays`` name the hunks of the culprit that a minimal revert takes back and leaves, ``breaks``
    the tests that it breaks; ``patch`` is the text of a patch that a language model wrote.
    """

    id: str
    kind: CandidateKind
    description: str
    paths: tuple[str, ...]
    commit: Sha | None = None
    patch: Artefact | None = None
    reverted: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()


class Alternative(Document):
    """One set of the culprit's hunks that was looked at. ``lines`` counts what changes in production's version.

    ``broken_tests`` (at most ``LISTED``; ``broken`` counts them all) pass on production's version and not with it;
    ``broken`` None: the affected tests were not run with it. ``why_not`` is empty for the one that was chosen.
    """

    description: str
    hunks: int
    lines: int
    broken: int | None
    broken_tests: tuple[str, ...]
    verified: bool
    why_not: str


class FixPlan(Document):
    """Candidates in the order in which they are tried; the excluded ones failed in an earlier attempt.

    ``alternatives`` are the sets of hunks that were looked at for the minimal revert, side by side; ``refused`` says
    what is no candidate, and why.
    """

    candidates: tuple[Candidate, ...]
    excluded: tuple[str, ...]
    base: Sha
    alternatives: tuple[Alternative, ...] = ()
    refused: tuple[str, ...] = ()

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
