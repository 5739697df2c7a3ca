"""The yardsticks of the bench are what they are said to be."""

from __future__ import annotations

import random

import pytest

from bench.stability.cells import CELLS, Cell
from bench.stability.judges import INCONCLUSIVE, STABLE, UNSTABLE, argo, is_high, kayenta, ours, wald
from bench.stability.report import interval
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


def test_cells_have_names_of_their_own() -> None:
    assert len({each.name for each in CELLS}) == len(CELLS)


def test_an_interval_is_wilsons() -> None:
    assert interval(0, 2000) == "0.00% (0.00%–0.19%)"
    assert interval(20, 2000) == "1.00% (0.65%–1.54%)"
