"""What full runs of a suite say: which outcomes a fix changes, and which tests notice mistakes in its lines."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.analysis.case import Case
from bench.tests.mutator import mutations
from bench.tests.suites import SuiteRun, failed, run_tests, suite_of
from hotfix.adapters.git import GitRepository

MUTATIONS = 10
# A version's suite is run so often, and while it takes so long (seconds) in all: what varies is flaky.
REPEATS, REPEAT_SECONDS = 6, 40


@dataclass(frozen=True)
class Truth:
    """``killers`` by mutation; ``seconds`` of one full run on the fix; ``cut`` is what limits left out."""

    tests: int
    times: dict[str, float]
    seconds: float
    changed: list[str]
    killers: dict[str, list[str]]
    survived: list[str]
    flaky: list[str]
    cut: list[str]


def find_truth(case: Case, fix: str, python: Path, ini: Path, folder: Path, limit: float) -> Truth:
    """Run everything, on both versions and on every mutation; remembered in ``folder``, run by run."""
    kept = folder / f"{case.name}.json"
    if kept.exists():
        return Truth(**json.loads(kept.read_text()))
    suite = suite_of(case)
    folder.mkdir(parents=True, exist_ok=True)
    so_far = folder / f"{case.name}-runs.json"
    known: dict[str, Any] = json.loads(so_far.read_text()) if so_far.exists() else {}
    repository = GitRepository.of_folder(folder / "mirrors", case.repository)
    cut: list[str] = []

    def run(tree: Path, what: str) -> SuiteRun:
        if what in known:
            done = SuiteRun(**known[what])
        else:
            done = run_tests(case, python, ini, tree, [suite.folder], limit)
            known[what] = asdict(done)
            so_far.write_text(json.dumps(known))
        print(f"  {case.name}: {what}: {len(done.outcomes)} tests, {done.seconds:.1f} s", file=sys.stderr, flush=True)
        if done.cut:
            cut.append(f"{what} (over {limit:.0f} s of processor)")
        return done

    def runs(tree: Path, what: str) -> list[SuiteRun]:
        first = run(tree, what)
        count = max(2, min(REPEATS, int(REPEAT_SECONDS // max(first.seconds, 0.1))))
        return [first, *(run(tree, f"{what} again ({number})") for number in range(1, count))]

    with repository.checkout(case.bad) as tree:
        on_production = runs(tree, "production")
        before = on_production[0]
    with repository.checkout(fix) as tree:
        on_fix = runs(tree, "fix")
        after = on_fix[0]
        flaky = sorted(_unsteady(on_production) | _unsteady(on_fix))
        steady = {name: outcome for name, outcome in after.outcomes.items() if name not in set(flaky)}
        killers, survived = _kill(case, repository, fix, tree, steady, lambda what: run(tree, what))
    truth = Truth(
        tests=len(after.outcomes),
        times=after.times,
        seconds=round(min(each.seconds for each in on_fix), 2),
        changed=sorted(name for name, outcome in steady.items() if before.outcomes.get(name) != outcome),
        killers=killers,
        survived=survived,
        flaky=flaky,
        cut=cut,
    )
    kept.write_text(json.dumps(asdict(truth)))
    so_far.unlink()
    return truth


def _unsteady(runs: list[SuiteRun]) -> set[str]:
    names = {name for each in runs for name in each.outcomes}
    return {name for name in names if len({each.outcomes.get(name) for each in runs}) > 1}


def _kill(
    case: Case,
    repository: GitRepository,
    fix: str,
    tree: Path,
    steady: dict[str, str],
    run: Callable[[str], SuiteRun],
) -> tuple[dict[str, list[str]], list[str]]:
    """The tests that pass on the fix and do not with a mistake in one of its lines, by mistake."""
    wanted = [
        (path, mutation)
        for path, lines in sorted(changed_lines(repository.diff(case.bad, fix)).items())
        if path.endswith(".py") and not _is_test(path)
        for mutation in mutations((tree / path).read_text(encoding="utf-8"), lines, MUTATIONS)
    ]
    # As many of each file as of the others.
    step = max(1, -(-len(wanted) // MUTATIONS))
    killers: dict[str, list[str]] = {}
    survived: list[str] = []
    for number, (path, mutation) in enumerate(wanted[::step], 1):
        # Two mistakes of a kind may be in one line.
        name = f"{number}. {path}:{mutation.line} {mutation.what}"
        file = tree / path
        original = file.read_bytes()
        file.write_text(mutation.source, encoding="utf-8")
        try:
            done = run(name)
            # Chance does not fail the same test twice.
            again = done if done.cut else run(f"{name} again")
        finally:
            file.write_bytes(original)
        if done.cut or again.cut:
            continue
        found = [
            test
            for test, outcome in steady.items()
            if not failed(outcome) and all(failed(each.outcomes.get(test, "error")) for each in (done, again))
        ]
        if found:
            killers[name] = sorted(found)
        else:
            survived.append(name)
    return killers, survived


def changed_lines(diff: str) -> dict[str, set[int]]:
    """Path → the lines (from 1) that a diff adds."""
    found: dict[str, set[int]] = {}
    path, number = "", 0
    for line in diff.splitlines():
        if line.startswith("+++ "):
            path = line[6:] if line.startswith("+++ b/") else ""
        elif hunk := re.match(r"@@ -\S+ \+(\d+)", line):
            number = int(hunk[1])
        elif path and line.startswith("+"):
            found.setdefault(path, set()).add(number)
            number += 1
        elif path and line.startswith(" "):
            number += 1
    return found


def _is_test(path: str) -> bool:
    return bool(re.search(r"(^|/)(tests?/|test_[^/]*$|conftest\.py$)", path))
