"""What all answers so far say about every commit: an exact Bayesian posterior."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hotfix.analysis.search.lineage import Lineage, prefix_sums

# How often a reproducer passes although the bug is there, and fails although it is not, and how likely such a
# reproducer is before it was run. Most are exact; of the others nothing is known but that they exist.
EXACT = 0.97
_MISSES = (0.05, 0.1, 0.2, 0.35, 0.5)
# No commit is to blame: the outcome does not depend on the version, and fails this often.
ENVIRONMENTAL = 0.005
_FAILS_ANYWAY = (0.1, 0.3, 0.5, 0.7, 0.9)
_NEGLIGIBLE = 1e-4


@dataclass(frozen=True)
class Noise:
    """``missed``: P(passes | the culprit is in); ``false_alarm``: P(fails | it is not)."""

    missed: float
    false_alarm: float


EXACTLY = Noise(0.0, 0.0)


def noise_models(flaky: float | None) -> dict[Noise, float]:
    """Prior over how reliable the reproducer is; ``flaky``: the share of wrong answers where it is known."""
    if flaky == 0:
        return {EXACTLY: 1.0}
    if flaky is not None:
        return {Noise(flaky, flaky): 0.5, Noise(flaky, 0.0): 0.5}
    wrong = [Noise(rate, 0.0) for rate in _MISSES] + [Noise(rate, rate) for rate in _MISSES[:-1]]
    return {EXACTLY: EXACT, **{noise: (1 - EXACT) / len(wrong) for noise in wrong}}


class Belief:
    """P(commit is the culprit, how reliable the reproducer is | answers), and P(no commit is to blame | answers).

    With a prior p over commits, a commit c, and an answer at x: P(fails) is 1 − missed where x contains c, and
    false_alarm where it does not; the joint probability is the product over all answers (Bayes). Costs O(commits) an
    answer and reliability model.
    """

    def __init__(self, lineage: Lineage, prior: Sequence[float], flaky: float | None = None) -> None:
        self.lineage = lineage
        total = sum(prior)
        models = noise_models(flaky)
        somebody = 1 - ENVIRONMENTAL
        self._weights: dict[Noise, list[float]] = {
            noise: [somebody * chance * each / total for each in prior] for noise, chance in models.items()
        }
        self._nobody = {rate: ENVIRONMENTAL / len(_FAILS_ANYWAY) for rate in _FAILS_ANYWAY}
        self._refresh()

    def copy(self) -> Belief:
        twin = Belief.__new__(Belief)
        twin.lineage = self.lineage
        twin._weights = dict(self._weights)
        twin._nobody = dict(self._nobody)
        twin._sums, twin._total = self._sums, self._total
        return twin

    def learn(self, position: int | None, failed: bool) -> None:
        """An answer of the version at ``position``; None is the good version, which contains no commit of the range."""
        prefix, extras = self.lineage.reach(position) if position is not None else (0, ())
        for noise, weights in self._weights.items():
            inside = 1 - noise.missed if failed else noise.missed
            outside = noise.false_alarm if failed else 1 - noise.false_alarm
            learned = [weight * inside for weight in weights[:prefix]]
            learned += [weight * outside for weight in weights[prefix:]]
            for each in extras:
                learned[each] = weights[each] * inside
            self._weights[noise] = learned
        self._nobody = {rate: chance * (rate if failed else 1 - rate) for rate, chance in self._nobody.items()}
        self._refresh()

    def _refresh(self) -> None:
        total = sum(map(sum, self._weights.values())) + sum(self._nobody.values())
        if total <= 0:
            raise ValueError("these answers contradict each other, whichever commit is to blame")
        # A model that explains next to nothing is dropped: it would cost time and change no decision.
        self._weights = {
            noise: [weight / total for weight in weights]
            for noise, weights in self._weights.items()
            if sum(weights) > total * _NEGLIGIBLE**2
        }
        self._nobody = {rate: chance / total for rate, chance in self._nobody.items()}
        self._sums = {noise: prefix_sums(weights) for noise, weights in self._weights.items()}
        self._total = {noise: sums[-1] for noise, sums in self._sums.items()}

    @property
    def nobody(self) -> float:
        """P(no commit of the range is to blame)."""
        return sum(self._nobody.values())

    @property
    def reliable(self) -> float:
        """P(the reproducer makes no mistakes)."""
        return self._total.get(EXACTLY, 0.0)

    def of_commits(self) -> list[float]:
        """P(culprit) by position."""
        return [sum(column) for column in zip(*self._weights.values(), strict=True)]

    def fails(self, position: int) -> float:
        """P(the version at ``position`` fails)."""
        return sum(failing for _, failing in self._outlook(position))

    def information(self, position: int) -> float:
        """Bits that one run at ``position`` is expected to tell about who is to blame.

        H(answer) − E[H(answer | a commit in it | one outside | nobody)]. How reliable the reproducer is counts for
        nothing by itself: else a version whose answer is known would be asked again and again.
        """
        groups = self._outlook(position)
        unexplained = sum(chance * entropy(failing / chance) for chance, failing in groups if chance > 0)
        return max(0.0, entropy(sum(failing for _, failing in groups)) - unexplained)

    def _outlook(self, position: int) -> tuple[tuple[float, float], ...]:
        """P(group) and P(group, fails) for: a commit in this version is to blame, one outside of it, nobody."""
        inside = inside_failing = outside = outside_failing = 0.0
        for noise, weights in self._weights.items():
            share = self.lineage.share(position, self._sums[noise], weights)
            rest = max(0.0, self._total[noise] - share)
            inside, inside_failing = inside + share, inside_failing + share * (1 - noise.missed)
            outside, outside_failing = outside + rest, outside_failing + rest * noise.false_alarm
        nobody_failing = sum(chance * rate for rate, chance in self._nobody.items())
        return (inside, inside_failing), (outside, outside_failing), (self.nobody, nobody_failing)


def entropy(chance: float) -> float:
    """Of a yes or no, in bits."""
    if chance <= 0 or chance >= 1:
        return 0.0
    return -chance * math.log2(chance) - (1 - chance) * math.log2(1 - chance)


def uniform(lineage: Lineage) -> list[float]:
    return [1 / len(lineage)] * len(lineage)


def as_prior(lineage: Lineage, probability: Mapping[str, float]) -> list[float]:
    return [probability.get(commit.sha, 0.0) for commit in lineage.commits]
