"""The real history and the toolchain, made once a session."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.real_package import toolchain
from tests.e2e.real_package.history import RealHistory, build


@pytest.fixture(scope="session")
def sdists(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Path:
    """Where downloaded archives are; kept for the next session if pytest keeps anything."""
    cache: pytest.Cache | None = getattr(pytestconfig, "cache", None)
    return cache.mkdir("real_package") if cache else tmp_path_factory.mktemp("sdists")


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory, sdists: Path, python: str) -> RealHistory:
    return build(tmp_path_factory.mktemp("real-history") / "importlib_resources.git", sdists, Path(python))


@pytest.fixture(scope="session")
def production_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place for releases, with a toolchain."""
    root = tmp_path_factory.mktemp("production")
    toolchain.prepare(root)
    return root


@pytest.fixture(scope="session")
def python(production_root: Path) -> str:
    """The interpreter that has what the package's tests need."""
    return str(toolchain.prepare(production_root))
