"""``python -m hotfix judge``: the verdict is the exit status, and a file that cannot be read says where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hotfix.cli import main

HEADER = "t,requests,errors,latency_ms\n"


def rows(count: int, requests: object = 100, errors: object = 0, latency: object = 20, since: int = 0) -> str:
    return "".join(f"{since + second},{requests},{errors},{latency}\n" for second in range(count))


class Files:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.baseline = self.write("baseline.csv", HEADER + rows(600))

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def judge(self, observed: str, *options: str) -> int:
        path = self.write("observed.csv", observed)
        return main(["judge", "--baseline", str(self.baseline), "--observed", str(path), *options])


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.mark.parametrize(
    ("observed", "status", "verdict"),
    [
        (HEADER + rows(200), 0, "stable"),
        (HEADER + rows(200, errors=20), 3, "unstable"),
        (HEADER + rows(200, latency=90), 3, "unstable"),
        (HEADER + rows(2), 4, "inconclusive"),
        (HEADER, 4, "inconclusive"),
        (HEADER + rows(200, requests=0), 4, "inconclusive"),
        (HEADER + rows(200, errors=""), 4, "inconclusive"),
        (HEADER + rows(200, requests="NaN", errors="NaN", latency="NaN"), 4, "inconclusive"),
        (HEADER + rows(200, latency=""), 4, "inconclusive"),
    ],
)
def test_the_exit_status_is_the_verdict(
    files: Files, capsys: pytest.CaptureFixture[str], observed: str, status: int, verdict: str
) -> None:
    assert files.judge(observed) == status
    assert capsys.readouterr().out.startswith(f"{verdict}: ")


def test_the_figures_are_written_as_json(files: Files) -> None:
    target = files.folder / "verdict.json"
    assert files.judge(HEADER + rows(200), "--json", str(target)) == 0
    found = json.loads(target.read_text())
    assert found["verdict"] == "stable"
    assert 913 <= found["samples_used"] < 10_000, "it stops as soon as it knows"
    assert found["why"]
    assert [metric["name"] for metric in found["metrics"]] == ["error rate", "slow requests", "latency"]
    assert all(metric["against_sickness"] >= 1 for metric in found["metrics"])


def test_errors_within_the_window_count(files: Files) -> None:
    late = HEADER + rows(120) + rows(60, errors=50, since=120)
    assert files.judge(late) == 0
    assert files.judge(late, "--window", "150") == 3
    assert files.judge(HEADER + rows(120), "--window", "150") == 4


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("t,requests,errors\n1,2,0\n", "line 1, column latency_ms"),
        ("", "line 1, column t"),
        (HEADER + "1,10,0,5\n2,ten,0,5\n", "line 3, column requests: 'ten' is no number"),
        (HEADER + "1,10,0,5\n2,10,1.5,5\n", "line 3, column errors: 1.5 is no whole number"),
        (HEADER + "1,10,11,5\n", "line 2, column errors: 11 errors in 10 requests"),
        (HEADER + "1,10,-1,5\n", "line 2, column errors"),
        (HEADER + "1,10,0,inf\n", "line 2, column latency_ms"),
        (HEADER + "1,10,0\n", "line 2, column 4: 3 cells, not 4"),
        (HEADER + "1e30,10,0,5\n", "line 2, column t"),
        (HEADER + '1,"10,0,5\n', "line 2"),
    ],
)
def test_a_file_that_cannot_be_read_says_where(
    files: Files, capsys: pytest.CaptureFixture[str], text: str, where: str
) -> None:
    assert files.judge(text) == 1
    assert where in capsys.readouterr().err


def test_a_file_that_is_not_there_or_no_text_is_told(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    (files.folder / "picture.csv").write_bytes(b"\x89PNG\xff")
    for name, told in (("none.csv", "cannot be read"), ("picture.csv", "is not UTF-8")):
        arguments = ["judge", "--baseline", str(files.baseline), "--observed", str(files.folder / name)]
        assert main(arguments) == 1
        assert told in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--tolerated-error-rate", "0.7"], ["--noticeable-ms", "-1"], ["--window", "x"]])
def test_wrong_usage_is_told_apart(files: Files, options: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        files.judge(HEADER, *options)
    assert stop.value.code == 2
