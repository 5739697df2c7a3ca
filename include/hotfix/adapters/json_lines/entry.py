"""What one line of JSON tells: a request, a sample of many, values of metrics."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

# JSON as Python reads it knows integers beyond any float.
LARGEST = 1e15


@dataclass(frozen=True)
class Request:
    path: str
    failed: bool
    milliseconds: float


@dataclass(frozen=True)
class Sums:
    """Requests of a stretch of time that the writer has summed up; None: not measured."""

    requests: int | None
    errors: int | None
    latencies_ms: tuple[float, ...]


@dataclass(frozen=True)
class Entry:
    """One readable line; ``t`` in seconds since 1970."""

    t: float
    request: Request | None = None
    sums: Sums | None = None
    metrics: Mapping[str, float | None] = field(default_factory=dict)


Reader = Callable[[bytes], Entry | None]


def reader(metrics: Iterable[str]) -> Reader:
    """Reads a line; None when it is no JSON object with a time and something that this package knows.

    ``t`` with ``path``, ``status`` and ``ms`` is a request; with ``requests`` and ``errors`` (and, if it is there,
    ``latencies_ms``) a sample; a key with the name of a metric is its value. null and NaN were not measured.
    """
    names = frozenset(metrics)

    def read(line: bytes) -> Entry | None:
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            return None
        if not isinstance(found, dict) or not _is_number(found.get("t")):
            return None
        try:
            entry = Entry(float(found["t"]), _request(found), _sums(found), _metrics(found, names))
        except ValueError:
            return None
        return entry if entry.request or entry.sums or entry.metrics else None

    return read


def _request(found: Mapping[str, Any]) -> Request | None:
    if "path" not in found:
        return None
    if not isinstance(found["path"], str) or not all(_is_number(found.get(key)) for key in ("ms", "status")):
        raise ValueError("no request")
    return Request(found["path"], found["status"] >= 500 or found["status"] == 0, float(found["ms"]))


def _sums(found: Mapping[str, Any]) -> Sums | None:
    if "requests" not in found:
        return None
    requests, errors = _count(found["requests"]), _count(found.get("errors"))
    if requests is not None and errors is not None and errors > requests:
        raise ValueError("more errors than requests")
    latencies = found.get("latencies_ms") or ()
    if not isinstance(latencies, list | tuple) or not all(_is_number(each) or each is None for each in latencies):
        raise ValueError("no latencies")
    return Sums(requests, errors, tuple(float(each) for each in latencies if each is not None and each >= 0))


def _metrics(found: Mapping[str, Any], names: frozenset[str]) -> dict[str, float | None]:
    return {name: _measured(found[name]) for name in names & found.keys()}


def _count(value: object) -> int | None:
    number = _measured(value)
    if number is None:
        return None
    if number < 0 or number != int(number):
        raise ValueError("no count")
    return int(number)


def _measured(value: object) -> float | None:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if not _is_number(value):
        raise ValueError("no number")
    assert isinstance(value, int | float)
    return float(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST
