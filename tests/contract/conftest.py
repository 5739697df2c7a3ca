"""What several contract tests start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.github_world import GithubWorld, github_world


@pytest.fixture(scope="module")
def github_of_module() -> Iterator[GithubWorld]:
    with github_world() as running:
        yield running


@pytest.fixture
def github(github_of_module: GithubWorld) -> GithubWorld:
    """GitHub as emulated, one for each module; no fault and no call of another test is left."""
    github_of_module.front.forget()
    return github_of_module
