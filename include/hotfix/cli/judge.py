"""The judge of production from a terminal, on two files."""

from __future__ import annotations

import argparse
import csv
import json
import math
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from hotfix.domain.errors import HotfixError
from hotfix.domain.stability import Sample, StabilityVerdict
from hotfix.stability.judge import Judge, Judgement, Tolerance
from hotfix.stability.traffic import total

if TYPE_CHECKING:
    from argparse import _SubParsersAction

COLUMNS = ("t", "requests", "errors", "latency_ms")
EXIT_STATUS = {StabilityVerdict.STABLE: 0, StabilityVerdict.UNSTABLE: 3, StabilityVerdict.INCONCLUSIVE: 4}
# What a cell may hold where nothing was measured.
MISSING = ("", "nan", "null", "none", "na")
LONGEST_CELL = 40


def register(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    judge = commands.add_parser(
        "judge",
        help="is the observed traffic as healthy as the baseline?",
        description=__doc__,
        epilog="Exit status: 0 stable, 3 unstable, 4 inconclusive; 1 a file cannot be read, 2 wrong usage.",
    )
    columns = ",".join(COLUMNS)
    judge.add_argument("--baseline", type=Path, required=True, metavar="FILE", help=f"CSV with the columns {columns}")
    judge.add_argument("--observed", type=Path, required=True, metavar="FILE", help="the same; oldest row first")
    judge.add_argument("--json", type=Path, metavar="FILE", help="write the verdict and its figures there, too")
    judge.add_argument("--tolerated-error-rate", type=_share, default=0.01, metavar="SHARE")
    judge.add_argument("--latency-limit-ms", type=_positive, default=2000, metavar="MS")
    judge.add_argument("--tolerated-slowdown", type=_positive, default=1.5, metavar="TIMES")
    judge.add_argument("--noticeable-ms", type=_positive, default=20, metavar="MS")
    judge.add_argument("--min-requests", type=int, default=50, metavar="N")
    judge.add_argument("--window", type=float, default=0, metavar="SECONDS", help="no STABLE before (default: 0)")
    judge.set_defaults(run=_judge)


def _judge(arguments: argparse.Namespace) -> int:
    tolerance = Tolerance(
        error_rate=arguments.tolerated_error_rate,
        latency_ms=arguments.latency_limit_ms,
        min_requests=arguments.min_requests,
        slowdown=arguments.tolerated_slowdown,
        noticeable_ms=arguments.noticeable_ms,
    )
    baseline, observed = read_samples(arguments.baseline), read_samples(arguments.observed)
    judgement, used = replay(Judge(baseline, tolerance), observed, arguments.window)
    figures = {
        "verdict": judgement.verdict.value,
        "samples_used": total(used).requests,
        "why": judgement.why,
        "metrics": [metric.model_dump(mode="json") for metric in judgement.metrics],
        "baseline": total(baseline).model_dump(mode="json"),
        "observed": total(used).model_dump(mode="json"),
    }
    if arguments.json:
        try:
            arguments.json.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        except OSError as error:
            raise HotfixError(f"{arguments.json} cannot be written: {error.strerror}.") from error
    print(f"{judgement.verdict.value}: {judgement.why}")
    print(f"{figures['samples_used']} requests used, {len(used)} of {len(observed)} rows")
    for metric in judgement.metrics:
        print(
            f"  {metric.name:<14} {metric.verdict.value:<12} {metric.samples} requests, "
            f"evidence {_share_of(metric.against_health)} of what UNSTABLE takes, "
            f"{_share_of(metric.against_sickness)} of what STABLE takes"
        )
    return EXIT_STATUS[judgement.verdict]


def replay(judge: Judge, observed: Sequence[Sample], window: float) -> tuple[Judgement, Sequence[Sample]]:
    """Look after every sample, as in production, and stop at the verdict; which samples it took."""
    watch = judge.watch()
    for number, sample in enumerate(observed, start=1):
        watch.add(sample)
        judgement = judge.verdict_on(watch)
        early = (sample.at - observed[0].at).total_seconds() < window
        if judgement.verdict is StabilityVerdict.UNSTABLE or (
            judgement.verdict is StabilityVerdict.STABLE and not early
        ):
            return judgement, observed[:number]
    judgement = judge.verdict_on(watch)
    if judgement.verdict is StabilityVerdict.STABLE:
        why = f"stable so far, but the rows end before the window of {window:g} s"
        judgement = Judgement(StabilityVerdict.INCONCLUSIVE, why, judgement.metrics)
    return judgement, observed


def read_samples(path: Path) -> list[Sample]:
    """One sample a row, in the order of the file. An empty cell was not measured.

    Raises:
        HotfixError: the file is not such a CSV; the text has the line and the column.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            header = [name.strip().lower() for name in next(rows, [])]
            if missing := [name for name in COLUMNS if header.count(name) != 1]:
                raise _unreadable(path, 1, missing[0], "the header must have this column once")
            return [_sample(path, rows.line_num, header, row) for row in rows if row]
    except OSError as error:
        raise HotfixError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise HotfixError(f"{path} is not UTF-8 text (byte {error.start}).") from error
    except csv.Error as error:
        raise _unreadable(path, rows.line_num, "1", str(error)) from error


def _sample(path: Path, line: int, header: list[str], row: list[str]) -> Sample:
    if len(row) != len(header):
        raise _unreadable(path, line, str(min(len(row), len(header)) + 1), f"{len(row)} cells, not {len(header)}")
    cells = dict(zip(header, row, strict=True))
    found = {name: _number(path, line, name, cells[name]) for name in COLUMNS}
    requests, errors, latency = found["requests"], found["errors"], found["latency_ms"]
    for name, value in (("requests", requests), ("errors", errors)):
        if value is not None and value != int(value):
            raise _unreadable(path, line, name, f"{value} is no whole number")
    if requests is not None and errors is not None and errors > requests:
        raise _unreadable(path, line, "errors", f"{errors:.0f} errors in {requests:.0f} requests")
    try:
        at = datetime.fromtimestamp(found["t"] or 0, timezone.utc)
    except (OverflowError, OSError, ValueError) as error:
        raise _unreadable(path, line, "t", "no time in seconds since 1970") from error
    return Sample(
        at=at,
        requests=None if requests is None else int(requests),
        errors=None if errors is None else int(errors),
        latencies_ms=() if latency is None else (latency,),
    )


def _number(path: Path, line: int, column: str, cell: str) -> float | None:
    text = cell.strip()
    if text.lower() in MISSING:
        return None
    try:
        value = float(text)
    except ValueError as error:
        raise _unreadable(path, line, column, f"{text[:LONGEST_CELL]!r} is no number") from error
    if not math.isfinite(value) or value < 0:
        raise _unreadable(path, line, column, f"{text[:LONGEST_CELL]!r} is no number from 0 on")
    return value


def _unreadable(path: Path, line: int, column: str, what: str) -> HotfixError:
    return HotfixError(f"{path}, line {line}, column {column}: {what}.")


def _share_of(evidence: float) -> str:
    return f"{max(0.0, evidence):.0%}"


def _share(text: str) -> float:
    value = float(text)
    if not 0 < value < 0.5:
        raise argparse.ArgumentTypeError("must be above 0 and below 0.5")
    return value


def _positive(text: str) -> float:
    value = float(text)
    if not (value >= 0 and math.isfinite(value)):
        raise argparse.ArgumentTypeError("must not be negative")
    return value
