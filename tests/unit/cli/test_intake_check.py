"""``intake-check`` says what a saved alert would start."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hotfix.cli import main
from tests.intake.conftest import PAYLOADS, RULES, describe, payload


@pytest.fixture(autouse=True)
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    describe(tmp_path, "shop", RULES)
    monkeypatch.setenv("HOTFIX_SERVICES", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("source", ["alertmanager", "pagerduty", "sentry", "github", "generic"])
def test_the_params_that_would_be_given(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["intake-check", str(PAYLOADS / f"{source}.json"), "--source", source]) == 0
    said = capsys.readouterr().out
    assert f"run     intake__{source}__" in said
    params = json.loads(said.partition("params:")[2])
    assert params["service"] == "shop"
    assert len(params["description"]) > 10


def test_the_event_of_a_body_that_does_not_say_it(capsys: pytest.CaptureFixture[str]) -> None:
    file = str(PAYLOADS / "sentry-metric.json")
    assert main(["intake-check", file, "--source", "sentry"]) == 0
    assert "neither begins nor ends" in capsys.readouterr().out
    assert main(["intake-check", file, "--source", "sentry", "--event", "metric_alert"]) == 0
    assert "Critical: Too many errors" in capsys.readouterr().out


def test_an_alert_that_would_be_refused_shows_its_fields(capsys: pytest.CaptureFixture[str], catalog: Path) -> None:
    describe(catalog, "shop", [])
    content = payload("alertmanager")
    content["alerts"][0]["labels"]["team"] = ""
    (catalog / "alert.json").write_text(json.dumps(content))
    assert main(["intake-check", str(catalog / "alert.json"), "--source", "alertmanager"]) == 1
    said = capsys.readouterr().out
    assert "matches no intake rule" in said
    assert "labels.service: shop" in said


def test_the_end_of_an_alert(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    content = payload("generic") | {"status": "resolved"}
    (tmp_path / "end.json").write_text(json.dumps(content))
    assert main(["intake-check", str(tmp_path / "end.json"), "--source", "generic"]) == 0
    assert "nothing is started" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "status"), [("no such file", 2), ("garbage", 1)])
def test_what_cannot_be_read(name: str, status: int, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "garbage").write_text("{")
    assert main(["intake-check", str(tmp_path / name), "--source", "github"]) == status
    assert capsys.readouterr().err
