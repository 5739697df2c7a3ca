"""Can the rest of a watch still decide?"""

from __future__ import annotations

import math
from dataclasses import dataclass

from hotfix.stability.proportion import Proportion

# Below this probability of a verdict the rest of the watch is not worth its time.
HOPELESS = 0.01
# Traffic may pick up: so many times the requests that are expected are reckoned with.
MARGIN = 1.5
# In the first part of a watch (a share of its limit) nothing is hopeless.
EARLIEST = 0.2
# Of the paths that touch a bound on the way about one in so many ends beyond it (reflection).
TOUCHED = 2
# More requests than any watch sees.
ENDLESS = 10**9


@dataclass(frozen=True)
class Outlook:
    """What further requests may bring. ``expected``: requests in the end; ``chance``: of a verdict by then.

    ``clear``: what STABLE takes of ``test``, as natural logarithm.
    """

    expected: int
    chance: float
    test: Proportion
    clear: float

    @property
    def hopeless(self) -> bool:
        return self.chance < HOPELESS

    @property
    def why(self) -> str:
        """Why no verdict is to be expected, and what would help the next time."""
        told = f"{self.expected:,} requests are expected in all"
        healthy = f"{self.test.healthy:.2%}"
        needed = requests_until_stable(self.test, self.clear)
        if needed is None:
            return (
                f"{told}, and no number would do: the time before the incident tells too little; "
                "a longer one (monitoring.baseline) would help"
            )
        if needed > self.expected:
            return (
                f"{told}, about {needed:,} are needed where {healthy} of errors are healthy; "
                "more requests (monitoring.probes) or a longer watch (monitoring.limit) would help"
            )
        return f"{told}, and what was seen lies between healthy ({healthy} of errors) and twice that"


def outlook(test: Proportion, seen: tuple[int, int], more: int, evidence: tuple[float, float]) -> Outlook:
    """``seen``: requests and failures so far; ``more``: requests that are expected from now on; ``evidence``: what
    UNSTABLE and STABLE take, as natural logarithms.

    The chance is the predictive power of the rest (D. Spiegelhalter, L. Freedman, P. Blackburn, Monitoring clinical
    trials: conditional or predictive power?, Control. Clin. Trials 7, 1986): the failures to come are beta-binomial,
    by what was seen and Jeffreys' prior, counted as the test counts them (bursts as one, drift as doubt). It errs
    upwards: ``MARGIN`` times the requests, and ``TOUCHED`` for verdicts on the way.
    """
    requests, failures = seen
    further = math.ceil(MARGIN * more)
    counted = failures / test.dispersion
    weight = 1 / test.dispersion / (1 + test.drift**2 * counted)
    failed, passed = failures * weight + 0.5, (requests - failures) * weight + 0.5
    usual = failures + round(further * failed / (failed + passed))
    found = _bounds(test, requests + further, usual, evidence)
    chance = 1.0
    if found is not None:
        few, many = (math.floor((bound - failures) / test.dispersion) for bound in found)
        trials = round(further / test.dispersion)
        beyond = _at_most(few, trials, failed, passed) + 1 - _at_most(many, trials, failed, passed)
        chance = min(1.0, TOUCHED * beyond)
    return Outlook(requests + more, chance, test, evidence[1])


def requests_until_stable(test: Proportion, clear: float) -> int | None:
    """How many requests, of which the healthy share fails, it takes; None where no number would do."""

    def enough(requests: int) -> bool:
        return test.against_sickness(requests, round(requests * test.healthy)) >= clear

    high = 1
    while not enough(high):
        high *= 2
        if high > ENDLESS:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _bounds(test: Proportion, requests: int, usual: int, evidence: tuple[float, float]) -> tuple[int, int] | None:
    """The most failures with which so many requests are STABLE (-1: none), and the most with which not UNSTABLE.

    None where the ``usual`` number of failures brings a verdict.
    """
    alarm, clear = evidence
    if test.against_sickness(requests, usual) >= clear or test.against_health(requests, usual) >= alarm:
        return None
    low, high = -1, usual
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if test.against_sickness(requests, middle) >= clear else (low, middle)
    stable = low
    step = 1
    while usual + step < requests and test.against_health(requests, usual + step) < alarm:
        step *= 2
    low, high = usual, min(usual + step, requests + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if test.against_health(requests, middle) >= alarm else (middle, high)
    return stable, low


def _at_most(failures: int, trials: int, failed: float, passed: float) -> float:
    """The cumulative beta-binomial distribution."""
    if failures >= trials:
        return 1.0
    whole = math.lgamma(trials + 1) + math.lgamma(failed + passed) - math.lgamma(trials + failed + passed)
    whole -= math.lgamma(failed) + math.lgamma(passed)
    return sum(
        math.exp(
            whole
            - math.lgamma(each + 1)
            - math.lgamma(trials - each + 1)
            + math.lgamma(each + failed)
            + math.lgamma(trials - each + passed)
        )
        for each in range(failures + 1)
    )
