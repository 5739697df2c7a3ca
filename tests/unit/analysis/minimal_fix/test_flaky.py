import random
from collections.abc import Iterator

import pytest

from hotfix.analysis.minimal_fix.flaky import MOST, repeated
from hotfix.domain.diagnosis import ReproducerRun, Verdict


def answers(*verdicts: Verdict) -> Iterator[ReproducerRun]:
    return (ReproducerRun(sha="a" * 40, verdict=verdict, signature="E", seconds=0.5) for verdict in verdicts)


def test_one_contradiction_is_outvoted():
    good, bad = Verdict.GOOD, Verdict.OTHER_FAILURE
    given = answers(good, bad, good, good, good, good)
    found = repeated(lambda: next(given), wrong=0.2, confidence=0.95)
    assert (found.verdict, found.seconds) == (good, 2.5)
    assert len(list(given)) == 1


def test_what_cannot_be_tested_is_not_asked_again():
    given = answers(Verdict.UNTESTABLE)
    assert repeated(lambda: next(given), wrong=0.2, confidence=0.95).verdict is Verdict.UNTESTABLE


def test_without_a_decision_it_cannot_be_tested():
    given = answers(*[Verdict.GOOD, Verdict.OTHER_FAILURE] * MOST)
    found = repeated(lambda: next(given), wrong=0.2, confidence=0.95)
    assert found.verdict is Verdict.UNTESTABLE
    assert "of 99 runs passed" in found.signature


@pytest.mark.parametrize(("wrong", "confidence"), [(0.05, 0.95), (0.2, 0.95), (0.3, 0.99)])
def test_it_is_right_as_often_as_it_says(wrong: float, confidence: float):
    chance = random.Random(1)
    trials = 2000

    def run() -> ReproducerRun:
        verdict = Verdict.GOOD if chance.random() < wrong else Verdict.OTHER_FAILURE
        return ReproducerRun(sha="a" * 40, verdict=verdict, signature="", seconds=0.1)

    mistakes = sum(repeated(run, wrong, confidence).verdict is Verdict.GOOD for _ in range(trials))
    expected = trials * (1 - confidence)
    assert 0 < mistakes <= expected + 3 * expected**0.5
