"""One answer of a reproducer that is wrong now and then."""

from __future__ import annotations

import math
from collections.abc import Callable

from hotfix.domain.diagnosis import ReproducerRun, Verdict

# After so many runs without a decision the share of wrong answers is not what was stated.
MOST = 99


def repeated(run: Callable[[], ReproducerRun], wrong: float, confidence: float) -> ReproducerRun:
    """Run until passing or failing is the answer with ``confidence``; the result has the seconds of all runs.

    ``wrong``: the share of wrong answers, in (0, 0.5). A sequential probability ratio test of two simple hypotheses
    (A. Wald, Sequential Tests of Statistical Hypotheses, 1945): it ends when one answer leads by
    log(confidence / (1 - confidence)) / log((1 - wrong) / wrong). Without a decision after ``MOST`` runs the version
    counts as one that cannot be tested.
    """
    lead = math.log(confidence / (1 - confidence)) / math.log((1 - wrong) / wrong)
    passed: list[ReproducerRun] = []
    failed: list[ReproducerRun] = []
    seconds = 0.0
    while True:
        done = run()
        seconds += done.seconds
        if done.verdict is Verdict.UNTESTABLE:
            return done
        (passed if done.verdict is Verdict.GOOD else failed).append(done)
        if abs(len(passed) - len(failed)) >= lead:
            winner = passed if len(passed) > len(failed) else failed
            return winner[-1].model_copy(update={"seconds": round(seconds, 3)})
        if len(passed) + len(failed) >= MOST:
            why = f"{len(passed)} of {MOST} runs passed: no answer can be told from chance"
            told = {"verdict": Verdict.UNTESTABLE, "signature": why, "seconds": round(seconds, 3)}
            return done.model_copy(update=told)
