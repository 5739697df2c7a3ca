"""A changed file, before and after, as rules about the change itself need it."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

# Of a larger file the rules see the beginning.
READ_LIMIT = 2 * 1024 * 1024
# Characters. Patterns may take quadratic time, and a line may be a whole minified program that somebody made for it.
_PIECE, _OVERLAP = 500, 80


class Kind(str, Enum):
    FILE = "file"
    LINK = "link"
    SUBMODULE = "submodule"


@dataclass(frozen=True)
class Version:
    """One version of a file; of a link, ``content`` is where it leads. ``size`` in bytes."""

    kind: Kind
    content: bytes
    size: int
    executable: bool = False

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")

    @property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    @property
    def pieces(self) -> Iterator[tuple[int, str]]:
        """Lines with their numbers from 1; a long line comes in overlapping pieces."""
        for number, line in enumerate(self.lines, start=1):
            for start in range(0, max(len(line) - _OVERLAP, 1), _PIECE):
                yield number, line[start : start + _PIECE + _OVERLAP]

    @property
    def binary(self) -> bool:
        """As git sees it: a NUL byte near the beginning."""
        return b"\0" in self.content[:8000]


@dataclass(frozen=True)
class ChangedFile:
    """``before`` is None for an added file, ``after`` for a deleted one."""

    path: str
    before: Version | None
    after: Version | None

    @property
    def added_lines(self) -> list[tuple[int, str]]:
        """Lines (with their numbers from 1) that are in the new version more often than in the old one."""
        return _more_often(self.after, self.before)

    @property
    def removed_lines(self) -> list[tuple[int, str]]:
        """Lines (with their numbers from 1 in the old version) that the new version has less often."""
        return _more_often(self.before, self.after)


def read_version(checkout: Path, path: str) -> Version | None:
    """The version of ``path`` in a checkout, without following links; None where there is none."""
    place = checkout / path
    try:
        found = place.lstat()
        if stat.S_ISLNK(found.st_mode):
            target = str(place.readlink()).encode("utf-8", "surrogateescape")
            return Version(Kind.LINK, target, len(target))
        if stat.S_ISDIR(found.st_mode):
            return Version(Kind.SUBMODULE, b"", 0)
        # A parent that is a link would lead out of the checkout.
        if not place.resolve().is_relative_to(checkout.resolve()):
            return None
        with place.open("rb") as file:
            content = file.read(READ_LIMIT)
        return Version(Kind.FILE, content, found.st_size, bool(found.st_mode & stat.S_IXUSR))
    except (FileNotFoundError, NotADirectoryError):
        return None


def _more_often(one: Version | None, other: Version | None) -> list[tuple[int, str]]:
    if one is None or one.kind is not Kind.FILE or one.binary:
        return []
    left: dict[str, int] = {}
    for _, line in other.pieces if other and other.kind is Kind.FILE else ():
        left[line.strip()] = left.get(line.strip(), 0) + 1
    found = []
    for number, line in one.pieces:
        key = line.strip()
        if left.get(key, 0) > 0:
            left[key] -= 1
        elif key:
            found.append((number, line))
    return found
