"""``python -m bench.tests CASES``: the tests that we would run for a fix, beside what full runs of its suite show."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.analysis.case import ROOT, Case, add_options, chosen
from bench.tests.large_tree import selection_seconds
from bench.tests.maps import KnownMap, find_map
from bench.tests.suites import suite_environment
from bench.tests.truth import Truth, find_truth
from hotfix.adapters.test_map import MapUnusable
from hotfix.analysis.test_selection.outcomes import belongs

HOME = ROOT / ".bench"
RECALL, KILLERS, SHARE, SELECTION_SECONDS = 1.0, 0.95, 0.30, 3.0


@dataclass(frozen=True)
class Row:
    """``share``: of the full suite's seconds, by the times of the single tests in a full run.

    ``mapped``: the selection is narrowed by a map of production's version, which took ``map_seconds`` once.
    """

    case: str
    tests: int
    suite_seconds: float
    selected: int
    share: float
    changed: int
    changed_found: int
    mutations: int
    killers: int
    killers_found: int
    selection_seconds: float
    missed: tuple[str, ...]
    notes: tuple[str, ...]
    mapped: bool = False
    map_seconds: float = 0


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
            else:
                for row in _measure(case, arguments, ini, Path(folder)):
                    print(_line(row), flush=True)
                    if row.tests:
                        rows.append(row)
                    elif not row.mapped:
                        not_run.append(f"{case.name}: {'; '.join(row.notes) or 'its suite reports no test'}")
    large = selection_seconds(arguments.files)
    text = report(rows, not_run, large, arguments.files, arguments.limit)
    print(f"\n{text}")
    if arguments.markdown:
        arguments.markdown.write_text(text + "\n", encoding="utf-8")
    return 0 if rows else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.tests", description=__doc__)
    add_options(parser)
    parser.add_argument("--limit", type=float, default=100, help="seconds of processor for one run of a suite (100)")
    parser.add_argument("--map-limit", type=float, default=900, help="seconds for one run that makes a map (900)")
    parser.add_argument("--files", type=int, default=2000, help="test files of the generated tree (2000)")
    parser.add_argument("--markdown", type=Path, default=ROOT / "docs" / "benchmarks-tests.md")
    return parser


def _measure(case: Case, arguments: argparse.Namespace, ini: Path, folder: Path) -> Iterator[Row]:
    """By names alone, then with a map of production's version."""
    fix, python = _fix_of(case, arguments.cases), suite_environment(case, HOME / "environments")
    truth = find_truth(case, fix, python, ini, HOME / "tests", arguments.limit)
    yield _row(case, fix, truth, folder, None)
    if not truth.tests:
        return
    try:
        known = find_map(case, python, ini, HOME / "tests", arguments.map_limit)
    except MapUnusable as error:
        note = f"no map, so by names alone: {error}"
        yield replace(_row(case, fix, truth, folder, None), mapped=True, notes=(note,))
        return
    yield _row(case, fix, truth, folder, known)


def _row(case: Case, fix: str, truth: Truth, folder: Path, known: KnownMap | None) -> Row:
    selected, seconds = _select(case, fix, folder, known)
    chosen = [test for test in truth.times if any(belongs(test, name) for name in selected)]
    killers = sorted({test for tests in truth.killers.values() for test in tests})
    missed = [test for test in (*truth.changed, *killers) if test not in set(chosen)]
    total = sum(truth.times.values())
    return Row(
        case=case.name,
        tests=truth.tests,
        suite_seconds=truth.seconds,
        selected=len(chosen),
        share=sum(truth.times[test] for test in chosen) / total if total else 0,
        changed=len(truth.changed),
        changed_found=len(set(truth.changed) & set(chosen)),
        mutations=len(truth.killers) + len(truth.survived),
        killers=len(killers),
        killers_found=len(set(killers) & set(chosen)),
        selection_seconds=seconds,
        missed=tuple(dict.fromkeys(missed)),
        notes=() if known else (*truth.cut, *([f"{len(truth.flaky)} flaky tests left out"] if truth.flaky else [])),
        mapped=known is not None,
        map_seconds=known.seconds if known else 0,
    )


def _fix_of(case: Case, cases: Path) -> str:
    for label in (cases / case.name / "case.json", ROOT / "bench" / "cases" / case.name / "case.json"):
        if label.exists() and (fix := json.loads(label.read_text()).get("fix")):
            return str(fix)
    raise RuntimeError(f"{case.name}: no case.json names the fix")


