"""What the monitoring settings of a profile mean for a watch and its judge."""

from __future__ import annotations

import math

from hotfix.domain.service import Metric, Monitoring
from hotfix.stability.judge import Tolerance, requests_needed
from hotfix.stability.measured import MetricRule

# Probes must stay a small part of what a service has to bear.
MOST_ROUNDS = 60
# Looks get rarer: each wait is a tenth of the time watched so far, at most so long (seconds). Where the probes are all
# there is to see, they must not come in large bursts.
WAIT_SHARE = 0.1
LONGEST_WAIT, LONGEST_WAIT_BETWEEN_PROBES = 60.0, 10.0


def wait_after(settings: Monitoring, limit: float, elapsed: float) -> float:
    """Seconds until the next look: longer and longer, and never past the end of the window or the limit."""
    longest = LONGEST_WAIT if any(source.requests for source in settings.all_sources) else LONGEST_WAIT_BETWEEN_PROBES
    wait = max(settings.interval, min(WAIT_SHARE * elapsed, longest))
    for edge in (settings.window, limit):
        if elapsed < edge < elapsed + wait:
            return edge - elapsed
    return wait


def probing_rounds(settings: Monitoring, limit: float, gap: float) -> int:
    """As many, ``gap`` seconds after the last, as it takes to be judged within the limit without any customer."""
    needed = requests_needed(tolerance_of(settings)) / (limit * len(settings.probes))
    return max(1, min(MOST_ROUNDS, math.ceil(gap * needed)))


def tolerance_of(settings: Monitoring) -> Tolerance:
    return Tolerance(
        settings.tolerated_error_rate,
        settings.latency_limit_ms,
        settings.min_requests,
        settings.tolerated_slowdown,
        settings.noticeable_ms,
    )


def rule_of(metric: Metric) -> MetricRule:
    return MetricRule(
        name=metric.name,
        critical=metric.critical,
        lower_is_worse=metric.worse == "below",
        tolerated=metric.tolerated,
        noticeable=metric.noticeable,
        limit=metric.limit,
    )
