"""Samples and measurements from lines of JSON."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path
from typing import BinaryIO

from hotfix.adapters.buckets import Buckets
from hotfix.adapters.json_lines.command import printed_lines
from hotfix.adapters.json_lines.entry import Entry, reader
from hotfix.adapters.json_lines.log_file import DISORDER_SECONDS, first_time, lines_between
from hotfix.domain.errors import HotfixError
from hotfix.domain.service import JsonLines
from hotfix.domain.stability import Measurement, Sample

# A line that cannot be read may be the failed request. With more of them nothing is known.
MOST_UNREADABLE = 0.1


class JsonLinesSource:
    """A file on this machine, and ``<file>.1`` where the window begins before it; or what a command prints."""

    def __init__(self, profile: JsonLines, counts: Callable[[str], bool]) -> None:
        """``counts`` says whether a request for a path is one of the service's users."""
        self._profile = profile
        self._counts = counts
        self._read = reader(metric.name for metric in profile.metrics)
        self._last: tuple[tuple[datetime, datetime], list[bytes]] | None = None

    def samples(self, since: datetime, until: datetime) -> tuple[Sample, ...]:
        """Requests second by second, and samples as they are written.

        Raises:
            HotfixError: there is no such file or command, or what it says cannot be read.
        """
        if not self._profile.requests:
            return ()
        buckets = Buckets(since)
        summed_up = []
        for entry in self._between(since, until):
            if entry.request and self._counts(entry.request.path):
                buckets.add(entry.t, entry.request.failed, entry.request.milliseconds)
            if entry.sums:
                sums, at = entry.sums, datetime.fromtimestamp(entry.t, timezone.utc)
                summed_up.append(
                    Sample(at=at, requests=sums.requests, errors=sums.errors, latencies_ms=sums.latencies_ms)
                )
        return tuple(sorted([*buckets.samples(), *summed_up], key=lambda sample: sample.at))

    def measurements(self, since: datetime, until: datetime) -> tuple[Measurement, ...]:
        """As ``samples``; a metric that no line names was not measured at all."""
        if not self._profile.metrics:
            return ()
        found = [
            Measurement(at=datetime.fromtimestamp(entry.t, timezone.utc), metric=name, value=value)
            for entry in self._between(since, until)
            for name, value in entry.metrics.items()
        ]
        return tuple(sorted(found, key=lambda each: (each.at, each.metric)))

    def _between(self, since: datetime, until: datetime) -> Iterator[Entry]:
        start, end = since.timestamp(), until.timestamp()
        readable = unreadable = 0
        with ExitStack() as stack:
            lines = self._printed(since, until) if self._profile.command else self._written(start, end, stack)
            for entry in lines:
                readable += entry is not None
                unreadable += entry is None
                if entry is not None and start <= entry.t < end:
                    yield entry
        if unreadable > MOST_UNREADABLE * (readable + unreadable):
            which = "None" if not readable else f"Only {readable}"
            raise HotfixError(
                f"{which} of the {readable + unreadable} lines of {self._name} between {since.isoformat()} and "
                f"{until.isoformat()} can be read.",
                "Every line must be a JSON object with the keys t (epoch seconds), path, status and ms; or with t, "
                "requests and errors; or with t and a metric's name.",
            )

    @property
    def _name(self) -> str:
        return self._profile.file or f"the command {(self._profile.command or ('',))[0]}"

    def _printed(self, since: datetime, until: datetime) -> Iterator[Entry | None]:
        # Samples and measurements of the same stretch are asked for one after the other: one run of it for both.
        if self._last is None or self._last[0] != (since, until):
            self._last = ((since, until), printed_lines(self._profile, since, until))
        return map(self._read, self._last[1])

    def _written(self, start: float, end: float, stack: ExitStack) -> Iterator[Entry | None]:
        assert self._profile.file is not None
        for file in self._files(Path(self._profile.file), start, stack):
            yield from lines_between(file, start, end, self._read)

    def _files(self, log: Path, start: float, stack: ExitStack) -> Iterator[BinaryIO]:
        """The rotated file where it is needed, then the log itself."""
        rotated = log.with_name(log.name + ".1")
        try:
            current = stack.enter_context(log.open("rb")) if log.exists() else None
            begins = first_time(current, self._read) if current else None
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
