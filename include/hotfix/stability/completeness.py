"""Is so little missing that the rest may be trusted?"""

from __future__ import annotations

import math

# What is not measured may be the bad part. Above the first share nothing is shown to be healthy; the second is far too
# much, and has to be ruled out by what was measured.
MOST_MISSING, FAR_TOO_MANY = 0.1, 0.3


def is_complete(missing: int, of: int, doubt: float) -> bool:
    """Whether at most a tenth is missing, and ``FAR_TOO_MANY`` is ruled out with error probability ``doubt``.

    By Wald's likelihood ratio of the one share against the other (Ann. Math. Statist. 16(2), 1945), so that one may ask
    after every sample: early on a tenth may be luck. Where nothing is missing nothing has to be ruled out.
    """
    if not missing:
        return True
    measured = of - missing
    ratio = missing * math.log(MOST_MISSING / FAR_TOO_MANY)
    ratio += measured * math.log((1 - MOST_MISSING) / (1 - FAR_TOO_MANY))
    return missing <= MOST_MISSING * of and ratio >= -math.log(doubt)


def enough_for_one_missing(doubt: float) -> int:
    """With how many samples, of which one is missing, there is no doubt left."""
    of = math.ceil(1 / MOST_MISSING)
    while not is_complete(1, of, doubt):
        of += 1
    return of
