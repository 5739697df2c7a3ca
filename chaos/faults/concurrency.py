"""Several reports at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from chaos.fault import Fault
from chaos.stage import Stage


@dataclass(frozen=True)
class AtOnce(Fault):
    """``reports`` runs for one service, triggered together; ``same``: about one issue, as an alert that fires twice."""

    same: bool = True
    reports: int = 2

    def report(self, stage: Stage) -> None:
        issues = [stage.issue if self.same else f"{stage.issue}-{number}" for number in range(self.reports)]
        with ThreadPoolExecutor(self.reports) as pool:
            list(pool.map(lambda issue: stage.trigger(issue=issue, **self.params()), issues))

    def problems(self, stage: Stage) -> list[str]:
        colours = sorted(stage.state(run) for run in stage.runs)
        return [] if colours == ["failed", "success"] else [f"the runs are {colours}, one had to be turned away"]


CONCURRENCY: tuple[Fault, ...] = (
    AtOnce("two-incidents", "two incidents are reported for one service at once", same=False),
    AtOnce("alert-twice", "the same alert triggers twice at once", same=True),
)
