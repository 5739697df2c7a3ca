"""Reading a stretch of a large log of JSON lines without reading all of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from hotfix.adapters.json_lines.entry import Entry, Reader

LINE_LIMIT_BYTES = 64 * 1024
NEAR_BYTES = 64 * 1024
# Workers write when a request ends, each for itself, so neighbouring lines may be this far out of order.
DISORDER_SECONDS = 30.0


def lines_between(file: BinaryIO, since: float, until: float, read: Reader) -> Iterator[Entry | None]:
    """Entries around [since, until), epoch seconds, in file order; None stands for an unreadable line.

    Some entries before and after are included. A last line without its end is still being written, and left out.
    """
    file.seek(_start(file, since - DISORDER_SECONDS, read))
    while line := file.readline(LINE_LIMIT_BYTES):
        entry = read(line)
        if entry is None:
            if line.endswith(b"\n") or len(line) == LINE_LIMIT_BYTES:
                yield None
            continue
        if entry.t >= until + DISORDER_SECONDS:
            return
        yield entry


def first_time(file: BinaryIO, read: Reader) -> float | None:
    """When the first readable entry was written, epoch seconds."""
    found = _next_entry(file, 0, LINE_LIMIT_BYTES, read)
    return found[1] if found else None


def _start(file: BinaryIO, since: float, read: Reader) -> int:
    """The offset of a line before which all is older than ``since``: entries are nearly in order, so halve."""
    low, high = 0, file.seek(0, 2)
    while high - low > NEAR_BYTES:
        middle = (low + high) // 2
        found = _next_entry(file, middle, high, read)
        if found is not None and found[1] < since:
            low = found[0]
        else:
            high = middle
    return low


def _next_entry(file: BinaryIO, start: int, end: int, read: Reader) -> tuple[int, float] | None:
    """Offset and time of the first readable entry that begins in (start, end), or at 0."""
    file.seek(start)
    if start:
        file.readline(LINE_LIMIT_BYTES)
    while (offset := file.tell()) < end:
        line = file.readline(LINE_LIMIT_BYTES)
        if not line:
            return None
        entry = read(line)
        if entry is not None:
            return offset, entry.t
    return None
