"""What is simulated: one cell is one kind of traffic, before and after a deployment, of which the truth is known."""

from __future__ import annotations

from dataclasses import dataclass

MINUTES = 50
# The baseline is so long that it holds so many errors, but at least as long as the watch, and at most a day.
BASELINE_ERRORS = 400
DAY_MINUTES = 24 * 60


@dataclass(frozen=True)
class Cell:
    """``rate``: requests a second. ``before`` and ``after``: error rates; ``healthy``: whether that is health.

    ``burst``: mean number of requests that fail one after the other. ``drift``: how far the error rate and the latency
    swing to both sides, with a period of two hours. ``slower``: times the latency of before; 0: no latency is measured.
    ``missing``: the share of looks (for the others: of minutes) in which the errors were not measured. ``metrics``: how
    many further ones there are, all critical; ``worse``: times the first one's values of before; ``unmeasured``: the
    share of its values that are NaN.
    """

    name: str
    rate: float
    before: float
    after: float
    healthy: bool
    burst: float = 1
    drift: float = 0
    slower: float = 0
    missing: float = 0
    metrics: int = 0
    worse: float = 1
    unmeasured: float = 0

    @property
    def tolerated(self) -> float:
        """What an operator who knows the service more or less writes into the profile."""
        return 1.5 * self.before

    @property
    def known(self) -> bool:
        """Whether there is anything to decide on."""
        return self.rate > 0 and self.missing <= 0.1 and self.unmeasured <= 0.1

    @property
    def alternative(self) -> float:
        """The unhealthy rate that Wald's test is told."""
        return self.after if self.after > self.before else 2 * self.before


def _rates() -> list[Cell]:
    cells = []
    for before in (0.001, 0.01, 0.05, 0.25):
        for rate in (0.2, 2.0, 20.0, 200.0):
            for times in (1, 2):
                name = f"{before:.1%} → {before * times:.1%}, {rate:g}/s"
                cells.append(Cell(name, rate, before, before * times, healthy=times == 1))
    return cells


CELLS = (
    *_rates(),
    Cell("half the errors of before", 20, 0.01, 0.005, healthy=True),
    Cell("four times the errors", 20, 0.01, 0.04, healthy=False),
    Cell("ten times the errors", 20, 0.01, 0.1, healthy=False),
    Cell("ten times the errors, 0.1 %", 20, 0.001, 0.01, healthy=False),
    Cell("everything fails", 20, 0.01, 1.0, healthy=False),
    Cell("drift of ±25 %", 20, 0.01, 0.01, healthy=True, drift=0.25),
    Cell("drift of ±25 %, twice the errors", 20, 0.01, 0.02, healthy=False, drift=0.25),
    Cell("bursts of 5", 20, 0.01, 0.01, healthy=True, burst=5),
    Cell("bursts of 5, twice the errors", 20, 0.01, 0.02, healthy=False, burst=5),
    Cell("bursts of 5, 5 %", 20, 0.05, 0.05, healthy=True, burst=5),
    Cell("bursts of 5, 5 %, twice the errors", 20, 0.05, 0.1, healthy=False, burst=5),
    Cell("bursts of 5 and drift", 20, 0.05, 0.05, healthy=True, burst=5, drift=0.25),
    Cell("latency as before", 2, 0.05, 0.05, healthy=True, slower=1),
    Cell("latency as before, drift of ±25 %", 2, 0.05, 0.05, healthy=True, slower=1, drift=0.25),
    Cell("latency 1.25 times", 2, 0.05, 0.05, healthy=True, slower=1.25),
    Cell("latency twice", 2, 0.05, 0.05, healthy=False, slower=2),
    Cell("latency three times", 2, 0.05, 0.05, healthy=False, slower=3),
    Cell("5 % of the samples without errors measured", 2, 0.05, 0.05, healthy=True, missing=0.05),
    Cell("5 % without errors measured, twice the errors", 2, 0.05, 0.1, healthy=False, missing=0.05),
    Cell("30 % of the samples without errors measured", 2, 0.05, 0.05, healthy=True, missing=0.3),
    Cell("three further metrics", 2, 0.05, 0.05, healthy=True, metrics=3),
    Cell("three further metrics, twice the errors", 2, 0.05, 0.1, healthy=False, metrics=3),
    Cell("three further metrics, one of them twice", 2, 0.05, 0.05, healthy=False, metrics=3, worse=2),
    Cell("three further metrics, 5 % of one NaN", 2, 0.05, 0.05, healthy=True, metrics=3, unmeasured=0.05),
    Cell("three further metrics, 30 % of one NaN", 2, 0.05, 0.05, healthy=True, metrics=3, unmeasured=0.3),
    Cell("nothing measured", 2, 0.05, 0.05, healthy=True, missing=1.0),
    Cell("no traffic", 0, 0.05, 0.05, healthy=True),
)
