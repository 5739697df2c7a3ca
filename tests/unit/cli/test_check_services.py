"""``python -m hotfix check-services`` on a catalog and a real repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hotfix.cli import main
from tests.support.documents import a_profile
from tests.support.git_history import GitHistory


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "services"
    folder.mkdir()
    monkeypatch.setenv("HOTFIX_SERVICES", str(folder))
    monkeypatch.setenv("HOTFIX_HOME", str(tmp_path / "home"))
    return folder


def describe(catalog: Path, **monitoring: Any) -> None:
    history = GitHistory(catalog.parent / "shop.git")
    history.commit("Sell things", {"tests/test_pricing.py": "def test_price():\n    pass\n"})
    profile = a_profile(repository=history.url).model_dump(mode="json", exclude_unset=True)
    profile["monitoring"] |= monitoring
    # JSON is YAML.
    (catalog / "shop.yaml").write_text(json.dumps(profile))


def test_a_sound_profile_is_ok(catalog: Path, capsys: pytest.CaptureFixture[str]) -> None:
    describe(catalog, limit=300, tolerated_error_rate=0.05)
    assert main(["check-services"]) == 0
    assert capsys.readouterr().out.startswith("shop: ok, main is at ")


def test_a_watch_that_cannot_decide_is_told_and_is_no_error(catalog: Path, capsys: pytest.CaptureFixture[str]) -> None:
    describe(catalog, limit=300, tolerated_error_rate=0.001)
    assert main(["check-services"]) == 0
    ok, note = capsys.readouterr().out.splitlines()
    assert ok.startswith("shop: ok")
    assert note.startswith("shop: note: the watch needs at least 9,204 requests")


def test_a_branch_that_is_not_there_is_an_error(catalog: Path, capsys: pytest.CaptureFixture[str]) -> None:
    describe(catalog)
    profile = json.loads((catalog / "shop.yaml").read_text())
    (catalog / "shop.yaml").write_text(json.dumps({**profile, "default_branch": "trunk"}))
    assert main(["check-services"]) == 1
    assert "has no branch trunk" in capsys.readouterr().err
