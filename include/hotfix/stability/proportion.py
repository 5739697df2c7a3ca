"""A sequential test of a share: failed requests, slow requests."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hotfix.stability.dispersion import noise

# Unhealthy is a share at least so many times the healthy one.
UNHEALTHY = 2
# How the evidence against health is spread over how bad it may be: times the healthy share, and the weight of it. With
# these two, four and ten times take at most 1.5 times the samples of Wald's test that is told how bad it is.
WORSE = ((UNHEALTHY, 0.44), (4, 0.22), (10, 0.34))
# Where failures come in bursts, one long burst looks as bad as that: there the smallest regression is looked for alone.
BURSTY = 1.5
LARGEST_SHARE = 0.95
# Windows of a baseline, and from how many failures on one may belong to the incident.
WINDOWS = 60
LEAST_FAILURES = 3


class Proportion:
    """What a baseline says about a share, and what observed requests say against it.

    The healthy share p is that of the baseline, known as well as the baseline is long, but at least half of what is
    tolerated and at most what is tolerated: ``tolerated / 2 <= p <= tolerated``. Unhealthy is 2·p and more.

    Both questions are answered by an e-process: its expectation is at most 1 while its hypothesis is true, at whatever
    moment one looks, so that it reaches 1/α with probability α at most (Ville's inequality; S. Howard, A. Ramdas et
    al., Time-uniform, nonparametric, nonasymptotic confidence sequences, Ann. Statist. 49(2), 2021). It is the
    likelihood ratio of Wald's sequential probability ratio test (Ann. Math. Statist. 16(2), 1945) with the unknown p
    taken out by profiling::

        R(c) = max_p L₀(p)·L(c·p) / max_p L₀(p)·L(p)

    where L₀ is the likelihood of the baseline's e₀ failures in n₀ requests, L that of e in n observed. For rare
    failures (Poisson) this is c^e·((n₀ + n)/(n₀ + c·n))^(e₀ + e), which is the likelihood ratio given the total
    e₀ + e (J. Przyborowski, H. Wilenski, Biometrika 31, 1940): p is gone, and its expectation is exactly 1 for every
    p. With a long baseline it is Wald's. Against health stands a mixture of R(2), R(4), … (H. Robbins, Statistical
    methods related to the law of the iterated logarithm, Ann. Math. Statist. 41(5), 1970), against sickness 1/R(2).

    Failures come in bursts: all counts are divided by the baseline's dispersion (quasi-likelihood; R. Wedderburn,
    Biometrika 61(3), 1974), and a burst counts as one. The share drifts: the baseline is taken for so much shorter
    that its relative variance is 1/e₀ + drift².
    """

    def __init__(self, baseline: Sequence[tuple[int, int]], tolerated: float) -> None:
        """``baseline``: (requests, failures) of each sample in order of time; ``tolerated``: above 0, below 0.5."""
        baseline = _before_the_incident(baseline, tolerated)
        requests, failures = _sum(baseline)
        self.least, self.most = tolerated / 2, tolerated
        varies = noise(baseline)
        self.dispersion, self.drift = varies.dispersion, varies.drift
        share = failures / requests if requests else 0.0
        known = failures / self.dispersion / (1 - share) if share < 1 else 0.0
        weight = 1 / self.dispersion / (1 + varies.drift**2 * known)
        self._failed, self._passed = failures * weight, (requests - failures) * weight
        most = LARGEST_SHARE / self.most if self.dispersion < BURSTY else UNHEALTHY
        worse = [(times, weight) for times, weight in WORSE if times <= max(most, UNHEALTHY)]
        whole = sum(weight for _, weight in worse)
        self._worse = [(times, math.log(weight / whole)) for times, weight in worse]

    @property
    def healthy(self) -> float:
        """The healthy share as far as the baseline tells it."""
        total = self._failed + self._passed
        return min(max(self._failed / total if total else 0.0, self.least), self.most)

    def against_health(self, requests: int, failures: int) -> float:
        """Natural logarithm of the evidence that the share is 2·p or more, and not p or less."""
        # One failure more than the baseline has: where it ends is chance, and this errs on the side of health.
        null = self._likelihood(1, requests, failures, 1 / self.dispersion)
        terms = [
            weight + self._likelihood(times, requests, failures, 1 / self.dispersion) - null
            for times, weight in self._worse
        ]
        largest = max(terms)
        return largest + math.log(sum(math.exp(term - largest) for term in terms))

    def against_sickness(self, requests: int, failures: int) -> float:
        """Natural logarithm of the evidence that the share is p or less, and not 2·p or more."""
        return self._likelihood(1, requests, failures) - self._likelihood(UNHEALTHY, requests, failures)

    def _likelihood(self, times: int, requests: int, failures: int, more: float = 0.0) -> float:
        """max_p ln L₀(p)·L(times·p): the root of a quadratic, kept within what may count as healthy."""
        failed, passed = failures / self.dispersion, (requests - failures) / self.dispersion
        before, after = self._failed + more, self._passed
        total = before + failed
        linear = total * (1 + times) + after + times * passed
        root = math.sqrt(max(linear * linear - 4 * times * (total + after + passed) * total, 0.0))
        share = min(max(2 * total / (linear + root) if total else 0.0, self.least), self.most)
        return (
            before * math.log(share)
            + after * math.log1p(-share)
            + failed * math.log(times * share)
            + passed * math.log1p(-times * share)
        )


def _before_the_incident(samples: Sequence[tuple[int, int]], tolerated: float) -> Sequence[tuple[int, int]]:
    """Without its end, as far as that is the incident: nobody knows to the second when it began.

    What is left and still worse than tolerated says nothing about health either: then there is no baseline.
    """
    end = len(samples)
    for size in (1, max(1, end // WINDOWS)):
        while end:
            requests, failures = _sum(samples[max(0, end - size) : end])
            if failures < LEAST_FAILURES or failures <= tolerated * requests:
                break
            end = max(0, end - size)
    requests, failures = _sum(samples[:end])
    return samples[:end] if failures <= tolerated * requests else ()


def _sum(samples: Sequence[tuple[int, int]]) -> tuple[int, int]:
    return sum(sample[0] for sample in samples), sum(sample[1] for sample in samples)
