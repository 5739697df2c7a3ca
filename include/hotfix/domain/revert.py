"""A commit taken back piece by piece: edits of production's files that can be chosen one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher

# An aligned pair of lines is one replacement from this similarity on; below, they are a removal and an insertion.
SIMILAR = 0.5
# Blocks with more pairs of lines than this are not aligned: the first lines of both sides are paired.
ALIGNED_PAIRS = 4_000

Lines = tuple[bytes, ...]


@dataclass(frozen=True)
class FileState:
    """A file's bytes and its git mode (``100644``, ``100755``, ``120000``)."""

    content: bytes
    mode: str


@dataclass(frozen=True)
class LineEdit:
    """Lines ``start`` … ``end`` - 1 (from 0) of ``path``, which are ``old``, become ``new``. Line ends included."""

    path: str
    header: str
    start: int
    old: Lines
    new: Lines

    @property
    def end(self) -> int:
        return self.start + len(self.old)

    @property
    def lines(self) -> int:
        return len(self.old) + len(self.new)

    @property
    def whole_file(self) -> bool:
        return False


@dataclass(frozen=True)
class FileEdit:
    """A whole file becomes something else: ``path`` (None: it is new) becomes ``new_path`` (None: it goes).

    ``content`` and ``mode`` None: as they are.
    """

    path: str | None
    header: str
    new_path: str | None
    content: bytes | None
    mode: str | None
    lines: int

    @property
    def whole_file(self) -> bool:
        return True


Edit = LineEdit | FileEdit


@dataclass(frozen=True)
class Conflict:
    """A hunk of the reverse patch that has no place in production's version."""

    path: str
    header: str
    why: str

    def __str__(self) -> str:
        return f"{self.path} {self.header}: {self.why}"


@dataclass(frozen=True)
class ReversePatch:
    """What takes a commit back at ``production``. ``files`` holds the state there of every file that may change.

    ``loose`` is another way, for when ``edits`` do not suffice: in functions where a hunk conflicts, everything goes
    back to what it was before the culprit, with what was changed there since. Empty when there is no such function.
    """

    culprit: str
    production: str
    edits: tuple[Edit, ...]
    conflicts: tuple[Conflict, ...]
    loose: tuple[Edit, ...]
    files: Mapping[str, FileState]

    def result(self, edits: Iterable[Edit]) -> dict[str, FileState | None]:
        """The files that differ from production's after ``edits`` (some of ours, any order); None: it is gone."""
        chosen = list(edits)
        touched = {edit.path for edit in chosen if edit.path is not None}
        after: dict[str, FileState | None] = {path: self.files[path] for path in touched}
        for path in touched:
            lines = [edit for edit in chosen if isinstance(edit, LineEdit) and edit.path == path]
            state = self.files[path]
            after[path] = FileState(edited(state.content, lines), state.mode)
        for edit in chosen:
            if isinstance(edit, FileEdit):
                before = after[edit.path] if edit.path is not None else None
                if edit.path is not None and edit.new_path != edit.path:
                    after[edit.path] = None
                if edit.new_path is not None:
                    content = edit.content if edit.content is not None else before.content if before else b""
                    mode = edit.mode or (before.mode if before else "100644")
                    after[edit.new_path] = FileState(content, mode)
        return {path: state for path, state in after.items() if state != self.files.get(path)}


def split_lines(content: bytes) -> list[bytes]:
    """Lines with their ends, as git counts them: only LF ends a line."""
    parts = content.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def edited(content: bytes, edits: Iterable[LineEdit]) -> bytes:
    """``content`` after ``edits``, none of which overlap. Two insertions at one place keep the order of the edits."""
    lines = split_lines(content)
    ending = b"\r\n" if content.count(b"\r\n") * 2 > content.count(b"\n") else b"\n"
    out: list[bytes] = []
    position = 0
    # What is put in at a place goes before what stands there is replaced.
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        out += lines[position : edit.start]
        out += edit.new
        position = edit.end
    out += lines[position:]
    # A last line without an end may have lines behind it now.
    return b"".join(line if line.endswith(b"\n") else line + ending for line in out[:-1]) + (out[-1] if out else b"")


def pieces(edit: LineEdit) -> tuple[LineEdit, ...]:
    """``edit`` in its smallest parts: each replaces one line, removes one or inserts one; together they are ``edit``.

    Lines of the two sides are paired in order so that the pairs are as similar as possible.
    """
    found = []
    place = edit.start

    def add(old: Lines, new: Lines) -> None:
        nonlocal place
        found.append(LineEdit(edit.path, edit.header, place, old, new))
        place += len(old)

    done_old = done_new = 0
    for paired_old, paired_new in [*_pairs(edit.old, edit.new), (len(edit.old), len(edit.new))]:
        for line in edit.old[done_old:paired_old]:
            add((line,), ())
        for line in edit.new[done_new:paired_new]:
            add((), (line,))
        if paired_old < len(edit.old):
            add((edit.old[paired_old],), (edit.new[paired_new],))
        done_old, done_new = paired_old + 1, paired_new + 1
    return tuple(found)


def _pairs(old: Lines, new: Lines) -> list[tuple[int, int]]:
    """Positions of paired lines, rising on both sides: the alignment with the greatest sum of similarities."""
    if not old or not new:
        return []
    if len(old) * len(new) > ALIGNED_PAIRS:
        return [(position, position) for position in range(min(len(old), len(new)))]
    similarity = [[_similarity(one, other) for other in new] for one in old]
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i in range(len(old) - 1, -1, -1):
        for j in range(len(new) - 1, -1, -1):
            best[i][j] = max(best[i + 1][j], best[i][j + 1], similarity[i][j] + best[i + 1][j + 1])
    pairs = []
    i = j = 0
    while i < len(old) and j < len(new):
        if similarity[i][j] > 0 and best[i][j] == similarity[i][j] + best[i + 1][j + 1]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def _similarity(one: bytes, other: bytes) -> float:
    """0 … 1; 0 below ``SIMILAR``, and for lines without content."""
    if not one.strip() or not other.strip():
        return 0.0
    texts = (one.decode("latin-1").strip(), other.decode("latin-1").strip())
    ratio = SequenceMatcher(None, *texts, autojunk=False).ratio()
    return ratio if ratio >= SIMILAR else 0.0
