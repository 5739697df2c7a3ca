"""Samples from production's own access log."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from hotfix.adapters.http_monitoring.buckets import Buckets
from hotfix.adapters.http_monitoring.log_file import DISORDER_SECONDS, first_time, lines_between
from hotfix.domain.errors import HotfixError
from hotfix.domain.stability import Sample


def read_samples(log: Path, since: datetime, until: datetime, counts: Callable[[str], bool]) -> tuple[Sample, ...]:
    """What ``log``, and ``<log>.1`` where the window begins before it, say about paths that ``counts``.

    Unreadable lines are left out as long as others can be read.

    Raises:
        HotfixError: there is no log, or nothing in it around the window can be read.
    """
    start, end = since.timestamp(), until.timestamp()
    buckets = Buckets(since)
    readable = unreadable = 0
    with ExitStack() as stack:
        for file in _files(log, start, stack):
            for entry in lines_between(file, start, end):
                if entry is None:
                    unreadable += 1
                    continue
                readable += 1
                if start <= entry["t"] < end and counts(entry["path"]):
                    failed = entry["status"] >= 500 or entry["status"] == 0
                    buckets.add(float(entry["t"]), failed, float(entry["ms"]))
    if unreadable and not readable:
        raise HotfixError(
            f"None of the {unreadable} lines of {log} between {since.isoformat()} and {until.isoformat()} can be read.",
            "Every line must be a JSON object with the keys t (epoch seconds), path, status and ms.",
        )
    return buckets.samples()


def _files(log: Path, start: float, stack: ExitStack) -> Iterator[BinaryIO]:
    """The rotated file where it is needed, then the log itself."""
    rotated = log.with_name(log.name + ".1")
    try:
        current = stack.enter_context(log.open("rb")) if log.exists() else None
        begins = first_time(current) if current else None
        older = None
        if (begins is None or start < begins + DISORDER_SECONDS) and rotated.exists():
            older = stack.enter_context(rotated.open("rb"))
    except OSError as error:
        raise HotfixError(
            f"The access log {log} cannot be opened: {error.strerror}.",
            "Make it readable to the user that runs the workflow.",
        ) from error
    if current is None and older is None:
        raise HotfixError(
            f"There is no access log {log}.",
            "Correct monitoring.access_log in the service's profile, or start the service's logging.",
        )
    # Rotated between the two calls above, both are the same file.
    if older and not (current and os.path.sameopenfile(older.fileno(), current.fileno())):
        yield older
    if current:
        yield current
