"""``python -m bench.analysis.fit CASES…``: the weights of the ranking, fitted to real regressions.

Prints the weights, and how well they rank: fitted to all cases, and to all but those of one repository at a time, which
is what may be expected of a repository that nobody has seen.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.analysis.__main__ import HOME, ROOT
from bench.analysis.case import Case, environment, read_cases
from hotfix.adapters.command_reproducer import CommandReproducer
from hotfix.adapters.git import GitRepository
from hotfix.analysis.endpoints import verify_endpoints
from hotfix.analysis.ranking import evidence as kinds
from hotfix.analysis.ranking import left_out, model
from hotfix.analysis.root_cause import Report, clues_of

# Strength of the ridge (its penalty is RIDGE · Σ w²), and the steps of the fit, which needs far fewer.
RIDGE, STEPS = 0.3, 40
# For kinds of which no case tells anything.
TINY = 1e-6
# Of an earlier fit: its cases were lost, what they taught is kept. The weights of the kinds that are still what they
# were then are drawn to these, as strongly as that many cases of the present sort would draw them.
EARLIER_CASES = 38
EARLIER = (
    {kinds.CODE: 1.16, kinds.NOTHING_ELSE: 1.01, kinds.LATE: 0.28, kinds.SIZE: -0.42},
    {kinds.CODE: 1.72, kinds.FRAME_FILE: 0.61, kinds.SIZE: -0.04},
)
COUNTS = (kinds.SIZE, kinds.ELSEWHERE)


@dataclass(frozen=True)
class Example:
    """``features``: a row a commit that has any; the other ``commits`` have none. ``truth``: the culprit's row."""

    name: str
    repository: str
    commits: int
    features: tuple[tuple[float, ...], ...]
    truth: int


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.analysis.fit", description=__doc__)
    parser.add_argument("cases", type=Path, nargs="+")
    parser.add_argument("--python", type=Path, help="an interpreter that has what all cases need")
    arguments = parser.parse_args(argv)
    repositories = Path(os.environ.get("BENCH_REPOS", ROOT.parent / ".mirror"))
    given = [case for folder in arguments.cases for case in read_cases(folder, repositories)]
    for case in given:
        if isinstance(case, str):
            print(f"not read: {case}", file=sys.stderr)
    models = ((model.EXECUTED, "with what was executed"), (model.REPORTED, "with what was reported"))
    read = [_read(case, arguments.python) for case in given if isinstance(case, Case)]
    for (weights, title), earlier in zip(models, EARLIER, strict=True):
        examples = [example for each in read if (example := _example(each, tuple(weights))) is not None]
        _report(title, examples, tuple(weights), earlier)
    return 0


@dataclass(frozen=True)
class Read:
    """What the ranking is given for a case."""

    case: Case
    commits: tuple[str, ...]
    evidence: Mapping[str, Mapping[str, float]]
    counts: Mapping[str, Mapping[str, int]]


def _read(case: Case, python: Path | None) -> Read:
    interpreter = python or environment(case, HOME / "environments")
    with tempfile.TemporaryDirectory() as folder:
        ini = Path(folder) / "pytest.ini"
        ini.write_text("[pytest]\n")
        repository = GitRepository.of_folder(Path(folder), case.repository)
        text = case.reproducer.read_text()
        reproducer = CommandReproducer(case.command(interpreter, ini), {case.destination: text}, {}, 300)
        report = Report(text=text, overlays=(case.destination,))
        with repository.checkouts() as checkout:
            ends = verify_endpoints(checkout, reproducer, case.good, case.bad, 2, lambda line: None)
            clues = clues_of(repository, ends, case.good, case.bad, report)
        gathering = kinds.Gathering(clues)
        for patch in repository.patches(case.good, case.bad, left_out()):
            gathering.read(patch)
        commits = tuple(commit.sha for commit in repository.commits(case.good, case.bad))
    print(f"read {case.name}", file=sys.stderr, flush=True)
    return Read(case, commits, gathering.evidence(), gathering.counts())


def _example(read: Read, names: Sequence[str]) -> Example | None:
    rows = {sha: tuple(_feature(read, kind, sha) for kind in names) for sha in read.commits}
    told = [sha for sha, row in rows.items() if any(row)]
    if read.case.culprit not in told:
        print(f"{read.case.name}: nothing points at the culprit", file=sys.stderr)
        return None
    features = tuple(rows[sha] for sha in told)
    repository = read.case.repository.parent.name
    return Example(read.case.name, repository, len(rows), features, told.index(read.case.culprit))


def _feature(read: Read, kind: str, sha: str) -> float:
    if kind in COUNTS:
        return math.log1p(read.counts[kind].get(sha, 0))
    return math.log1p(len(read.commits) * read.evidence.get(kind, {}).get(sha, 0.0))


