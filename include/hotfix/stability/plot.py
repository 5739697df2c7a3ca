"""The error rate before, during and after, as an SVG that can be read by daylight and at night."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from xml.sax.saxutils import escape

from hotfix.domain.stability import Sample
from hotfix.stability.traffic import total

WIDTH, HEIGHT = 960, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 84, 64
GAP = 14
BINS = 60
# Steps of the axis, in per cent.
STEPS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 25)
MOST_LINES = 5

STYLE = """
  .paper { fill: #ffffff } .panel { fill: #f4f5f7 } .grid { stroke: #d8dbe0 } .text { fill: #33373d }
  .faint { fill: #646b75 } .area { fill: #c4372b; fill-opacity: .22 } .line { stroke: #b42a1f; fill: none }
  .limit { stroke: #8a6100; stroke-dasharray: 6 4 } .limit-text { fill: #8a6100 } .mark { stroke: #1f5fbf }
  .mark-text { fill: #1f5fbf }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #15181d } .panel { fill: #1d2127 } .grid { stroke: #363c45 } .text { fill: #e4e7eb }
    .faint { fill: #a0a8b3 } .area { fill: #ff7a6e; fill-opacity: .28 } .line { stroke: #ff8a7f }
    .limit { stroke: #e3b341 } .limit-text { fill: #e3b341 } .mark { stroke: #79b0ff } .mark-text { fill: #79b0ff }
  }
  text { font: 12px system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif }
  .title { font-size: 15px; font-weight: 600 } .grid, .limit, .mark { stroke-width: 1 } .line { stroke-width: 1.8 }
"""

# Begin and end as shares of the phase, and the error rate between them; None without requests.
Bin = tuple[float, float, float | None]


@dataclass(frozen=True)
class Phase:
    """Samples of [since, until), under the name that the plot gives them. ``mark``: what happened at ``since``."""

    name: str
    since: datetime
    until: datetime
    samples: Sequence[Sample]
    mark: str = ""


def error_rate_plot(title: str, phases: Sequence[Phase], decided: str, tolerated: float) -> str:
    """SVG text, one panel a phase, each with its own scale of time: an incident may last hours, the watch a minute.

    ``decided`` is written at the end of the last phase, ``tolerated`` (a share) drawn as a limit. Where nothing is
    known there is no line.
    """
    curves = [_bins(phase) for phase in phases]
    highest = max([rate for curve in curves for _, _, rate in curve if rate is not None] + [tolerated * 1.5])
    step = next((step for step in STEPS if highest * 100 <= step * MOST_LINES), STEPS[-1])
    top = min(100.0, math.ceil(highest * 100 / step) * step)
    floor = HEIGHT - BOTTOM

    def height(rate: float) -> float:
        return floor - (floor - TOP) * rate * 100 / top

    width = (WIDTH - LEFT - RIGHT - GAP * (len(phases) - 1)) / len(phases)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
        f' role="img" aria-label="{escape(title, {chr(34): "&quot;"})}">',
        f"<title>{escape(title)}</title><style>{STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}"/>',
        _text(LEFT, 26, title, "text title"),
        f'<text class="text" transform="translate(16 {(TOP + floor) / 2:.0f}) rotate(-90)" text-anchor="middle">'
        "failed requests, %</text>",
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, "time of day, UTC", "text", "middle"),
    ]
    for index in range(round(top / step) + 1):
        parts.append(_text(LEFT - 8, height(index * step / 100) + 4, f"{index * step:g}", "faint", "end"))
    for number, (phase, curve) in enumerate(zip(phases, curves, strict=True)):
        left = LEFT + number * (width + GAP)
        parts.append(f'<rect class="panel" x="{left:.1f}" y="{TOP}" width="{width:.1f}" height="{floor - TOP}"/>')
        for index in range(round(top / step) + 1):
            parts.append(_line(left, height(index * step / 100), left + width, height(index * step / 100), "grid"))
        parts.append(_line(left, height(tolerated), left + width, height(tolerated), "limit"))
        parts += _curve(curve, left, width, height)
        if not any(rate is not None for _, _, rate in curve):
            parts.append(_text(left + width / 2, TOP + 24, "no data", "faint", "middle"))
        if phase.mark:
            parts.append(_line(left, TOP - 14, left, floor, "mark"))
            parts.append(_text(left + 4, TOP - 18, phase.mark, "mark-text"))
        parts.append(_text(left + width / 2, floor + 34, f"{phase.name}: {_summed_up(phase)}", "text", "middle"))
        parts.append(_text(left, floor + 16, f"{phase.since:%H:%M:%S}", "faint"))
        parts.append(_text(left + width, floor + 16, f"{phase.until:%H:%M:%S}", "faint", "end"))
    end = WIDTH - RIGHT
    parts.append(_text(LEFT + 4, height(tolerated) - 5, f"tolerated {tolerated * 100:g} %", "limit-text"))
    parts.append(_line(end, TOP - 34, end, floor, "mark"))
    parts.append(_text(end - 4, TOP - 36, decided, "mark-text", "end"))
    return "\n".join([*parts, "</svg>", ""])


def _summed_up(phase: Phase) -> str:
    traffic = total(phase.samples)
    if traffic.error_rate is None:
        return "no request was measured"
    return f"{traffic.error_rate:.2%} of {traffic.requests:,} requests"


def _bins(phase: Phase) -> list[Bin]:
    seconds = max((phase.until - phase.since).total_seconds(), 1.0)
    count = max(1, min(BINS, math.ceil(seconds)))
    sums = [[0, 0] for _ in range(count)]
    for sample in phase.samples:
        if sample.requests is not None and sample.errors is not None:
            place = math.floor((sample.at - phase.since).total_seconds() / seconds * count)
            part = sums[min(max(place, 0), count - 1)]
            part[0] += sample.requests
            part[1] += sample.errors
    return [
        (index / count, (index + 1) / count, errors / requests if requests else None)
        for index, (requests, errors) in enumerate(sums)
    ]


def _curve(curve: Sequence[Bin], left: float, width: float, height: Callable[[float], float]) -> list[str]:
    """Steps, and the area below them; a new one after each gap."""
    parts = []
    for known, run in groupby(curve, key=lambda part: part[2] is not None):
        if not known:
            continue
        points = []
        for begin, end, rate in run:
            points += [(left + width * begin, height(rate or 0.0)), (left + width * end, height(rate or 0.0))]
        steps = " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        bottom = height(0.0)
        area = f"M{points[0][0]:.1f} {bottom:.1f} L{steps} L{points[-1][0]:.1f} {bottom:.1f} Z"
        parts += [f'<path class="area" d="{area}"/>', f'<path class="line" d="M{steps}"/>']
    return parts


def _line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    return f'<line class="{style}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, text: str, style: str, anchor: str = "start") -> str:
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
