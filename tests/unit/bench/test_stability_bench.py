"""The yardsticks of the bench are what they are said to be."""

from __future__ import annotations

import random

import pytest

from bench.stability.cells import CELLS, Cell
from bench.stability.judges import (
    INCONCLUSIVE,
    STABLE,
    UNSTABLE,
    Decision,
    argo,
    is_high,
    kayenta,
    ours,
    wald,
    wald_twice,
)
from bench.stability.report import figures, interval, targets
from bench.stability.traces import Trace


def cell(**changes: object) -> Cell:
    values: dict = {"name": "test", "rate": 20, "before": 0.05, "after": 0.05, "healthy": True, **changes}
    return Cell(**values)


def test_a_trace_is_the_same_for_every_judge_and_every_time() -> None:
    first, second = Trace(cell(), 1), Trace(cell(), 1)
    assert list(first.failures()) == list(first.failures()) == list(second.failures())
    assert list(first.failures()) != list(Trace(cell(), 2).failures())


@pytest.mark.parametrize("changes", [{}, {"burst": 5}, {"drift": 0.25, "before": 0.05}, {"rate": 0.2}])
def test_a_trace_has_the_error_rate_of_its_cell(changes: dict[str, object]) -> None:
    traces = [Trace(cell(**changes), seed) for seed in range(10)]
    requests = sum(trace.length for trace in traces)
    failures = [place for trace in traces for place in trace.failures()]
    assert len(failures) / requests == pytest.approx(0.05, rel=0.2)
    assert sum(each.errors for trace in traces for each in trace.minutes) == len(failures)


def test_wald_needs_what_wald_says() -> None:
    """The mean number of requests at the healthy rate, by Wald's own approximation, is 216 for 5 % against 10 %."""
    samples = [wald(Trace(cell(), seed)).samples for seed in range(200)]
    assert 200 <= sum(samples) / len(samples) <= 300


def test_the_rank_sum_sees_a_shift_and_no_shift() -> None:
    draw = random.Random(1)
    control = [draw.gauss(10, 1) for _ in range(50)]
    assert not is_high(control, control)
    assert not is_high(control, [draw.gauss(10, 1) for _ in range(50)])
    assert is_high(control, [draw.gauss(13, 1) for _ in range(50)])
    assert not is_high(control, [draw.gauss(7, 1) for _ in range(50)]), "better is no failure"


def test_every_judge_knows_a_disaster_from_health() -> None:
    broken = Trace(cell(after=0.5, healthy=False), 1)
    assert {judge(broken).verdict for judge in (ours, wald, kayenta, argo)} == {UNSTABLE}
    clean = Trace(cell(before=0.05, after=0.001), 1)
    assert {judge(clean).verdict for judge in (ours, wald, kayenta, argo)} == {STABLE}


def test_nothing_is_decided_without_traffic() -> None:
    quiet = Trace(cell(rate=0), 1)
    assert {judge(quiet).verdict for judge in (ours, wald, kayenta, argo)} == {INCONCLUSIVE}


def test_wald_told_twice_the_rate_is_in_no_hurry_where_everything_fails() -> None:
    broken = Trace(cell(before=0.01, after=1.0, healthy=False), 1)
    assert (wald(broken).samples, wald_twice(broken).samples) == (1, 7)
    twice = Trace(cell(after=0.1, healthy=False), 1)
    assert wald(twice) == wald_twice(twice)


def test_a_watch_without_prospects_is_given_up_and_what_would_have_come_is_known() -> None:
    rare = [ours(Trace(cell(before=0.001, after=0.001, rate=0.2), seed)) for seed in range(5)]
    assert [(each.verdict, each.given_up, each.missed) for each in rare] == [(INCONCLUSIVE, True, None)] * 5
    assert all(120 <= each.samples < 600 for each in rare)
    assert not ours(Trace(cell(), 1)).given_up


def test_giving_up_is_no_verdict_and_what_it_loses_is_counted() -> None:
    of = cell(before=0.001, after=0.001, rate=0.2)
    early = [Decision(INCONCLUSIVE, 300, given_up=True)] * 98 + [Decision(INCONCLUSIVE, 300, True, STABLE)] * 2
    late = [Decision(STABLE, 600)] * 100
    found = {"hotfix": figures(of, early), "wald": figures(of, late), "kayenta": figures(of, late)}
    assert (found["hotfix"].undecided, found["hotfix"].given_up, found["hotfix"].missed) == (100, 100, 2)
    met = targets(of, found)
    assert met["a verdict with fewer samples than Kayenta"] is False
    assert met["ended with fewer samples than Kayenta"] is True
    assert met["verdicts lost by giving up ≤ 1 %"] is False


def test_further_metrics_are_seen_by_every_judge_but_walds() -> None:
    worse = Trace(cell(rate=2, metrics=2, worse=3, healthy=False), 1)
    assert {judge(worse).verdict for judge in (ours, kayenta, argo)} == {UNSTABLE}
    gone = Trace(cell(rate=2, metrics=2, unmeasured=1.0), 1)
    assert ours(gone).verdict is INCONCLUSIVE


def test_cells_have_names_of_their_own() -> None:
    assert len({each.name for each in CELLS}) == len(CELLS)


def test_an_interval_is_wilsons() -> None:
    assert interval(0, 2000) == "0.00% (0.00%–0.19%)"
    assert interval(20, 2000) == "1.00% (0.65%–1.54%)"