def fit(examples: Sequence[Example], names: Sequence[str], earlier: Mapping[str, float]) -> list[float]:
    """Weights of maximum penalised likelihood, none but those of counts below zero.

    Expectation maximisation over whether the floor or the evidence explains a case; the weighted conditional logit of
    each step by one Newton step (McFadden 1974).
    """
    width = len(names)
    start = [earlier.get(name, 0.0) for name in names]
    drawn = _drawn(examples, names, earlier, start)
    weights = [earlier.get(name, 0.1) for name in names]
    for _ in range(STEPS):
        slope, curve = _likelihood(examples, weights)
        for one in range(width):
            for other in range(width):
                slope[one] -= drawn[one][other] * (weights[other] - start[other])
                curve[one][other] += drawn[one][other]
        free = [one for one in range(width) if names[one] in COUNTS or weights[one] > 0 or slope[one] > 0]
        step = _solve([[curve[one][other] for other in free] for one in free], [slope[one] for one in free])
        for one, change in zip(free, step, strict=True):
            moved = weights[one] + max(-0.5, min(0.5, change))
            weights[one] = moved if names[one] in COUNTS else max(0.0, moved)
    return weights


def _drawn(
    examples: Sequence[Example], names: Sequence[str], earlier: Mapping[str, float], start: Sequence[float]
) -> list[list[float]]:
    """How strongly the weights are drawn to where they start: by the earlier cases, else by the ridge to zero."""
    _, information = _likelihood(examples, start)
    share = EARLIER_CASES / len(examples)
    return [
        [
            share * information[one][other] + TINY * (one == other)
            if name in earlier and beside in earlier
            else 2 * RIDGE * (one == other)
            for other, beside in enumerate(names)
        ]
        for one, name in enumerate(names)
    ]


def _likelihood(examples: Sequence[Example], weights: Sequence[float]) -> tuple[list[float], list[list[float]]]:
    """The slope of the log likelihood at ``weights``, and its curvature (what the examples tell about them)."""
    width = len(weights)
    slope = [0.0] * width
    curve = [[0.0] * width for _ in range(width)]
    for example in examples:
        chances = _chances(example, weights)
        share = (1 - model.FLOOR) * chances[example.truth]
        explained = share / (share + model.FLOOR / example.commits)
        mean = [0.0] * width
        square = [[0.0] * width for _ in range(width)]
        for chance, row in zip(chances, example.features, strict=True):
            for one in range(width):
                mean[one] += chance * row[one]
                for other in range(one + 1):
                    square[one][other] += chance * row[one] * row[other]
        for one in range(width):
            slope[one] += explained * (example.features[example.truth][one] - mean[one])
            for other in range(one + 1):
                value = explained * (square[one][other] - mean[one] * mean[other])
                curve[one][other] += value
                if other != one:
                    curve[other][one] += value
    return slope, curve


def _chances(example: Example, weights: Sequence[float]) -> list[float]:
    scores = [math.exp(sum(map(float.__mul__, weights, row))) for row in example.features]
    total = sum(scores) + example.commits - len(scores)
    return [score / total for score in scores]


def _solve(matrix: list[list[float]], vector: list[float]) -> list[float]:
    """Gaussian elimination; the matrix is positive definite."""
    rows = [[*row, value] for row, value in zip(matrix, vector, strict=True)]
    for pivot in range(len(rows)):
        for below in range(pivot + 1, len(rows)):
            factor = rows[below][pivot] / rows[pivot][pivot]
            rows[below] = [b - factor * a for a, b in zip(rows[pivot], rows[below], strict=True)]
    found = [0.0] * len(rows)
    for pivot in reversed(range(len(rows))):
        rest = sum(rows[pivot][column] * found[column] for column in range(pivot + 1, len(rows)))
        found[pivot] = (rows[pivot][-1] - rest) / rows[pivot][pivot]
    return found


def _report(title: str, examples: Sequence[Example], names: Sequence[str], earlier: Mapping[str, float]) -> None:
    weights = fit(examples, names, earlier)
    print(f"\n{title}: {len(examples)} cases of {len({example.repository for example in examples})} repositories")
    for name, weight in zip(names, weights, strict=True):
        print(f"  {weight:6.2f}  {name}")
    print(f"  fitted to all: {_quality(examples, lambda example: weights)}")
    without = {
        repository: fit([each for each in examples if each.repository != repository], names, earlier)
        for repository in {example.repository for example in examples}
    }
    print(f"  leave one repository out: {_quality(examples, lambda example: without[example.repository])}", flush=True)


def _quality(examples: Sequence[Example], weights: Callable[[Example], Sequence[float]]) -> str:
    ranks, bits = [], 0.0
    for example in examples:
        chances = _chances(example, weights(example))
        truth = chances[example.truth]
        ranks.append(1 + sum(chance > truth for chance in chances))
        bits -= math.log2((1 - model.FLOOR) * truth + model.FLOOR / example.commits)
    count = len(examples)
    return (
        f"first {sum(rank == 1 for rank in ranks) / count:.0%}, in the first five "
        f"{sum(rank <= 5 for rank in ranks) / count:.0%}, {bits / count:.2f} bits left"
    )


if __name__ == "__main__":
    sys.exit(main())
