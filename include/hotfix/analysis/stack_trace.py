"""Stack traces as places in the repository."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

# Python's own form, then the ``path:line`` that most other languages and tools print.
_FRAMES = (
    re.compile(r'File "(?P<path>[^"]+)", line (?P<line>\d+)'),
    re.compile(r"(?P<path>[\w./@+-]+\.\w{1,5}):(?P<line>\d+)"),
)
_FOREIGN = ("site-packages/", "dist-packages/", "node_modules/", "vendor/", "/lib/python")


@dataclass(frozen=True)
class Frame:
    """A line (from 1) of a file of the repository."""

    path: str
    line: int


def frames(trace: str, files: Collection[str]) -> tuple[Frame, ...]:
    """The trace's frames that are files of the repository, innermost first, each once.

    Deployed paths have prefixes of their own (``/srv/app/releases/…/shop/pricing.py``): the longest suffix that is
    a file of the repository is taken.
    """
    found: dict[Frame, None] = {}
    for text_line in reversed(trace.splitlines()):
        for pattern in _FRAMES:
            if (match := pattern.search(text_line)) is None:
                continue
            path = match.group("path")
            if not any(part in path for part in _FOREIGN) and (known := _in_repository(path, files)):
                found[Frame(known, int(match.group("line")))] = None
            break
    return tuple(found)


def _in_repository(path: str, files: Collection[str]) -> str | None:
    parts = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".")]
    for start in range(len(parts)):
        if (suffix := "/".join(parts[start:])) in files:
            return suffix
    return None
