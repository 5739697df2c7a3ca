"""What came out, as a table and as JSON: rates with their Monte-Carlo error, targets with met or not."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.stability.cells import Cell
from bench.stability.judges import INCONCLUSIVE, STABLE, UNSTABLE, Decision

MOST_FALSE_ALARMS, MOST_MISSED, MOST_TIMES_WALD, MOST_LOST = 0.01, 0.05, 1.5, 0.01
HEADINGS = (
    "cell", "truth", "wrong", "undecided", "given up", "samples", "× Wald", "Wald", "× Wald told 2×", "Kayenta wrong",
    "Kayenta samples", "Argo wrong", "Argo samples", "targets",
)  # fmt: skip


@dataclass(frozen=True)
class Figures:
    """Of one judge in one cell. ``wrong``: UNSTABLE where it is healthy, STABLE where it is not.

    ``undecided``: INCONCLUSIVE, early or late; ``given_up``: early; ``missed``: of these, a verdict would have come.
    """

    runs: int
    wrong: int
    undecided: int
    given_up: int
    missed: int
    median_samples: float
    median_low: int
    median_high: int


def figures(cell: Cell, decisions: Sequence[Decision]) -> Figures:
    if cell.known:
        wrong = UNSTABLE if cell.healthy else STABLE
        mistakes = sum(decision.verdict is wrong for decision in decisions)
    else:
        mistakes = sum(decision.verdict is not INCONCLUSIVE for decision in decisions)
    samples = sorted(decision.samples for decision in decisions)
    # 95 % confidence interval of a median by order statistics.
    margin = math.ceil(0.98 * math.sqrt(len(samples)))
    middle = len(samples) // 2
    return Figures(
        runs=len(decisions),
        wrong=mistakes,
        undecided=sum(decision.verdict is INCONCLUSIVE for decision in decisions),
        given_up=sum(decision.given_up for decision in decisions),
        missed=sum(decision.missed is not None for decision in decisions),
        median_samples=statistics.median(samples),
        median_low=samples[max(0, middle - margin)],
        median_high=samples[min(len(samples) - 1, middle + margin)],
    )


def targets(cell: Cell, found: Mapping[str, Figures]) -> dict[str, bool | None]:
    """Each target: met, not met, or None where it says nothing about this cell."""
    ours, wald, kayenta = found["hotfix"], found["wald"], found["kayenta"]
    half = ours.runs / 2
    wrong = ours.wrong / ours.runs
    if not cell.known:
        return {"a verdict without data ≤ 1 %": wrong <= MOST_FALSE_ALARMS}
    counts = not cell.healthy
    comparable = cell.burst == 1 and not (cell.drift or cell.missing or cell.slower or cell.metrics)
    return {
        "false UNSTABLE ≤ 1 %": wrong <= MOST_FALSE_ALARMS if cell.healthy else None,
        "missed ≤ 5 %": wrong <= MOST_MISSED if counts else None,
        # Where not even Wald's test comes to an end in half the runs, nothing can be said.
        "samples ≤ 1.5 × Wald": (
            ours.undecided < half and ours.median_samples <= MOST_TIMES_WALD * wald.median_samples
            if comparable and wald.undecided < half
            else None
        ),
        # Two readings: to a verdict, and to the end of the watch, where that is an early "no verdict will come", too.
        "a verdict with fewer samples than Kayenta": (
            ours.undecided < half and ours.median_samples < kayenta.median_samples
        ),
        "ended with fewer samples than Kayenta": ours.median_samples < kayenta.median_samples,
        "verdicts lost by giving up ≤ 1 %": ours.missed / ours.runs <= MOST_LOST if ours.given_up else None,
    }


def row(cell: Cell, found: Mapping[str, Figures]) -> list[str]:
    ours, wald, twice, kayenta, argo = (found[name] for name in ("hotfix", "wald", "wald_twice", "kayenta", "argo"))
    truth = "unknown" if not cell.known else "healthy" if cell.healthy else "sick"
    of_errors = cell.known and not cell.slower and cell.worse == 1
    missed = [name for name, met in targets(cell, found).items() if met is False]
    return [
        cell.name,
        truth,
        interval(ours.wrong, ours.runs),
        f"{ours.undecided / ours.runs:.1%}",
        f"{ours.given_up / ours.runs:.1%}",
        _samples(ours),
        _times(ours, wald) if of_errors else "–",
        _samples(wald) if of_errors else "–",
        _times(ours, twice) if of_errors else "–",
        f"{kayenta.wrong / kayenta.runs:.1%}",
        f"{kayenta.median_samples:,.0f}",
        f"{argo.wrong / argo.runs:.1%}",
        f"{argo.median_samples:,.0f}",
        "met" if not missed else "**not met**: " + "; ".join(missed),
    ]


def _times(ours: Figures, wald: Figures) -> str:
    """The ratio of the medians, where both judges decide in most runs."""
    if ours.undecided * 2 > ours.runs or wald.undecided * 2 > wald.runs or not wald.median_samples:
        return "–"
    return f"{ours.median_samples / wald.median_samples:.2f}"


def interval(events: int, runs: int) -> str:
    """A share with its 95 % confidence interval (E. Wilson, J. Am. Stat. Assoc. 22, 1927)."""
    z, share = 1.96, events / runs
    middle = (share + z * z / (2 * runs)) / (1 + z * z / runs)
    half = z / (1 + z * z / runs) * math.sqrt(share * (1 - share) / runs + z * z / (4 * runs * runs))
    return f"{share:.2%} ({max(0.0, middle - half):.2%}–{middle + half:.2%})"


def table(results: Sequence[tuple[Cell, Mapping[str, Figures]]]) -> str:
    lines = ["| " + " | ".join(HEADINGS) + " |", "|" + "---|" * len(HEADINGS)]
    lines += ["| " + " | ".join(row(cell, found)) + " |" for cell, found in results]
    return "\n".join(lines)


def as_json(results: Sequence[tuple[Cell, Mapping[str, Figures]]]) -> list[dict[str, Any]]:
    return [
        {
            "cell": asdict(cell),
            "judges": {name: asdict(each) for name, each in found.items()},
            "targets": targets(cell, found),
        }
        for cell, found in results
    ]


def _samples(found: Figures) -> str:
    undecided = found.undecided * 2 > found.runs
    return f"> {found.median_samples:,.0f}" if undecided else f"{found.median_samples:,.0f}"
