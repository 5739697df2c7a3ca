"""``python -m hotfix select-tests``: a selection as JSON, and a repository that stays as it is."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from hotfix.cli import main
from tests.support.git_history import GitHistory
from tests.support.world import BAD_PRICING, GOOD_PRICING, TEST


@pytest.fixture
def commits(tmp_path: Path) -> dict[str, str]:
    history = GitHistory(tmp_path / "remote.git")
    tree: dict[str | bytes, str] = {
        "shop/__init__.py": "",
        "shop/pricing.py": BAD_PRICING,
        "tests/test_pricing.py": TEST,
    }
    base = history.commit("Sell", tree)
    prose = history.commit("Tell", {"README.md": "# Shop\n"})
    head = history.commit("Fix", {"shop/pricing.py": GOOD_PRICING})
    return {"repo": str(tmp_path / "remote.git"), "base": base, "prose": prose, "head": head}


def state(folder: str) -> dict[str, bytes]:
    """Every file with its content. Git may renew the time of an object that it finds there already."""
    return {str(file): file.read_bytes() for file in sorted(Path(folder).rglob("*")) if file.is_file()}


def run(commits: dict[str, str], *options: str, base: str = "base", head: str = "head") -> int:
    given = {name: commits.get(name, name) for name in (base, head)}
    return main(["select-tests", "--repo", commits["repo"], "--base", given[base], "--head", given[head], *options])


def test_a_selection_as_json_and_the_repository_as_it_was(commits: dict[str, str], tmp_path: Path) -> None:
    before = state(commits["repo"])
    assert run(commits, "--json", str(tmp_path / "found.json")) == 0
    found = json.loads((tmp_path / "found.json").read_text())
    assert [test["path"] for test in found["selected"]] == ["tests/test_pricing.py::test_price"]
    assert found["selected"][0]["reasons"] == ["uses shop/pricing.py (discount)"]
    assert found["widened"] == []
    assert 0 <= found["seconds"] < 60
    assert state(commits["repo"]) == before


def test_a_patch_is_the_change(commits: dict[str, str], tmp_path: Path) -> None:
    diff = ["git", "-C", commits["repo"], "diff", commits["base"], commits["head"], "--", "shop"]
    patch = tmp_path / "fix.patch"
    patch.write_bytes(subprocess.run(diff, check=True, capture_output=True).stdout)
    before = state(commits["repo"])
    assert run(commits, "--patch", str(patch), "--json", str(tmp_path / "found.json"), head="base") == 0
    assert len(json.loads((tmp_path / "found.json").read_text())["selected"]) == 1
    assert state(commits["repo"]) == before
    patch.write_text("--- a/gone.py\n+++ b/gone.py\n@@ -1 +1 @@\n-a\n+b\n")
    assert run(commits, "--patch", str(patch), head="base") == 1


def test_many_tests_by_names_alone_say_what_narrows_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    history = GitHistory(tmp_path / "remote.git")
    many = {f"tests/test_{number}.py": TEST for number in range(41)}
    base = history.commit("Sell", {"shop/__init__.py": "", "shop/pricing.py": BAD_PRICING, **many})
    head = history.commit("Fix", {"shop/pricing.py": GOOD_PRICING})
    commits = {"repo": str(tmp_path / "remote.git"), "base": base, "head": head}
    assert run(commits) == 0
    told = capsys.readouterr()
    assert "41 selected" in told.out
    assert f"map-tests --repo {commits['repo']} --ref {base[:10]} --map FILE -- python -m pytest" in told.err
    assert run(commits, "--files") == 0
    assert "map-tests" not in capsys.readouterr().err, "a map knows functions"


def test_an_empty_selection_is_told_apart(commits: dict[str, str]) -> None:
    assert run(commits, head="prose") == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ("--repo", "/nowhere", "--base", "a", "--head", "b"),
        ("--repo", "{repo}", "--base", "gone", "--head", "{head}"),
        ("--repo", "{repo}", "--base", "{base}", "--head", "--gone"),
        ("--repo", "{repo}", "--base", "{base}", "--head", "{head}", "--patch", "/nowhere"),
        ("--repo", "{repo}", "--base", "{base}", "--head", "{head}", "--tests", "../x"),
        ("--repo", "{repo}", "--base", "{base}"),
    ],
)
def test_wrong_usage(commits: dict[str, str], arguments: tuple[str, ...]) -> None:
    try:
        status = main(["select-tests", *(argument.format(**commits) for argument in arguments)])
    except SystemExit as error:
        status = int(str(error.code))
    assert status == 2


def test_names_that_are_no_text_are_shown_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    history = GitHistory(tmp_path / "odd.git")
    name = os.fsdecode(b"tests/test_caf\xe9\n.py")
    history.commit("Sell", {"shop.py": "def price():\n    return 1\n", os.fsencode(name): "from shop import price\n"})
    head = history.commit("Fix", {"shop.py": "def price():\n    return 2\n"})
    options = ["--base", f"{head}~1", "--head", head, "--json", str(tmp_path / "found.json")]
    assert main(["select-tests", "--repo", str(tmp_path / "odd.git"), *options]) == 0
    assert [test["path"] for test in json.loads((tmp_path / "found.json").read_text())["selected"]] == ["tests"]
    assert "\udce9" not in capsys.readouterr().out
