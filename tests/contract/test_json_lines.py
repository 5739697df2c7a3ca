"""Production as real files of JSON lines, and real commands that print them, tell of it."""

from __future__ import annotations

import json
import re
import sys
import time
import tracemalloc
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from hotfix.adapters.json_lines import JsonLinesSource
from hotfix.domain.errors import HotfixError
from hotfix.domain.service import JsonLines

START = datetime(2026, 3, 1, 3, 0, tzinfo=timezone.utc)


def monitoring(log: Path | None = None, **settings: Any) -> JsonLinesSource:
    profile = JsonLines(kind="json_lines", file=str(log) if log else None, **settings)
    return JsonLinesSource(profile, lambda path: not path.startswith("/version"))


def line(second: float, status: float = 200, path: str = "/ok", ms: float = 10) -> str:
    return json.dumps({"t": START.timestamp() + second, "path": path, "status": status, "ms": ms}) + "\n"


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_samples_sum_up_each_second_of_the_window(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text(
        line(-0.1)
        + line(0.0, ms=1)
        + line(0.9, status=500, ms=2)
        + line(2.5, status=0)
        + line(2.1, status=499)
        + line(2.2, path="/version?x=1")
        + line(5.0)
    )
    samples = monitoring(log=log).samples(START, after(5))
    assert [(sample.at, sample.requests, sample.errors) for sample in samples] == [
        (START, 2, 1),
        (after(2), 2, 1),
    ]
    assert samples[0].latencies_ms == (1, 2)


def test_windows_side_by_side_count_every_request_once(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(line(step / 100) for step in range(1000)))
    source = monitoring(log=log)
    edges = [0, 1.25, 3.333, 7.5, 10]
    parts = [source.samples(after(a), after(b)) for a, b in pairwise(edges)]
    assert sum(sample.requests for part in parts for sample in part) == 1000
    assert all(after(a) <= sample.at for a, part in zip(edges, parts, strict=False) for sample in part)


def test_a_second_keeps_at_most_200_latencies_from_all_of_it(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(line(step / 5000, ms=step) for step in range(5000)))
    (sample,) = monitoring(log=log).samples(START, after(1))
    assert sample.requests == 5000
    assert 100 <= len(sample.latencies_ms) <= 200
    assert 2300 < sum(sample.latencies_ms) / len(sample.latencies_ms) < 2700
    assert max(sample.latencies_ms) > 4800


def test_nothing_written_means_that_nothing_is_known(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text(line(0))
    assert monitoring(log=log).samples(after(10), after(20)) == ()
    log.write_text("")
    assert monitoring(log=log).samples(START, after(20)) == ()


@pytest.mark.parametrize(
    "garbage",
    [
        "GET / 200\n",
        "[]\n",
        '{"t": "now", "path": "/", "status": 200, "ms": 1}\n',
        '{"t": NaN, "path": "/", "status": 1}\n',
    ],
)
def test_unreadable_lines_are_skipped_but_a_log_of_nothing_else_is_an_error(tmp_path: Path, garbage: str) -> None:
    log = tmp_path / "access.log"
    log.write_text(garbage + line(1) * 20 + garbage)
    (sample,) = monitoring(log=log).samples(START, after(5))
    assert sample.requests == 20
    log.write_text(garbage + line(1) * 5 + garbage)
    with pytest.raises(HotfixError, match=r"Only 5 of the 7 lines .*keys t"):
        monitoring(log=log).samples(START, after(5))
    log.write_text(garbage * 3)
    with pytest.raises(HotfixError, match=r"None of the 3 lines .*keys t"):
        monitoring(log=log).samples(START, after(5))


def test_a_line_that_is_being_written_is_not_an_unreadable_one(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text(line(1)[:20])
    assert monitoring(log=log).samples(START, after(5)) == ()


def test_a_missing_log_is_an_error_that_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(HotfixError, match=r"monitoring\.access_log"):
        monitoring(log=tmp_path / "nowhere.log").samples(START, after(5))


@pytest.mark.parametrize("missing", [True, False])
def test_a_rotated_log_is_read_where_the_window_begins_before_the_new_one(tmp_path: Path, missing: bool) -> None:
    log = tmp_path / "access.log"
    (tmp_path / "access.log.1").write_text("".join(line(second) for second in range(50)))
    if not missing:
        log.write_text("".join(line(second) for second in range(50, 100)))
    samples = monitoring(log=log).samples(after(40), after(60))
    assert sum(sample.requests for sample in samples) == (10 if missing else 20)
    assert [sample.at for sample in samples] == sorted(sample.at for sample in samples)


def test_a_log_rotated_by_a_second_name_is_not_counted_twice(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text(line(1))
    (tmp_path / "access.log.1").hardlink_to(log)
    (sample,) = monitoring(log=log).samples(START, after(5))
    assert sample.requests == 1


@pytest.mark.parametrize("begin", [10, 40_000, 79_990])
def test_a_large_log_is_not_read_as_a_whole(tmp_path: Path, begin: int) -> None:
    log = tmp_path / "access.log"
    padding = "x" * 200
    with log.open("w") as file:
        for second in range(80_000):
            file.write(line(second, path=f"/{padding}"))
    assert log.stat().st_size > 20_000_000
    tracemalloc.start()
    before = bytes_read()
    samples = monitoring(log=log).samples(after(begin), after(begin + 10))
    read = bytes_read() - before
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(samples) == 10
    assert peak < 4_000_000
    assert read < 4_000_000


def bytes_read() -> int:
    """By this process, since it began."""
    (found,) = re.findall(r"^rchar: (\d+)$", Path("/proc/self/io").read_text(), re.MULTILINE)
    return int(found)


def test_samples_that_somebody_else_summed_up(tmp_path: Path) -> None:
    log = tmp_path / "samples.jsonl"
    at = START.timestamp()
    log.write_text(
        json.dumps({"t": at, "requests": 120, "errors": 3, "latencies_ms": [10, None, 20.5]})
        + "\n"
        + json.dumps({"t": at + 10, "requests": 0, "errors": 0})
        + "\n"
        + json.dumps({"t": at + 20, "requests": None, "errors": 1})
        + "\n"
        + f'{{"t": {at + 30}, "requests": 5, "errors": NaN}}\n'
    )
    samples = monitoring(log=log).samples(START, after(60))
    assert [(each.requests, each.errors) for each in samples] == [(120, 3), (0, 0), (None, 1), (5, None)]
    assert samples[0].latencies_ms == (10, 20.5)


@pytest.mark.parametrize(
    "nonsense",
    [{"requests": 1, "errors": 2}, {"requests": -1, "errors": 0}, {"requests": 1.5, "errors": 0}, {"requests": "1"}],
)
def test_sums_that_make_no_sense_are_no_data(tmp_path: Path, nonsense: dict[str, object]) -> None:
    log = tmp_path / "samples.jsonl"
    log.write_text(json.dumps({"t": START.timestamp(), **nonsense}) + "\n")
    with pytest.raises(HotfixError, match="None of the 1 lines"):
        monitoring(log=log).samples(START, after(60))


def test_metrics_have_their_names_as_keys_and_null_is_not_measured(tmp_path: Path) -> None:
    log = tmp_path / "metrics.jsonl"
    at = START.timestamp()
    lines = [{"t": at, "queue depth": 7}, {"t": at + 1, "queue depth": None}, {"t": at + 2, "queue depth": 8.5}]
    log.write_text("".join(json.dumps(each) + "\n" for each in lines))
    source = monitoring(log=log, metrics=({"name": "queue depth"},), requests=False)
    assert [each.value for each in source.measurements(START, after(2.5))] == [7, None, 8.5]
    assert source.samples(START, after(60)) == ()
    assert (
        monitoring(log=log, metrics=({"name": "other"}, {"name": "queue depth"})).measurements(after(5), after(9)) == ()
    )


def printing(program: str, **settings: Any) -> JsonLinesSource:
    return monitoring(command=(sys.executable, "-c", program, "{since}", "{until}"), **settings)


def test_a_command_prints_the_lines_of_the_time_that_it_is_asked_for(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    program = (
        "import json, sys; since, until = map(float, sys.argv[1:3])\n"
        f"open({str(runs)!r}, 'a').write('x')\n"
        "for n in range(20): print(json.dumps({'t': since - 5 + n, 'requests': 10, 'errors': 1, 'depth': n}))"
    )
    source = printing(program, metrics=({"name": "depth"},))
    assert [each.at for each in source.samples(START, after(10))] == [after(n) for n in range(10)]
    assert [each.value for each in source.measurements(START, after(10))] == list(range(5, 15))
    assert runs.read_text() == "x", "one run for both"


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import time; print('{}', flush=True); time.sleep(60)", r"did not end within 1 s.*time_limit"),
        ("import sys; print('no access'); sys.exit(3)", r"exit code 3; it printed: no access"),
        ("print('<html>busy</html>')", r"None of the 1 lines of the command"),
    ],
)
def test_a_command_that_hangs_fails_or_prints_garbage_is_an_error_and_no_data(program: str, words: str) -> None:
    began = time.monotonic()
    with pytest.raises(HotfixError, match=words):
        printing(program, time_limit=1).samples(START, after(10))
    assert time.monotonic() - began < 20


def test_a_command_that_is_not_there_is_an_error() -> None:
    with pytest.raises(HotfixError, match="/nowhere/at-all"):
        monitoring(command=("/nowhere/at-all",)).samples(START, after(1))


def test_a_command_that_prints_without_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hotfix.adapters.json_lines.command.MOST_OUTPUT", 10_000)
    with pytest.raises(HotfixError, match="printed more than"):
        printing("print('x' * 50_000)").samples(START, after(1))


def test_a_secret_of_the_command_is_in_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONITORING_TOKEN", "hush-hush-hush")
    program = "import os, sys; print('refused:', os.environ.get('MONITORING_TOKEN')); sys.exit(1)"
    with pytest.raises(HotfixError) as caught:
        printing(program, pass_environment=("MONITORING_TOKEN",)).samples(START, after(1))
    assert "refused: ***" in str(caught.value)
