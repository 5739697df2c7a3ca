"""What every monitoring promises about the same story."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

import pytest

from hotfix.ports.monitoring import Monitoring
from hotfix.stability.traffic import total

START = datetime(2026, 3, 1, 3, 0, tzinfo=timezone.utc)
# Of the seconds from 10 to 39, each: so many requests, of which the last one fails in every fifth second.
BEGINS, ENDS, A_SECOND = 10, 40, 4
FAILS = tuple(range(15, ENDS, 5))
REQUESTS, ERRORS = (ENDS - BEGINS) * A_SECOND, len(FAILS)
MILLISECONDS = 20.0
# A metric that is the second itself, and was not measured in some.
METRIC = "queue depth"
UNMEASURED = (20, 21)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def requests_of(second: int) -> Sequence[bool]:
    """Whether each request of a second failed."""
    if not BEGINS <= second < ENDS:
        return ()
    return [False] * (A_SECOND - 1) + [second in FAILS]


class MonitoringContract:
    """A subclass has a fixture ``monitoring`` that was told the story; ``tells_metrics`` where it knows the metric."""

    tells_metrics = True

    def test_every_request_and_every_failure_is_counted_once(self, monitoring: Monitoring) -> None:
        seen = total(monitoring.samples(START, after(60)))
        assert (seen.requests, seen.errors, seen.incomplete) == (REQUESTS, ERRORS, 0)

    def test_samples_are_of_the_window_and_oldest_first(self, monitoring: Monitoring) -> None:
        samples = monitoring.samples(after(12), after(31))
        assert samples
        assert [each.at for each in samples] == sorted({each.at for each in samples})
        assert all(after(12) <= each.at < after(31) for each in samples)
        assert 0 < total(samples).requests <= 19 * A_SECOND

    def test_what_nobody_knows_of_is_no_zero(self, monitoring: Monitoring) -> None:
        for since in (after(-7200), after(7200)):
            assert total(monitoring.samples(since, since + timedelta(seconds=60))).error_rate is None
            values = monitoring.measurements(since, since + timedelta(seconds=60))
            assert all(each.value is None for each in values)

    def test_asked_again_it_says_the_same(self, monitoring: Monitoring) -> None:
        assert monitoring.samples(START, after(60)) == monitoring.samples(START, after(60)) != ()
        assert monitoring.measurements(START, after(60)) == monitoring.measurements(START, after(60))

    def test_latencies_are_those_of_the_requests(self, monitoring: Monitoring) -> None:
        latencies = [value for each in monitoring.samples(START, after(60)) for value in each.latencies_ms]
        assert len(latencies) == REQUESTS

    def test_a_metric_that_was_not_measured_has_no_value(self, monitoring: Monitoring) -> None:
        found = monitoring.measurements(START, after(60))
        if not self.tells_metrics:
            assert found == ()
            return
        values = {int((each.at - START).total_seconds()): each.value for each in found if each.metric == METRIC}
        assert [each.at for each in found] == sorted(each.at for each in found)
        for second in range(BEGINS, ENDS):
            expected = None if second in UNMEASURED else float(second)
            assert values.get(second) == expected
        assert values.get(5) is None

    @pytest.mark.parametrize("path", ["/ok", "/boom"])
    def test_a_probe_is_a_real_request_whose_failure_is_a_result(self, monitoring: Monitoring, path: str) -> None:
        result = monitoring.probe(path)
        assert result.path == path
        assert result.failed == (path == "/boom")

    def test_production_says_its_version(self, monitoring: Monitoring) -> None:
        assert monitoring.version() == "a" * 40
