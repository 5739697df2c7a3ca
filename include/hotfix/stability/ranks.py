"""A sequential rank test: are the observed values larger than those of the baseline, whatever their distribution?"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence

# With fewer values a baseline says too little about its own distribution.
LEAST_BASELINE = 20
# Ranks are rounded to so many classes, so that a busy hour costs no more than a quiet minute.
CLASSES = 256
# Stakes of the bets; a stake below 2 never loses everything. Small ones win slowly on small shifts, large ones early.
STAKES = (0.2, 0.4, 0.8, 1.4)
# The baseline's own mean rank is taken to be off by so many standard errors.
STANDARD_ERRORS = 2.58
DRIFT_WINDOWS = 12


class RankTest:
    """Is a value of the baseline, times ``slowdown``, smaller than an observed one more often than not?

    The rank u of an observed value is the share of the scaled baseline below it, ties counting half: its mean is the
    probability that the observed value is the larger one (H. Mann, D. Whitney, On a test of whether one of two random
    variables is stochastically larger than the other, Ann. Math. Statist. 18(1), 1947). u lies between 0 and 1, and
    the product of 1 + λ·(u − m) is an e-process for "the mean of u is at most m", as that of 1 − λ·(u − m) is for "at
    least m" (I. Waudby-Smith, A. Ramdas, Estimating means of bounded random variables by betting, J. R. Statist. Soc.
    B 86(1), 2024); the mean over several λ is one, too. m is 1/2, moved by what the baseline may be off: its standard
    error by the spread of its windows' mean ranks, at least that of independent values, sqrt(1/(12·values)).
    """

    def __init__(
        self,
        baseline: Sequence[Sequence[float]],
        slowdown: float,
        noticeable: float,
        ties: float = 0.5,
        exact: bool = False,
    ) -> None:
        """``baseline``: the values of each sample in order of time. ``noticeable``: what is slower by less is not.

        ``ties``: how much of an equal value counts as smaller than the observed one. ``exact``: the baseline is no
        sample of values, it is known.
        """
        values = sorted(value for sample in baseline for value in sample)
        self.values = len(values)
        self._ties = ties
        # Below zero the larger value is the one nearer to it.
        scaled = (value * slowdown if value >= 0 else value / slowdown for value in values)
        self._scaled = [max(far, near + noticeable) for far, near in zip(scaled, values, strict=True)]
        doubtful = self.usable and not exact
        self._doubt = STANDARD_ERRORS * _standard_error(baseline, values) if doubtful else 0.0

    @property
    def usable(self) -> bool:
        """Whether the baseline has enough values to compare with."""
        return self.values >= LEAST_BASELINE

    def rank(self, value: float) -> int:
        """The rank of an observed value, in classes from 0 to ``CLASSES``."""
        return round(_rank(self._scaled, value, self._ties) * CLASSES)

    def against_health(self, ranks: Mapping[int, int]) -> float:
        """Natural logarithm of the evidence that observed values are larger than tolerated: how many of each rank."""
        return self._bets(ranks, 0.5 + self._doubt, 1)

    def against_sickness(self, ranks: Mapping[int, int]) -> float:
        """Natural logarithm of the evidence that they are not."""
        return self._bets(ranks, 0.5 - self._doubt, -1)

    def _bets(self, ranks: Mapping[int, int], mean: float, side: int) -> float:
        if not 0 < mean < 1:
            return 0.0
        # In order: what is summed must not depend on which value came first.
        classes = [(rank / CLASSES - mean, count) for rank, count in sorted(ranks.items())]
        wins = [
            sum(count * math.log1p(side * stake * above) for above, count in classes)
            for stake in (stake * 0.5 / max(mean, 1 - mean) for stake in STAKES)
        ]
        largest = max(wins)
        return largest + math.log(sum(math.exp(win - largest) for win in wins) / len(wins))


def _rank(ordered: Sequence[float], value: float, ties: float = 0.5) -> float:
    """The share below ``value``, and ``ties`` of what equals it."""
    below = bisect_left(ordered, value)
    return (below + ties * (bisect_right(ordered, value) - below)) / len(ordered)


def _standard_error(samples: Sequence[Sequence[float]], ordered: Sequence[float]) -> float:
    """Of the baseline's mean rank, by the means of its windows: what is slow for a minute is so for all its values."""
    filled = [sample for sample in samples if sample]
    least = math.sqrt(1 / (12 * len(ordered)))
    size = max(1, len(filled) // DRIFT_WINDOWS)
    means = []
    for start in range(0, len(filled), size):
        window = [_rank(ordered, value) for sample in filled[start : start + size] for value in sample]
        means.append(sum(window) / len(window))
    if len(means) < DRIFT_WINDOWS:
        return least
    # That the latency wanders is what the tolerated slowdown is for; here it only makes the baseline's mean less sure.
    spread = sum((mean - 0.5) ** 2 for mean in means) / (len(means) - 1)
    return max(least, math.sqrt(spread / len(means)))
