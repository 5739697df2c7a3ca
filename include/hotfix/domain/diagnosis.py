"""What broke production."""

from __future__ import annotations

from enum import Enum

from pydantic import Field

from hotfix.domain.document import Document, Instant, Sha


class Verdict(str, Enum):
    """What one run of the reproducer says about one version."""

    GOOD = "good"
    SAME_FAILURE = "same_failure"
    OTHER_FAILURE = "other_failure"
    UNTESTABLE = "untestable"


class Commit(Document):
    """``tree``: the id of its files, where it is known; two commits with the same tree have the same files."""

    sha: Sha
    parents: tuple[Sha, ...]
    author: str
    at: Instant
    subject: str
    tree: str = ""


class ReproducerRun(Document):
    """``repeated``: nothing was run, another version with the same files had been."""

    sha: Sha
    verdict: Verdict
    signature: str = Field(description="the failure without what changes from run to run; empty when good")
    seconds: float
    repeated: bool = False


class Suspect(Document):
    commit: Commit
    probability: float = Field(ge=0, le=1)
    evidence: tuple[str, ...]


class Diagnosis(Document):
    """``proved`` means: the culprit's parent passes and the culprit fails as production does."""

    culprit: Commit | None
    proved: bool
    good: Sha | None
    bad: Sha
    signature: str
    suspects: tuple[Suspect, ...]
    runs: tuple[ReproducerRun, ...]
    commits_in_range: int
    seconds: float
    summary: str

    @property
    def headline(self) -> str:
        return self.summary
