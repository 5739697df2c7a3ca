"""Versions, and how they got into production."""

from __future__ import annotations

from hotfix.domain.document import Document, GitRef, Instant, Sha


class Release(Document):
    """A version that was live, as the deployer remembers it.

    ``deployed_at`` is when it began to take requests, not when the deployment was done: what fails from then on is its.
    """

    version: Sha
    deployed_at: Instant | None


class DeployerStatus(Document):
    """What a deployer sees without touching anything.

    ``busy`` says who deploys at this moment, since when, where that is known; ``problems`` what keeps a deployment or a
    return from working, a sentence each.
    """

    live: Sha | None
    busy: str = ""
    problems: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        live = f"{self.live[:12]} is live" if self.live else "nothing is known to be live"
        return "; ".join((live, *([f"busy: {self.busy}"] if self.busy else ()), *self.problems))


class HotfixCommit(Document):
    """The approved commit, sealed on the remote with the approval that it got."""

    commit: Sha
    seal: GitRef
    message: str

    @property
    def headline(self) -> str:
        return f"{self.commit[:12]} sealed as {self.seal}"


class Push(Document):
    branch: str
    commit: Sha
    remote: str

    @property
    def headline(self) -> str:
        return f"{self.branch} is at {self.commit[:12]}"


class Deployment(Document):
    version: Sha
    previous: Sha
    deployer: str
    started_at: Instant
    finished_at: Instant
    attempts: tuple[str, ...]

    @property
    def headline(self) -> str:
        return f"{self.version[:12]} deployed with {self.deployer}, before it {self.previous[:12]}"


class LiveCheck(Document):
    """``monitor_deployment``: production itself says which version it runs."""

    version: Sha
    confirmations: int
    first_seen_at: Instant
    seconds: float

    @property
    def headline(self) -> str:
        return f"production reports {self.version[:12]}"
