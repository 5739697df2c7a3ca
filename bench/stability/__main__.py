"""Simulate every cell and write the table: python -m bench.stability --json FILE --table FILE.md"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import platform
import time
from pathlib import Path

from bench.stability.cells import CELLS
from bench.stability.judges import JUDGES
from bench.stability.report import Figures, as_json, figures, row, table, targets
from bench.stability.traces import Trace

BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"


def simulate(task: tuple[int, int]) -> tuple[int, dict[str, Figures], float]:
    """The number of a cell and of runs; what every judge made of the same traces, and the seconds it took."""
    number, runs = task
    began = time.monotonic()
    decisions: dict[str, list] = {name: [] for name in JUDGES}
    for run in range(runs):
        trace = Trace(CELLS[number], run)
        for name, judge in JUDGES.items():
            decisions[name].append(judge(trace))
    found = {name: figures(CELLS[number], each) for name, each in decisions.items()}
    return number, found, time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000, help="a cell")
    parser.add_argument("--cells", default="", help="only cells with this in their name")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--table", type=Path)
    arguments = parser.parse_args()
    chosen = [(number, arguments.runs) for number, cell in enumerate(CELLS) if arguments.cells in cell.name]
    found: dict[int, dict[str, Figures]] = {}
    began = time.monotonic()
    with multiprocessing.Pool(arguments.workers) as pool:
        for number, judged, seconds in pool.imap_unordered(simulate, chosen):
            found[number] = judged
            name, _, wrong, undecided, given_up, samples, times, *_, met = row(CELLS[number], judged)
            told = (
                f"wrong {wrong}, undecided {undecided}, given up {given_up}, samples {samples}, {times}, targets {met}"
            )
            print(f"[{len(found)}/{len(chosen)}] {seconds:5.1f} s  {name}: {told}", flush=True)
    results = [(CELLS[number], found[number]) for number in sorted(found)]
    took = time.monotonic() - began
    print(table(results))
    open_ends = sum(met is False for cell, each in results for met in targets(cell, each).values())
    asked = sum(met is not None for cell, each in results for met in targets(cell, each).values())
    print(f"{asked - open_ends} of {asked} targets met; {arguments.runs} runs a cell, {took:.0f} s")
    if arguments.table:
        arguments.table.write_text(_between_marks(arguments.table, table(results)))
    if arguments.json:
        about = {"runs": arguments.runs, "seconds": round(took), "python": platform.python_version()}
        arguments.json.write_text(json.dumps({**about, "cells": as_json(results)}, indent=1, ensure_ascii=False) + "\n")


def _between_marks(path: Path, text: str) -> str:
    """The page with a new table, or a page that is the table."""
    page = path.read_text() if path.exists() else ""
    if BEGIN not in page or END not in page:
        return f"{BEGIN}\n{text}\n{END}\n"
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    main()
