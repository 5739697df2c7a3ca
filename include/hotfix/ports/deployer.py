"""How a version gets into production."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from hotfix.domain.document import Sha
from hotfix.domain.release import DeployerStatus, Release


class Deployer(Protocol):
    """One service in one environment. Every call may be repeated, also after a crash half-way."""

    @property
    def name(self) -> str:
        """``local``, ``command``, … for messages and the record."""

    def status(self) -> DeployerStatus:
        """What is live, who deploys at this moment, and what stands in the way of a deployment. Touches nothing."""

    def live(self) -> Sha | None:
        """The version that production was last switched to; None when that cannot be told."""

    def history(self) -> tuple[Release, ...]:
        """Versions that were live, newest first, the live one included, as far as they are known."""

    def can_restore(self, version: Sha) -> bool:
        """Whether ``restore(version)`` has what it needs."""

    def deploy(self, version: Sha, source: Path) -> None:
        """Make ``version`` live; ``source`` is a clean checkout of it. Returns when it is.

        A version that is live already is left alone.

        Raises:
            DeploymentFailed: it did not become live; production runs what it ran before
                unless the text says otherwise.
        """

    def restore(self, version: Sha) -> None:
        """Go back to ``version``, which was live before. Returns when it is live.

        Raises:
            RollbackFailed: production is not on ``version``; the text says what it is on and what a person can do.
        """

    def by_hand(self, version: Sha) -> tuple[str, ...]:
        """The exact commands with which a person restores ``version``."""
