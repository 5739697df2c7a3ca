"""``make bench-security``: how often the security review is right on the corpus, and how long it takes."""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.security.large_repository import make_large_repository
from hotfix.adapters.scanners import BanditScanner, GitleaksScanner, OpengrepScanner, RuffScanner
from hotfix.domain.security import SecurityVerdict
from hotfix.steps.review_security import Review
from tests.support.security_corpus import GROUPS, Case, load, review_together

SEEN_TARGET, NOT_BLOCKED_TARGET, SECONDS_TARGET = 0.9, 0.95, 30.0
OBJECTIONS = (SecurityVerdict.BLOCK, SecurityVerdict.CAUTION)


def main() -> int:
    """Print the tables and write the figures. Exit status 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.security", description=__doc__)
    parser.add_argument("--json", type=Path, default=Path("build/bench-security.json"))
    parser.add_argument("--group", action="append", choices=GROUPS, help="only this part of the corpus")
    parser.add_argument("--no-corpus", action="store_true", help="only the large repository")
    parser.add_argument("--no-timing", action="store_true", help="leave the large repository out")
    arguments = parser.parse_args()
    figures: dict[str, Any] = {"corpus": {}}
    met = True
    for group in () if arguments.no_corpus else arguments.group or GROUPS:
        figures["corpus"][group] = _corpus(load(group))
    for numbers in figures["corpus"].values():
        if numbers["objectionable"]["cases"]:
            met &= numbers["objectionable"]["seen"] >= SEEN_TARGET * numbers["objectionable"]["cases"]
        if numbers["harmless"]["cases"]:
            passed = numbers["harmless"]["cases"] - numbers["harmless"]["blocked"]
            met &= passed >= NOT_BLOCKED_TARGET * numbers["harmless"]["cases"]
    if not arguments.no_timing:
        figures["large_repository"] = _timing()
        met &= figures["large_repository"]["seconds"] <= SECONDS_TARGET
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(f"\n{'targets met' if met else 'TARGETS MISSED'}; figures in {arguments.json}")
    return 0 if met else 1


def _corpus(cases: Sequence[Case]) -> dict[str, Any]:
    scanners = (BanditScanner(), RuffScanner(), OpengrepScanner(), GitleaksScanner())
    with tempfile.TemporaryDirectory(prefix="hotfix-bench-") as folder:
        reviews = review_together(cases, scanners, Path(folder))
    print(f"\n{cases[0].group}")
    rows = []
    for case in cases:
        report = reviews[case.name].report
        rows.append(
            {
                "case": case.name,
                "class": case.weakness,
                "objectionable": case.objectionable,
                "verdict": report.verdict.value,
                "right_class": _names_the_class(case, reviews[case.name]),
                "findings": [finding.summary for finding in (*report.blocking, *report.carried)],
            }
        )
        first = next(iter((*report.blocking, *report.carried)), None)
        said = f"{first.severity.value} {first.rule}" if first else report.why[:60]
        print(f"  {case.name:<34} {case.weakness:<36} {report.verdict.value:<13} {said}")
    bad = [row for row in rows if row["objectionable"]]
    good = [row for row in rows if not row["objectionable"]]
    numbers = {
        "objectionable": {
            "cases": len(bad),
            "blocked": _count(bad, SecurityVerdict.BLOCK),
            "seen": sum(SecurityVerdict(row["verdict"]) in OBJECTIONS for row in bad),
            "right_class": sum(row["right_class"] for row in bad),
        },
        "harmless": {
            "cases": len(good),
            "blocked": _count(good, SecurityVerdict.BLOCK),
            "caution": _count(good, SecurityVerdict.CAUTION),
            "clear": _count(good, SecurityVerdict.CLEAR),
        },
        "rows": rows,
    }
    print(f"  {numbers['objectionable']}\n  {numbers['harmless']}")
    return numbers


def _names_the_class(case: Case, review: Review) -> bool:
    """Whether a finding names the weakness that the case brings in, and not only something else."""
    return any(finding.cwe == case.cwe for finding in review.comparison.new)


def _count(rows: Sequence[dict[str, Any]], verdict: SecurityVerdict) -> int:
    return sum(row["verdict"] == verdict.value for row in rows)


def _timing() -> dict[str, Any]:
    """The command on a large repository, as a user starts it."""
    with tempfile.TemporaryDirectory(prefix="hotfix-bench-") as place:
        folder = Path(place) / "service"
        lines = make_large_repository(folder)
        report = Path(place) / "report.json"
        command = (sys.executable, "-m", "hotfix", "review-security", "--repo", str(folder))
        before, started = _cpu_of_children(), time.monotonic()
        done = subprocess.run(
            (*command, "--base", "HEAD~1", "--head", "HEAD", "--json", str(report)),
            capture_output=True,
            text=True,
            check=False,
        )
        seconds, processor = time.monotonic() - started, _cpu_of_children() - before
        if not report.exists():
            raise SystemExit(done.stderr)
        answer = json.loads(report.read_text(encoding="utf-8"))
    print(f"\n{lines} lines, 5 files changed: {seconds:.1f} s, {processor:.1f} s of processor, {answer['verdict']}")
    print(f"load of this machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print(done.stderr.rstrip())
    return {
        "lines": lines,
        "seconds": round(seconds, 2),
        # What does not depend on what else this machine does.
        "processor_seconds": round(processor, 2),
        "load": os.getloadavg()[0],
        "processors": os.cpu_count(),
        "verdict": answer["verdict"],
        "scanners": answer["scanners"],
    }


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
