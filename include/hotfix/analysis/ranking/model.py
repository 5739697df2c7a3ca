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
        kinds.CODE: 1.16,
        kinds.NOTHING_ELSE: 1.01,
        kinds.WORDS_IN_CHANGE: 1.46,
        kinds.WORDS_IN_MESSAGE: 0.33,
        kinds.LATE: 0.28,
        kinds.VANISHED: 0.28,
        kinds.APPEARED: 0.09,
        kinds.SUSPECTED: 1.0,
    }
)
EXECUTED_SIZE = -0.42
REPORTED: Mapping[str, float] = MappingProxyType(
    {
        kinds.CODE: 1.72,
        kinds.WORDS_IN_CHANGE: 1.28,
        kinds.WORDS_IN_MESSAGE: 0.51,
        kinds.FRAME_FILE: 0.61,
        kinds.FRAME_FUNCTION: 0.6,
        kinds.FRAME_LINE: 0.6,
        kinds.SUSPECTED: 1.0,
    }
)
REPORTED_SIZE = -0.04
# The share that is spread evenly: whatever the evidence says, every commit stays possible, and the search stays short.
FLOOR = 0.1
# Evidence is shown as a reason when it makes a commit at least this many times likelier.
_TELLING = 2.0


def suspects(
    commits: Sequence[Commit], evidence: Mapping[str, Mapping[Sha, float]], changed_lines: Mapping[Sha, int]
) -> tuple[Suspect, ...]:
    """Every commit with its probability (they sum to 1) and the evidence, the likeliest first; ties: the newest.

    A conditional logit (D. McFadden, Conditional logit analysis of qualitative choice behavior, 1974): with N commits
    and the share m_k of evidence k, P ∝ exp(Σ w_k · ln(1 + N·m_k) + w_size · ln(1 + changed lines)), mixed with the
    uniform distribution.
    """
    executed = any(kind in evidence for kind in (kinds.APPEARED, kinds.VANISHED, kinds.LATE))
    weights, size = (EXECUTED, EXECUTED_SIZE) if executed else (REPORTED, REPORTED_SIZE)
    count = len(commits)
    points: dict[Sha, dict[str, float]] = {commit.sha: {} for commit in commits}
    for kind, weight in weights.items():
        for sha, share in evidence.get(kind, {}).items():
            if sha in points:
                points[sha][kind] = weight * math.log1p(count * share)
    if not any(points.values()):
        size = 0.0
    scores = {
        sha: math.exp(sum(each.values()) + size * math.log1p(changed_lines.get(sha, 0))) for sha, each in points.items()
    }
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
