"""How much more a share varies than independent requests would let it: in bursts, and from hour to hour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

# So many windows to the whole baseline. Bursts are short: all of one should fall into one window.
BURST_WINDOWS = (600, 60)
DRIFT_WINDOWS = 12
# A healthy share wanders at least by so much (standard deviation, relative), seen or not.
LEAST_DRIFT = 0.05


@dataclass(frozen=True)
class Noise:
    """``dispersion``: how many failures count as one. ``drift``: relative standard deviation of the share itself."""

    dispersion: float
    drift: float


def noise(samples: Sequence[tuple[int, int]]) -> Noise:
    """Estimated from (requests, failures) in order of time.

    The dispersion is Pearson's chi-square over its degrees of freedom, at least 1 (P. McCullagh, J. Nelder,
    Generalized Linear Models, 1989, §4.5.2), the larger over windows of two lengths. What long windows vary beyond
    that, and beyond one standard deviation of chance, is drift (by moments; R. DerSimonian, N. Laird, Meta-analysis in
    clinical trials, Control. Clin. Trials 7, 1986).
    """
    filled = [sample for sample in samples if sample[0]]
    requests, failures = sum(sample[0] for sample in filled), sum(sample[1] for sample in filled)
    if not 0 < failures < requests:
        return Noise(1.0, LEAST_DRIFT)
    share = failures / requests
    dispersion = max(1.0, *(_safe(*_spread(filled, count, share)) for count in BURST_WINDOWS))
    spread, windows = _spread(filled, DRIFT_WINDOWS, share)
    if windows < DRIFT_WINDOWS or spread <= dispersion * (1 + math.sqrt(2 / (windows - 1))):
        return Noise(dispersion, LEAST_DRIFT)
    expected = failures / windows / (1 - share)
    return Noise(dispersion, max(LEAST_DRIFT, math.sqrt((spread - dispersion) / expected)))


def _safe(spread: float, windows: int) -> float:
    """What is beyond chance, with two standard errors added: too little of it costs false alarms."""
    return 1 + (spread - 1) * (1 + 2 * math.sqrt(2 / (windows - 1))) if windows > 1 else 1.0


def _spread(samples: Sequence[tuple[int, int]], count: int, share: float) -> tuple[float, int]:
    """Chi-square over its degrees of freedom, and the number of windows."""
    size = max(1, len(samples) // count)
    windows = []
    for start in range(0, len(samples), size):
        part = samples[start : start + size]
        windows.append((sum(sample[0] for sample in part), sum(sample[1] for sample in part)))
    if len(windows) < 2:
        return 1.0, len(windows)
    square = sum((failures - requests * share) ** 2 / requests for requests, failures in windows)
    return square / (share * (1 - share)) / (len(windows) - 1), len(windows)
