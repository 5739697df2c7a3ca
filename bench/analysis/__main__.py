"""``python -m bench.analysis CASES``: every case with ``git bisect run`` and with ours, in one go, on this machine."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.analysis.baseline import bisect, revert_conflicts
from bench.analysis.case import ROOT, Case, add_options, chosen, environment, quoted
from bench.tests.suites import suite_environment

HOME = ROOT / ".bench"


@dataclass(frozen=True)
class Row:
    """``rank``: of the true culprit before any search. ``seconds`` of all are with both ends verified.

    ``unguarded``: why only the reproducer judges the fix.
    """

    case: str
    commits: int
    bisect_runs: int
    bisect_seconds: float
    bisect_right: bool
    runs: int
    seconds: float
    runs_jobs: int
    seconds_jobs: float
    rank: int
    right: bool
    revert_conflicts: int
    hunks: str
    lines: str
    verified: bool | None
    fix_runs: int
    unguarded: str


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    rows: list[Row] = []
    not_run: list[str] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        ini = Path(folder) / "pytest.ini"
        ini.write_text("[pytest]\n")
        for case in chosen(arguments):
            if isinstance(case, str):
                not_run.append(case)
                continue
            row = _measure(case, ini, Path(folder), arguments.jobs, fix=not arguments.no_fix)
            rows.append(row)
            print(_line(row), flush=True)
    print()
    print(table(rows))
    for case in not_run:
        print(f"not run: {case}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"rows": [asdict(row) for row in rows], "not_run": not_run}, indent=2))
    return 0 if rows and all(row.right for row in rows) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.analysis", description=__doc__)
    add_options(parser)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--no-fix", action="store_true", help="only the root cause")
    parser.add_argument("--json", type=Path, default=HOME / "analysis.json")
    return parser


def _measure(case: Case, ini: Path, folder: Path, jobs: int, fix: bool) -> Row:
    python = environment(case, HOME / "environments")
    baseline = bisect(case, python, ini)
    alone, seconds = _analyze(case, python, ini, folder, 1)
    together, seconds_jobs = _analyze(case, python, ini, folder, jobs)
    ranked = [suspect["sha"] for suspect in alone["suspects"]]
    # The case's own tests guard the fix, and need more than its reproducer.
    found = _minimize(case, suite_environment(case, HOME / "environments"), ini, folder) if fix else {}
    return Row(
        case=case.name,
        commits=case.commits,
        bisect_runs=baseline.runs,
        bisect_seconds=round(baseline.seconds, 2),
        bisect_right=baseline.culprit == case.culprit,
        runs=alone["runs"],
        seconds=round(seconds, 2),
        runs_jobs=together["runs"],
        seconds_jobs=round(seconds_jobs, 2),
        rank=ranked.index(case.culprit) + 1 if case.culprit in ranked else 0,
        right=all(each["proved"] and each["culprit"] == case.culprit for each in (alone, together)),
        revert_conflicts=len(revert_conflicts(case)),
        hunks=f"{found['hunks_kept']}/{found['hunks_total']}" if found else "",
        lines=f"{found['lines_kept']}/{found['lines_total']}" if found else "",
        verified=found.get("verified"),
        fix_runs=found.get("runs", 0),
        unguarded=found.get("unguarded", ""),
    )


def _analyze(case: Case, python: Path, ini: Path, folder: Path, jobs: int) -> tuple[dict[str, Any], float]:
    return _ours("analyze", case, python, ini, folder, "--jobs", str(jobs))


def _minimize(case: Case, python: Path, ini: Path, folder: Path) -> dict[str, Any]:
    return _ours("minimize", case, python, ini, folder, "--culprit", case.culprit)[0]


def _ours(
    command: str, case: Case, python: Path, ini: Path, folder: Path, *options: str
) -> tuple[dict[str, Any], float]:
    """The JSON of one of our commands, and its wall time (seconds), the start of the interpreter included."""
    answer = folder / f"{case.name}-{command}.json"
    started = time.monotonic()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "hotfix", command, "--repo", str(case.repository)),
            *("--good", case.good, "--bad", case.bad, "--reproduce", quoted(case.command(python, ini))),
            *("--overlay", f"{case.reproducer}:{case.destination}", "--json", str(answer), "--quiet", *options),
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "include")},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - started
    if not answer.exists():
        raise RuntimeError(f"{case.name}: {command} exited with {done.returncode}: {done.stderr}")
    found: dict[str, Any] = json.loads(answer.read_text())
    answer.unlink()
    return found, seconds


def _line(row: Row) -> str:
    return (
        f"{row.case}: bisect {row.bisect_runs} runs {row.bisect_seconds:.1f} s"
        f"{'' if row.bisect_right else ' (wrong)'}; ours {row.runs} runs {row.seconds:.1f} s, "
        f"side by side {row.runs_jobs} runs {row.seconds_jobs:.1f} s; rank {row.rank}; "
        f"{'right' if row.right else 'WRONG'}; hunks {row.hunks or '–'} lines {row.lines or '–'}"
    )


def table(rows: Sequence[Row]) -> str:
    """The rows and their sums as Markdown."""
    if not rows:
        return "no case was run"
    head = (
        "| case | commits | bisect runs | bisect s | bisect right | runs | s | runs, 2 jobs | s, 2 jobs | rank | right "
        "| revert conflicts | hunks kept | lines kept | verified | fix runs |"
    )
    lines = [head, "|" + "---|" * (head.count("|") - 1)]
    for row in rows:
        cells: list[object] = [
            *(row.case, row.commits, row.bisect_runs, f"{row.bisect_seconds:.1f}", _yes(row.bisect_right), row.runs),
            *(f"{row.seconds:.1f}", row.runs_jobs, f"{row.seconds_jobs:.1f}", row.rank, _yes(row.right)),
            *(row.revert_conflicts or "clean", row.hunks or "–", row.lines or "–", _yes(row.verified), row.fix_runs),
        ]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    count = len(rows)

    def total(figure: Callable[[Row], float]) -> float:
        return sum(map(figure, rows))

    bisect_runs, bisect_seconds = total(lambda row: row.bisect_runs), total(lambda row: row.bisect_seconds)
    lines += [
        "",
        f"- right: {total(lambda row: row.right):.0f} of {count}; "
        f"`git bisect run`: {total(lambda row: row.bisect_right):.0f} of {count}",
        f"- runs: {total(lambda row: row.runs) / bisect_runs:.0%} of bisect's "
        f"({total(lambda row: row.runs) / count:.2f} against {bisect_runs / count:.2f} a case); "
        f"two at a time {total(lambda row: row.runs_jobs) / bisect_runs:.0%}",
        f"- wall time: {total(lambda row: row.seconds) / bisect_seconds:.0%} of bisect's; "
        f"two at a time {total(lambda row: row.seconds_jobs) / bisect_seconds:.0%}, "
        f"worst case {max(row.seconds_jobs / row.bisect_seconds for row in rows):.0%}",
        f"- ranked first {total(lambda row: row.rank == 1) / count:.0%}, "
        f"in the first five {total(lambda row: 1 <= row.rank <= 5) / count:.0%}",
        f"- most runs above bisect's: {max(row.runs - row.bisect_runs for row in rows)}",
        *(
            f"- {row.case}: the fix is guarded by the reproducer alone: {row.unguarded}"
            for row in rows
            if row.unguarded
        ),
    ]
    return "\n".join(lines)


def _yes(value: bool | None) -> str:
    return "–" if value is None else "yes" if value else "no"


if __name__ == "__main__":
    sys.exit(main())
