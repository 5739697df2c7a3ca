"""The root cause analysis from a terminal."""

from __future__ import annotations

import argparse
import json
import time
from typing import TYPE_CHECKING, Any

from hotfix.cli.reproduction import EXIT_PROVED, EXIT_RANKED, add_options, investigation

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from hotfix.analysis.root_cause import RootCause

SHOWN = 10


def register(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    analyze = commands.add_parser(
        "analyze",
        help="find the commit that brought a failure in",
        description="Find the commit that brought a failure in, and prove it. Exit status: 0 proved, 3 only ranked, "
        "2 wrong usage, 1 failed.",
    )
    add_options(analyze)
    analyze.set_defaults(run=_analyze)


def _analyze(arguments: argparse.Namespace) -> int:
    from hotfix.analysis.root_cause import find_root_cause

    started = time.monotonic()
    with investigation(arguments) as given:
        found = find_root_cause(
            given.repository, given.reproducer, given.good, given.bad, given.report, given.limits, given.progress
        )
    seconds = time.monotonic() - started
    if arguments.json:
        arguments.json.write_text(json.dumps(_as_json(found, seconds), indent=2) + "\n")
    _show(found, seconds)
    return EXIT_PROVED if found.search.proved else EXIT_RANKED


def _as_json(found: RootCause, seconds: float) -> dict[str, Any]:
    search = found.search
    return {
        "culprit": search.culprit.sha if search.culprit else None,
        "proved": search.proved,
        "confidence": round(search.confidence, 4),
        "environmental": search.environmental,
        "why": search.why,
        "signature": found.signature,
        "suspects": [
            {
                "sha": suspect.commit.sha,
                "probability": round(suspect.probability, 6),
                "evidence": list(suspect.evidence),
                "subject": suspect.commit.subject,
            }
            for suspect in found.suspects
        ],
        "remaining": [{"sha": commit.sha, "probability": round(chance, 4)} for commit, chance in search.remaining],
        "commits": len(found.commits),
        "runs": len(search.runs),
        "endpoint_runs": len(found.endpoint_runs),
        "seconds": round(seconds, 3),
        "skipped": list(search.skipped),
        "attempted": [
            {"sha": run.sha, "verdict": run.verdict.value, "signature": run.signature, "seconds": run.seconds}
            for run in search.runs
        ],
    }


def _show(found: RootCause, seconds: float) -> None:
    search = found.search
    if search.culprit:
        commit = search.culprit
        print(f"culprit   {commit.sha}  {commit.subject}  ({commit.author}, {commit.at:%Y-%m-%d})")
        print(f"{'proved' if search.proved else 'not proved'}: {search.why}; confidence {search.confidence:.1%}")
    elif search.environmental:
        print(f"no culprit: {search.why}; confidence {search.confidence:.1%}")
    elif not search.runs:
        print(f"ranked only, nothing is proved: {search.why}")
    else:
        print(f"not found: {search.why}; {_commits(len(search.remaining))} may be to blame")
        for commit, chance in search.remaining[:SHOWN]:
            print(f"  {chance:6.1%}  {commit.sha[:12]}  {commit.subject}")
    print(f"failure   {found.signature}")
    print(
        f"{_runs(len(search.runs))} in {_commits(len(found.commits))}, {len(found.endpoint_runs)} at the ends, "
        f"{seconds:.1f} s"
    )
    if search.skipped:
        print(f"{_commits(len(search.skipped))} could not be tested, or failed in another way")
    print("ranked before the search:")
    shown = found.suspects[: SHOWN if not search.proved else 3]
    for suspect in shown:
        print(f"  {suspect.probability:6.1%}  {suspect.commit.sha[:12]}  {suspect.commit.subject}")
        for reason in suspect.evidence:
            print(f"          it {reason}")
    if len(found.suspects) > len(shown):
        print(f"  … and {_commits(len(found.suspects) - len(shown))} more")


def _runs(count: int) -> str:
    return f"{count} run" if count == 1 else f"{count} runs"


def _commits(count: int) -> str:
    return f"{count} commit" if count == 1 else f"{count} commits"
