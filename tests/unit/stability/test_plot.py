"""The picture says what happened, where nothing is known, and survives any name."""

from __future__ import annotations

import re
from datetime import timedelta

from defusedxml import ElementTree

from hotfix.stability.plot import Phase, error_rate_plot
from tests.support.samples import AT, a_sample

BEGAN, DEPLOYED = AT + timedelta(minutes=2), AT + timedelta(minutes=5)


def samples(since: int, seconds: int, errors: int):  # type: ignore[no-untyped-def]
    return [
        a_sample(20, errors).model_copy(update={"at": AT + timedelta(seconds=since + second)})
        for second in range(seconds)
    ]


def draw(title: str = "shop", before: int = 0, during: int = 8, after: int = 0, tolerated: float = 0.05) -> str:
    phases = (
        Phase("before", AT, BEGAN, samples(0, 120, before)),
        Phase("during", BEGAN, DEPLOYED, samples(120, 180, during), "incident began"),
        Phase("after", DEPLOYED, DEPLOYED + timedelta(seconds=20), samples(300, 20, after), "deployed"),
    )
    return error_rate_plot(title, phases, "decided: stable", tolerated)


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("text")]


def highest(svg: str) -> list[float]:
    """The smallest y of each curve: the top of the picture is 0."""
    return [
        min(float(y) for _, y in re.findall(r"([\d.]+) ([\d.]+)", path))
        for path in re.findall(r'class="line" d="([^"]+)"', svg)
    ]


def test_it_has_axes_units_and_markers() -> None:
    found = texts(draw())
    for text in (
        "failed requests, %",
        "time of day, UTC",
        "incident began",
        "deployed",
        "decided: stable",
        "tolerated 5 %",
        "before: 0.00% of 2,400 requests",
        "during: 40.00% of 3,600 requests",
        "after: 0.00% of 400 requests",
    ):
        assert text in found
    for time in ("00:00:00", "00:02:00", "00:05:00", "00:05:20"):
        assert time in found


def test_the_incident_stands_out() -> None:
    before, during, after = highest(draw())
    assert during < before == after


def test_the_highest_rate_fits() -> None:
    assert all(y >= 80 for y in highest(draw(during=20)))
    assert "100" in texts(draw(during=20))


def test_where_nothing_is_known_nothing_is_drawn() -> None:
    phases = [Phase("after", AT, BEGAN, [a_sample(0, 0), a_sample(None, None)])]
    svg = error_rate_plot("shop", phases, "decided: inconclusive", 0.01)
    assert not highest(svg)
    assert "no data" in texts(svg)


def test_a_gap_stays_a_gap() -> None:
    both = [*samples(0, 40, 1), *samples(80, 40, 1)]
    assert len(highest(error_rate_plot("shop", [Phase("before", AT, BEGAN, both)], "decided", 0.05))) == 2


def test_names_are_text_not_markup() -> None:
    svg = draw(title='<script>&"quoted"')
    assert "<script" not in svg
    assert '<script>&"quoted"' in texts(svg)


def test_it_knows_light_and_dark() -> None:
    assert "prefers-color-scheme: dark" in draw()
