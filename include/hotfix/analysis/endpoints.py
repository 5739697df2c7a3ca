"""The two ends of a search: the good version must pass, the bad one must fail, and both reliably."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from hotfix.domain.diagnosis import ReproducerRun, Verdict
from hotfix.domain.document import Sha
from hotfix.domain.errors import CannotReproduce
from hotfix.domain.execution import Observation
from hotfix.ports.test_runner import Reproducer

# An end that does not answer as it must is asked again this often: a flaky reproducer can still be searched with.
PATIENCE = 5
# A quick reproducer is repeated at both ends for as long as nobody notices, to learn whether it is flaky.
REPEATS, REPEAT_SECONDS = 12, 0.3


class FailsEverywhere(CannotReproduce):
    """The good version fails too; ``runs`` are those of both ends, the bad one's first."""

    def __init__(self, what: str, advice: str, runs: tuple[ReproducerRun, ...]) -> None:
        super().__init__(what, advice)
        self.runs = runs


@dataclass(frozen=True)
class Endpoints:
    """``runs``: every answer, the bad version's failures as SAME_FAILURE; ``seconds``: what one run takes."""

    at_bad: Observation
    at_good: Observation
    signature: str
    runs: tuple[ReproducerRun, ...]
    seconds: float


def verify_endpoints(
    checkout: Callable[[Sha], AbstractContextManager[Path]],
    reproducer: Reproducer,
    good: Sha,
    bad: Sha,
    jobs: int,
    progress: Callable[[str], None],
) -> Endpoints:
    """Run the reproducer at both ends, and watch what it executes.

    Raises:
        CannotReproduce: it passes on the bad version, fails on the good one, or cannot be run on either.
    """

    def observe(sha: Sha) -> Observation:
        with checkout(sha) as tree:
            return reproducer.observe(tree, sha)

    def again(sha: Sha) -> ReproducerRun:
        with checkout(sha) as tree:
            return reproducer.reproduce(tree, sha)

    with ThreadPoolExecutor(max_workers=min(2, max(1, jobs))) as pool:
        waiting_bad, waiting_good = pool.submit(observe, bad), pool.submit(observe, good)
        at_bad = waiting_bad.result()
        _tell(progress, "bad", at_bad.run)
        if at_bad.run.verdict is Verdict.UNTESTABLE:
            raise CannotReproduce(
                f"The reproducer cannot be run on the bad version {bad[:10]} ({at_bad.run.signature}).",
                "Check the command, and what it needs to run.",
            )
        at_good = waiting_good.result()
        _tell(progress, "good", at_good.run)
    runs = [at_bad.run, at_good.run]
    while at_bad.run.verdict is Verdict.GOOD and len(runs) < PATIENCE:
        at_bad = observe(bad)
        _tell(progress, "bad", at_bad.run)
        runs.append(at_bad.run)
    if at_bad.run.verdict is not Verdict.OTHER_FAILURE:
        raise CannotReproduce(
            f"The reproducer passes on the bad version {bad[:10]} ({PATIENCE - 1} of {PATIENCE - 1} runs).",
            "It does not show this incident, or the cause is not in the code (data, configuration, load).",
        )
    signature = at_bad.run.signature
    while at_good.run.verdict is not Verdict.GOOD and len(runs) < 2 * PATIENCE and at_good.run.signature == signature:
        at_good = observe(good)
        _tell(progress, "good", at_good.run)
        runs.append(at_good.run)
    if at_good.run.verdict is not Verdict.GOOD:
        raise FailsEverywhere(
            f"The reproducer fails on the good version {good[:10]} too ({at_good.run.signature}).",
            "The failure is older than that version, or is not in the code. Give an older good version.",
            (at_bad.run, *runs[1:]),
        )
    seconds = max(0.001, min(run.seconds for run in runs))
    began = time.monotonic()
    for _ in range(REPEATS):
        if time.monotonic() - began + 2 * seconds > REPEAT_SECONDS:
            break
        runs += [again(bad), again(good)]
    judged = tuple(
        run.model_copy(update={"verdict": Verdict.SAME_FAILURE})
        if run.verdict is Verdict.OTHER_FAILURE and run.signature == signature
        else run
        for run in runs
    )
    wrong = sum(run.verdict is (Verdict.GOOD if run.sha == bad else Verdict.SAME_FAILURE) for run in judged)
    if wrong:
        progress(f"the reproducer is flaky: {wrong} of {len(judged)} answers at the two ends were the other way round")
    return Endpoints(at_bad, at_good, signature, judged, seconds)


def _tell(progress: Callable[[str], None], which: str, run: ReproducerRun) -> None:
    progress(f"{which} {run.sha[:10]}: {run.verdict.value} ({run.seconds:.1f} s) {run.signature}".rstrip())
