"""What every deployer promises. A test module subclasses this and provides the fixture ``world``."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pytest

from hotfix.domain.document import Sha
from hotfix.domain.errors import DeploymentFailed, RollbackFailed
from hotfix.ports.deployer import Deployer

FIRST, SECOND, BROKEN, UNKNOWN = "1" * 40, "2" * 40, "b" * 40, "f" * 40


class World(Protocol):
    """A production with ``FIRST`` live. ``BROKEN`` is a version that never comes up."""

    deployer: Deployer

    def source(self, version: Sha) -> Path: ...

    def running(self) -> Sha | None:
        """What production really runs, seen past the deployer."""


class DeployerContract:
    def test_a_deployed_version_is_live_and_heads_the_history(self, world: World) -> None:
        assert world.running() == FIRST
        world.deployer.deploy(SECOND, world.source(SECOND))
        assert world.running() == world.deployer.live() == SECOND
        versions = [release.version for release in world.deployer.history()]
        assert versions[:2] == [SECOND, FIRST]

    def test_the_status_says_what_is_live_and_finds_nothing_wrong(self, world: World) -> None:
        status = world.deployer.status()
        assert (status.live, status.busy, status.problems) == (FIRST, "", ())

    def test_a_version_that_is_live_is_left_alone(self, world: World) -> None:
        world.deployer.deploy(SECOND, world.source(SECOND))
        before = world.deployer.history()
        world.deployer.deploy(SECOND, Path("/nonexistent"))
        world.deployer.restore(SECOND)
        assert world.deployer.history() == before
        assert world.running() == SECOND

    def test_a_version_that_was_live_can_be_restored(self, world: World) -> None:
        world.deployer.deploy(SECOND, world.source(SECOND))
        assert world.deployer.can_restore(FIRST)
        world.deployer.restore(FIRST)
        world.deployer.restore(FIRST)
        assert world.running() == world.deployer.live() == FIRST
        assert world.deployer.history()[0].version == FIRST

    def test_a_failed_deployment_leaves_production_as_it_was(self, world: World) -> None:
        with pytest.raises(DeploymentFailed, match=BROKEN):
            world.deployer.deploy(BROKEN, world.source(BROKEN))
        assert world.running() == world.deployer.live() == FIRST
        world.deployer.deploy(SECOND, world.source(SECOND))
        assert world.running() == SECOND

    def test_a_version_that_never_was_live_cannot_be_restored_and_the_error_says_what_to_type(
        self, world: World
    ) -> None:
        assert not world.deployer.can_restore(UNKNOWN)
        with pytest.raises(RollbackFailed) as failure:
            world.deployer.restore(UNKNOWN)
        commands = world.deployer.by_hand(UNKNOWN)
        assert any(UNKNOWN in command for command in commands)
        assert all(command in str(failure.value) for command in commands)
        assert FIRST in str(failure.value)
        assert world.running() == FIRST
