"""The real history and the toolchain, made once a session."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.real_package import toolchain
from tests.e2e.real_package.history import RealHistory, build


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> RealHistory:
    """Downloaded archives are kept for the next session, if pytest keeps anything."""
    folder = tmp_path_factory.mktemp("real-history")
    cache = pytestconfig.cache.mkdir("real_package") if hasattr(pytestconfig, "cache") else folder / "cache"
    return build(folder / "importlib_resources.git", cache)


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
