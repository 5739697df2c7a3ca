"""Times, durations and facts as people read them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from markupsafe import Markup, escape

# The units from the largest; a duration is told in two neighbouring ones.
_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def duration(span: timedelta) -> str:
    """``1 min 49 s``; a negative span counts as none."""
    left = max(0, round(span.total_seconds()))
    if left == 0:
        return "< 1 s"
    parts = []
    for unit, seconds in _UNITS:
        count, left = divmod(left, seconds)
        parts.append((count, unit))
    start = next(index for index, (count, _) in enumerate(parts) if count)
    return " ".join(f"{count} {unit}" for count, unit in parts[start : start + 2] if count)


def moment(at: datetime) -> Markup:
    """A UTC time to the minute, exact on hovering."""
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        at.isoformat(), f"{at:%Y-%m-%d %H:%M:%S} UTC", f"{at:%Y-%m-%d %H:%M}"
    )


def label(name: str) -> str:
    """``culprit_proved`` as ``Culprit proved``."""
    return name.replace("_", " ").capitalize()


def fact(value: str) -> Markup:
    """A fact's value; commit ids are shortened."""
    if re.fullmatch(r"[0-9a-f]{40}", value):
        return Markup('<code title="{}">{}</code>').format(value, value[:12])
    return escape(value)
