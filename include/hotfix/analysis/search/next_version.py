"""Which version to try next."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection
from itertools import accumulate

from hotfix.analysis.search.belief import Belief

# Looking at every version of a long history would take longer than trying one: the mainline is looked at where the
# probability passes these shares, and around the likeliest commits.
SHARES, LIKELIEST, ALL_UP_TO = 48, 16, 160
_NOTHING = 1e-9
# However many neighbours could not be tested: else anything would be tried rather than what is left among them.
HARDLY_TESTABLE = 0.01
# Of two versions that tell as much, the one that the proof needs anyway.
PROOF_BONUS = 0.03


def most_informative(belief: Belief, untestable: Collection[int], wanted_for_proof: Collection[int] = ()) -> int | None:
    """The position whose answer is expected to tell most about who is to blame; None when none tells anything.

    Next to versions that could not be tested others tend to be untestable too: they count for less.
    """
    best: tuple[float, int] | None = None
    for position in sorted(_worth_looking_at(belief, untestable)):
        information = belief.information(position)
        if information <= _NOTHING:
            continue
        score = (information + PROOF_BONUS * (position in wanted_for_proof)) * _testable(position, untestable, belief)
        if best is None or score > best[0]:
            best = (score, position)
    return best[1] if best else None


def _worth_looking_at(belief: Belief, untestable: Collection[int]) -> set[int]:
    lineage, chances = belief.lineage, belief.of_commits()
    alive = [position for position, chance in enumerate(chances) if chance > _NOTHING]
    likeliest = alive if len(alive) <= ALL_UP_TO else sorted(alive, key=lambda each: -chances[each])[:LIKELIEST]
    found = {each for position in likeliest for each in (position, *lineage.parents(position))}
    sums = list(accumulate(chances))
    at_mainline = [sums[position] for position in lineage.mainline]
    for share in range(1, SHARES):
        index = bisect_left(at_mainline, sums[-1] * share / SHARES)
        found.update(lineage.mainline[each] for each in (index - 1, index) if 0 <= each < len(lineage.mainline))
    return (found | _around(untestable, lineage.mainline)) - set(untestable)


def _around(untestable: Collection[int], mainline: tuple[int, ...]) -> set[int]:
    """Mainline versions near the untestable ones, closely at first and then further and further away."""
    found: set[int] = set()
    for position in untestable:
        index = bisect_left(mainline, position)
        for step in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512):
            found.update(mainline[each] for each in (index - step, index + step) if 0 <= each < len(mainline))
    return found


def _testable(position: int, untestable: Collection[int], belief: Belief) -> float:
    """P(testable): what breaks one version mostly breaks its neighbours, and the more were hit the wider it is."""
    spread = max(1.0, len(belief.lineage) / 64) * len(untestable)
    chance = 1.0
    for other in untestable:
        chance *= 1 - 0.9 * 0.5 ** (abs(position - other) / spread)
    return max(chance, HARDLY_TESTABLE)
