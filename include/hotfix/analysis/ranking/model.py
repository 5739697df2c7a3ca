"""From evidence to probabilities."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from hotfix.analysis.ranking import evidence as kinds
from hotfix.domain.diagnosis import Commit, Suspect
from hotfix.domain.document import Sha

# Fitted by maximum likelihood on real regressions (docs/adr/0017-ranked-by-what-is-executed.md); bench/analysis/fit.py
# fits them again. Evidence of what was executed makes the stack trace's superfluous: a set of weights for each.
EXECUTED: Mapping[str, float] = MappingProxyType(
    {
        kinds.CODE: 1.22,
        kinds.NOTHING_ELSE: 1.03,
        kinds.WORDS: 1.97,
        kinds.LATE: 0.29,
        kinds.SUSPECTED: 1.0,
        kinds.SIZE: -0.46,
        kinds.ELSEWHERE: -0.45,
    }
)
REPORTED: Mapping[str, float] = MappingProxyType(
    {
        kinds.CODE: 2.01,
        kinds.WORDS: 1.67,
        kinds.FRAME_FILE: 0.59,
        kinds.FRAME_FUNCTION: 0.6,
        kinds.FRAME_LINE: 0.6,
        kinds.SUSPECTED: 1.0,
        kinds.SIZE: -0.18,
    }
)
# The share that is spread evenly: whatever the evidence says, every commit stays possible, and the search stays short.
FLOOR = 0.1
# Evidence is shown as a reason when it makes a commit at least this many times likelier.
_TELLING = 2.0


def suspects(
    commits: Sequence[Commit],
    evidence: Mapping[str, Mapping[Sha, float]],
    counts: Mapping[str, Mapping[Sha, int]],
) -> tuple[Suspect, ...]:
    """Every commit with its probability (they sum to 1) and the evidence, the likeliest first; ties: the newest.

    A conditional logit (D. McFadden, Conditional logit analysis of qualitative choice behavior, 1974): with N commits,
    the share m_k of evidence k and the count n_c, P ∝ exp(Σ w_k · ln(1 + N·m_k) + Σ w_c · ln(1 + n_c)), mixed with the
    uniform distribution. Counts alone accuse nobody.
    """
    executed = any(kind in evidence for kind in (kinds.NOTHING_ELSE, kinds.LATE))
    weights = EXECUTED if executed else REPORTED
    count = len(commits)
    points: dict[Sha, dict[str, float]] = {commit.sha: {} for commit in commits}
    for kind, weight in weights.items():
        for sha, share in evidence.get(kind, {}).items():
            if sha in points:
                points[sha][kind] = weight * math.log1p(count * share)
    scores = {sha: sum(each.values()) for sha, each in points.items()}
    if any(scores.values()):
        for kind, of in counts.items():
            for sha, number in of.items():
                if sha in scores:
                    scores[sha] += weights.get(kind, 0.0) * math.log1p(number)
    highest = max(scores.values())
    scores = {sha: math.exp(score - highest) for sha, score in scores.items()}
    total = sum(scores.values())
    found = [
        Suspect(
            commit=commit,
            probability=(1 - FLOOR) * scores[commit.sha] / total + FLOOR / count,
            evidence=_reasons(points[commit.sha]),
        )
        for commit in reversed(commits)
    ]
    return tuple(sorted(found, key=lambda suspect: -suspect.probability))


def _reasons(points: Mapping[str, float]) -> tuple[str, ...]:
    strong = [kind for kind, point in points.items() if point >= math.log(_TELLING) and kind != kinds.CODE]
    return tuple(sorted(strong, key=lambda kind: -points[kind]))
