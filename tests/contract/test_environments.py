"""Environments are built once for each state of the dependency files."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from hotfix.adapters.environments import Environments


def checkout(folder: Path, **files: str) -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


def test_versions_with_the_same_dependencies_share_one(tmp_path: Path) -> None:
    built: list[Path] = []
    kept = Environments(tmp_path / "kept")
    one = checkout(tmp_path / "one", requirements__txt="a==1", code__py="1")
    other = checkout(tmp_path / "other", requirements__txt="a==1", code__py="2")
    assert kept.ready(one, "recipe", built.append) == kept.ready(other, "recipe", built.append)
    assert len(built) == 1


def test_other_dependencies_or_another_recipe_mean_another_one(tmp_path: Path) -> None:
    kept = Environments(tmp_path / "kept")
    one = checkout(tmp_path / "one", requirements__txt="a==1")
    other = checkout(tmp_path / "other", requirements__txt="a==2")
    places = {
        kept.ready(one, "recipe", lambda place: None),
        kept.ready(other, "recipe", lambda place: None),
        kept.ready(one, "another", lambda place: None),
    }
    assert len(places) == 3


def test_a_failed_build_leaves_nothing_and_is_tried_again(tmp_path: Path) -> None:
    kept = Environments(tmp_path / "kept")
    tree = checkout(tmp_path / "tree")

    def fail(place: Path) -> None:
        (place / "half").touch()
        raise RuntimeError("no network")

    with pytest.raises(RuntimeError):
        kept.ready(tree, "recipe", fail)
    place = kept.ready(tree, "recipe", lambda place: (place / "whole").touch())
    assert [file.name for file in place.iterdir()] == ["whole"]


def test_a_link_out_of_the_checkout_decides_nothing(tmp_path: Path) -> None:
    kept = Environments(tmp_path / "kept")
    (tmp_path / "elsewhere").write_text("a==1")
    tree = checkout(tmp_path / "tree")
    (tree / "requirements.txt").symlink_to(tmp_path / "elsewhere")
    before = kept.ready(tree, "recipe", lambda place: None)
    (tmp_path / "elsewhere").write_text("a==2")
    assert kept.ready(tree, "recipe", lambda place: None) == before


def test_what_nobody_used_for_a_week_goes(tmp_path: Path) -> None:
    kept = Environments(tmp_path / "kept")
    tree = checkout(tmp_path / "tree")
    old = kept.ready(tree, "old", lambda place: None)
    month_ago = time.time() - 30 * 24 * 3600
    os.utime(old.with_name(f"{old.name}.ready"), (month_ago, month_ago))
    kept.ready(tree, "new", lambda place: None)
    assert not old.exists()
