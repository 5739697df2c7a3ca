"""The world of the steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.world import World, make_history, make_world

Template = tuple[Path, dict[str, str]]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    folder = tmp_path_factory.mktemp("template") / "remote.git"
    return folder, make_history(folder)


@pytest.fixture
def world(tmp_path: Path, template: Template) -> World:
    return make_world(tmp_path, *template)