def _select(case: Case, fix: str, folder: Path, known: KnownMap | None) -> tuple[list[str], float]:
    """What the command selects, and how long it says that the selection took."""
    answer = folder / f"{case.name}{'-map' if known else ''}.json"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "hotfix", "select-tests", "--repo", str(case.repository)),
            *("--base", case.bad, "--head", fix, "--json", str(answer)),
            *(("--map", str(known.file)) if known else ()),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT / "include")},
        capture_output=True,
        text=True,
        check=False,
    )
    if not answer.exists():
        raise RuntimeError(f"{case.name}: select-tests exited with {done.returncode}: {done.stderr}")
    found = json.loads(answer.read_text())
    return [test["path"] for test in found["selected"]], float(found["seconds"])


def _line(row: Row) -> str:
    name = f"{row.case} with a map" if row.mapped else row.case
    return (
        f"{name}: {row.selected}/{row.tests} tests, {row.share:.0%} of {row.suite_seconds:.1f} s; outcome changes "
        f"{row.changed_found}/{row.changed}, killers {row.killers_found}/{row.killers} of {row.mutations} mutations; "
        f"selected in {row.selection_seconds:.2f} s {'; '.join(row.notes)}"
    )


def report(rows: Sequence[Row], not_run: Sequence[str], large: tuple[float, float], files: int, limit: float) -> str:
    """The rows, what they amount to, and what was not measured, as Markdown."""
    lines = [
        "# How well the tests of a change are chosen",
        "",
        "Made by `make bench-tests CASES=…`. Each case is a real fix of a public repository. The truth is full runs of",
        "its test suite: on production's version, on the fix, and on the fix with small mistakes in the changed lines.",
        f"A run of a suite may take {limit:.0f} s of processor. Only the profile-free command is measured: no critical",
        "tests, no history, no coverage data. With a map: the command gets what each test executes on production's",
        "version (`--map`), made before and not counted as selection.",
    ]
    for mapped, title in ((False, "By names alone"), (True, "With a map of production's version")):
        own = [row for row in rows if row.mapped is mapped]
        if own:
            lines += ["", f"## {title}", "", *_table(own)]
    lines += [
        "",
        "## Time to select",
        "",
        f"{files} test files, target 3 s: {large[0]:.2f} s on the wall, {large[1]:.2f} s of processor (load "
        f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores): {_met(large[0] <= SELECTION_SECONDS)}",
    ]
    missed = [
        f"- {row.case}{' with a map' if row.mapped else ''}: `{test}`" for row in rows for test in row.missed[:10]
    ]
    notes = [f"- {row.case}: {note}" for row in rows for note in row.notes]
    lines += ["", "## Missed", "", *(missed or ["Nothing."])]
    lines += ["", "## Cut, left out, not run", "", *(notes + [f"- {each}" for each in not_run] or ["Nothing."])]
    return "\n".join(lines)


def _table(rows: Sequence[Row]) -> list[str]:
    changed, killers = sum(row.changed for row in rows), sum(row.killers for row in rows)
    recall = sum(row.changed_found for row in rows) / changed if changed else 0.0
    kills = sum(row.killers_found for row in rows) / killers if killers else 0.0
    share = statistics.median(row.share for row in rows)
    return [
        "| case | tests | suite s | selected | share of tests' time | outcome changes found "
        "| mutations | killing tests found | selection s | map s |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(
            f"| {row.case} | {row.tests} | {row.suite_seconds:.1f} | {row.selected} | {row.share:.0%} "
            f"| {row.changed_found}/{row.changed} | {row.mutations} | {row.killers_found}/{row.killers} "
            f"| {row.selection_seconds:.2f} | {f'{row.map_seconds:.0f}' if row.map_seconds else ''} |"
            for row in rows
        ),
        "",
        "| what | target | measured | met |",
        "|---|---|---|---|",
        f"| outcome changes in the selection | 100 % | {recall:.1%} of {changed} | {_met(recall >= RECALL)} |",
        f"| killing tests in the selection | ≥ 95 % | {kills:.1%} of {killers} | {_met(kills >= KILLERS)} |",
        f"| median share of the tests' time | ≤ 30 % | {share:.1%} | {_met(share <= SHARE)} |",
    ]


def _met(value: bool) -> str:
    return "yes" if value else "**no**"


if __name__ == "__main__":
    sys.exit(main())
