"""The smallest part of a change that still does what the whole change does, in few runs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from math import prod

# At least; an element that is as good as certain to be needed is not tried with others any more.
CERTAIN = 1 - 1e-9


@dataclass(frozen=True)
class Minimised:
    """``kept`` passes. ``minimal``: without any single element of it, it does not."""

    kept: frozenset[int]
    minimal: bool


def minimise(
    size: int,
    passes: Callable[[frozenset[int]], bool],
    *,
    needed: float,
    out_of_budget: Callable[[], bool] = lambda: False,
) -> Minimised:
    """Delta debugging of the elements 0 … ``size`` - 1, which pass together and of which none at all does not.

    Each element has a probability of being needed, ``needed`` of them to begin with. What is tried to be left out next
    are the least likely elements, as many as can all be spared with a probability nearest to one half: that answer
    tells most. The probabilities follow Bayes' rule (Wang et al., "Probabilistic Delta Debugging", ESEC/FSE 2021).
    With the same answers, ddmin (Zeller & Hildebrandt, IEEE TSE 2002) needs more runs. What is left at the end is
    tried again element by element, so that it is 1-minimal whatever the answers were. No set is asked for twice.

    ``passes`` answers False for what fails and for what cannot be told. When ``out_of_budget`` says so before a
    run, the smallest passing set found so far is the result.
    """
    kept = frozenset(range(size))
    answers: dict[frozenset[int], bool] = {frozenset(): False}
    probability = dict.fromkeys(kept, needed)
    while True:
        probability = _given_one_is_needed(kept, probability)
        left_out = _most_telling(kept, probability) or _unchecked(kept, answers)
        if not left_out:
            return Minimised(kept, minimal=True)
        rest = kept - left_out
        if rest not in answers:
            if out_of_budget():
                return Minimised(kept, minimal=False)
            answers[rest] = passes(rest)
        if answers[rest]:
            kept = rest
        else:
            at_least_one = 1 - prod(1 - probability[element] for element in left_out)
            for element in left_out:
                probability[element] = min(1.0, probability[element] / at_least_one)


def _given_one_is_needed(kept: Collection[int], probability: Mapping[int, float]) -> dict[int, float]:
    at_least_one = 1 - prod(1 - probability[element] for element in kept)
    return {element: min(1.0, probability[element] / at_least_one) for element in kept}


def _most_telling(kept: Collection[int], probability: Mapping[int, float]) -> frozenset[int]:
    # Neighbours stay together where they are equally likely: what belongs together stands together.
    open_elements = sorted(
        (element for element in kept if probability[element] < CERTAIN),
        key=lambda element: (round(probability[element], 9), element),
    )
    best, chosen, spared = 1.0, 0, 1.0
    for count, element in enumerate(open_elements, start=1):
        spared *= 1 - probability[element]
        if abs(spared - 0.5) < best - 1e-12 and count < len(kept):
            best, chosen = abs(spared - 0.5), count
    return frozenset(open_elements[:chosen])


def _unchecked(kept: frozenset[int], answers: Mapping[frozenset[int], bool]) -> frozenset[int]:
    return next((frozenset({element}) for element in sorted(kept) if kept - {element} not in answers), frozenset())
