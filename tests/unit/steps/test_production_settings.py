"""What a change made of its tree cannot lead a write out of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotfix.analysis.test_selection.test_configuration import ConfigurationChange
from hotfix.steps.production_settings import put_back, within_reach


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "tree" / "app").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    return tmp_path / "tree"


def outside(tree: Path) -> list[str]:
    return sorted(file.name for file in (tree.parent / "outside").iterdir())


@pytest.mark.parametrize("path", ["pytest.ini", "app/pytest.ini", "gone/for/good/pytest.ini"])
def test_a_file_is_put_back_and_its_folders_with_it(tree: Path, path: str) -> None:
    changes = within_reach(tree, [ConfigurationChange(path, "[pytest]\n")])
    assert changes[0].problem == ""
    put_back(tree, changes)
    assert (tree / path).read_text() == "[pytest]\n"
    put_back(tree, [ConfigurationChange(path, None)])
    assert not (tree / path).exists()


def test_a_link_in_its_place_is_replaced(tree: Path) -> None:
    (tree.parent / "outside" / "theirs").write_text("theirs")
    (tree / "pytest.ini").symlink_to(tree.parent / "outside" / "theirs")
    put_back(tree, within_reach(tree, [ConfigurationChange("pytest.ini", "[pytest]\n")]))
    assert (tree / "pytest.ini").read_text() == "[pytest]\n"
    assert (tree.parent / "outside" / "theirs").read_text() == "theirs"


@pytest.mark.parametrize("restored", ["[pytest]\n", None])
def test_a_link_above_it_keeps_the_gate_closed(tree: Path, restored: str | None) -> None:
    (tree.parent / "outside" / "pytest.ini").write_text("theirs")
    (tree / "link").symlink_to(tree.parent / "outside")
    changes = within_reach(tree, [ConfigurationChange("link/pytest.ini", restored)])
    assert "link is no folder" in changes[0].problem
    put_back(tree, changes)
    assert outside(tree) == ["pytest.ini"]
    assert (tree.parent / "outside" / "pytest.ini").read_text() == "theirs"


def test_a_file_above_it_and_a_folder_in_its_place(tree: Path) -> None:
    (tree / "file").write_text("")
    changes = [ConfigurationChange("file/pytest.ini", "[pytest]\n"), ConfigurationChange("app", "[pytest]\n")]
    found = within_reach(tree, changes)
    assert all(change.problem for change in found)
    put_back(tree, found)


def test_an_earlier_problem_stays(tree: Path) -> None:
    (change,) = within_reach(tree, [ConfigurationChange("pytest.ini", None, problem="cannot be read")])
    assert change.problem == "cannot be read"
