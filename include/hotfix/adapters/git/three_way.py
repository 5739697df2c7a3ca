"""A commit's reverse patch, each hunk placed on its own in a later version of the files.

Where ``git revert`` stops at the first hunk that conflicts, the others are still good. A hunk is placed by a three-way
merge: it is the change from the culprit's version of a file to its parent's, and it is free where the change from the
culprit's version to production's leaves its lines alone. A hunk whose lines have moved elsewhere (to a renamed or a
split file) is looked for by its lines and the lines around them, and is placed where they stand exactly once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hotfix.adapters.git.command import git
from hotfix.domain.definitions import Definition, definitions, enclosing
from hotfix.domain.document import Sha
from hotfix.domain.revert import Conflict, Edit, FileEdit, FileState, LineEdit, Lines, ReversePatch, pieces, split_lines

# Lines around a hunk that are looked for together with it when it has moved; the most telling first.
CONTEXTS = (3, 2, 1, 0)
# So many characters (without spaces) must be found again for a place to be believed.
TELLING = 24
# Beyond these sizes moved lines are not looked for.
SEARCHED_FILES = 600
SEARCHED_BYTES = 2_000_000
_HUNK = re.compile(rb"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", re.MULTILINE)
_ABSENT = "000000"
_LINK, _SUBMODULE = "120000", "160000"


@dataclass(frozen=True)
class _Entry:
    """One line of ``git diff-tree --raw``; a path that is not there on a side is None."""

    old_mode: str
    new_mode: str
    old_blob: str
    new_blob: str
    old_path: str | None
    new_path: str | None


@dataclass(frozen=True)
class _Hunk:
    """Lines ``start`` … ``end`` - 1 (from 0) of one side, ``new_start`` … ``new_end`` - 1 of the other."""

    start: int
    end: int
    new_start: int
    new_end: int

    @property
    def growth(self) -> int:
        return (self.new_end - self.new_start) - (self.end - self.start)


def reverse_patch(mirror: Path, culprit: Sha, parent: Sha, production: Sha) -> ReversePatch:
    """The hunks that take ``culprit`` back to ``parent``, as edits of ``production``'s files.

    What production has already is neither an edit nor a conflict.

    Raises:
        GitFailed: a commit is not there.
    """
    return _Placing(mirror, culprit, parent, production).patch()


class _Placing:
    def __init__(self, mirror: Path, culprit: Sha, parent: Sha, production: Sha) -> None:
        self._mirror, self._culprit, self._parent, self._production = mirror, culprit, parent, production
        self._edits: list[Edit] = []
        self._conflicts: list[Conflict] = []
        self._loose: list[tuple[str, Definition, LineEdit]] = []
        self._files: dict[str, FileState] = {}
        self._tree: dict[str, tuple[str, str]] | None = None
        self._since: dict[str, str | None] | None = None
        self._searched: dict[str, list[bytes]] | None = None

    def patch(self) -> ReversePatch:
        for entry in self._entries(self._parent, self._culprit, "--find-renames"):
            self._take_back(entry)
        return ReversePatch(
            culprit=self._culprit,
            production=self._production,
            edits=tuple(self._edits),
            conflicts=tuple(self._conflicts),
            loose=self._with_loose(),
            files=self._files,
        )

    def _with_loose(self) -> tuple[Edit, ...]:
        """All edits, with whole functions instead of what is placed in functions that have changed since."""
        if not self._loose:
            return ()

        def replaced(edit: Edit) -> bool:
            return isinstance(edit, LineEdit) and any(
                edit.path == path and place.start <= edit.start and edit.end <= place.end
                for path, place, _ in self._loose
            )

        return (*(edit for edit in self._edits if not replaced(edit)), *(edit for _, _, edit in self._loose))

    def _take_back(self, entry: _Entry) -> None:
        here = self._now_at(entry.new_path) if entry.new_path is not None else None
        if _SUBMODULE in (entry.old_mode, entry.new_mode):
            self._conflict(entry, "a submodule is not taken back")
        elif entry.new_path is None:
            self._bring_back(entry)
        elif here is None:
            if entry.old_path is not None:
                self._lines(entry, None)
        elif entry.old_path is None:
            self._take_away(entry, here)
        else:
            self._lines(entry, here)
            if entry.old_mode != entry.new_mode and self._state(here).mode == entry.new_mode:
                header = f"mode {entry.new_mode} to {entry.old_mode}"
                self._whole(FileEdit(here, header, here, None, entry.old_mode, lines=1))
            if entry.old_path != entry.new_path and here == entry.new_path and entry.old_path not in self._paths():
                header = f"rename to {_shown(entry.old_path)}"
                self._whole(FileEdit(here, header, entry.old_path, None, None, lines=1))

    def _bring_back(self, entry: _Entry) -> None:
        assert entry.old_path is not None
        content = self._blob(entry.old_blob)
        if entry.old_path not in self._paths():
            lines = len(split_lines(content))
            self._whole(FileEdit(None, "deleted file comes back", entry.old_path, content, entry.old_mode, lines))
        elif self._state(entry.old_path).content != content:
            self._conflict(entry, "the file that was deleted is there again, with other content")

    def _take_away(self, entry: _Entry, here: str) -> None:
        content = self._state(here).content
        if content == self._blob(entry.new_blob):
            self._whole(FileEdit(here, "new file goes", None, None, None, len(split_lines(content))))
        else:
            self._conflict(entry, "the new file has been changed since")

    def _lines(self, entry: _Entry, here: str | None) -> None:
        """The content of a file that is there on both sides of the culprit."""
        if entry.old_blob == entry.new_blob:
            return
        old, new = self._blob(entry.old_blob), self._blob(entry.new_blob)
        if _LINK in (entry.old_mode, entry.new_mode) or b"\0" in old + new:
            self._binary(entry, here, old, new)
            return
        now = self._state(here).content if here is not None else b""
        ending = _ending(now) if here is not None else _ending(new)
        if _ending(new) != ending or _ending(old) != ending:
            old, new = _with_ending(old, ending), _with_ending(new, ending)
        before, after = split_lines(new), split_lines(old)
        backwards = self._hunks(new, old)
        if backwards is None:
            self._binary(entry, here, old, new)
            return
        since = self._hunks(new, now) if here is not None else None
        placed = self._by_definition(here, old, new, backwards, since)
        for hunk in backwards:
            if hunk in placed:
                continue
            header = _header(hunk)
            wanted = tuple(after[hunk.new_start : hunk.new_end])
            if here is None or since is None:
                self._elsewhere(entry, hunk, header, before, wanted)
                continue
            edit = LineEdit(here, header, hunk.start, tuple(before[hunk.start : hunk.end]), wanted)
            if not self._place(edit, since, split_lines(now)):
                self._elsewhere(entry, hunk, header, before, wanted)

    def _by_definition(
        self, here: str | None, old: bytes, new: bytes, backwards: Sequence[_Hunk], since: Sequence[_Hunk] | None
    ) -> set[_Hunk]:
        """Place the hunks of Python functions whose lines are not the same any more; the hunks that this settles.

        A function that differs only in its layout, or that stands in another file now, goes back to what it was
        before the culprit. For one that has really changed since, the same is kept as ``loose`` edits.
        """
        then, before = definitions(new), definitions(old)
        settled: set[_Hunk] = set()
        for name, one in then.items():
            inside = [hunk for hunk in backwards if enclosing({name: one}, hunk.start, hunk.end)]
            lost = [hunk for hunk in inside if since is None or _overlaps(hunk, since)]
            target = self._definition(here, name) if lost else None
            if target is None:
                continue
            path, place = target
            exact = place.tree == one.tree
            edits = self._whole_definition(path, place, old, before.get(name), inside)
            if exact and all(self._add(edit) for edit in edits):
                settled |= set(inside)
            elif not exact:
                self._loose += [(path, place, edit) for edit in edits]
        return settled

    def _definition(self, here: str | None, name: str) -> tuple[str, Definition] | None:
        if here is not None and (one := definitions(self._state(here).content).get(name)):
            return here, one
        found = [
            (path, one) for path, lines in self._haystack().items() if (one := definitions(b"".join(lines)).get(name))
        ]
        return found[0] if len(found) == 1 else None

    def _whole_definition(
        self, path: str, place: Definition, old: bytes, before: Definition | None, inside: Sequence[_Hunk]
    ) -> list[LineEdit]:
        """Edits that make production's definition at ``place`` the one ``before`` the culprit (None: take it away)."""
        now = split_lines(self._state(path).content)[place.start : place.end]
        wanted = split_lines(old)[before.start : before.end] if before else []
        first = before.start if before else 0
        edits = []
        for hunk in self._hunks(b"".join(now), b"".join(wanted)) or []:
            lines = range(first + hunk.new_start, first + hunk.new_end)
            near = (one for one in inside if one.new_start <= lines.stop and lines.start <= one.new_end)
            header = _header(next(near, None) or inside[0])
            start = place.start + hunk.start
            new = tuple(wanted[hunk.new_start : hunk.new_end])
            edits.append(LineEdit(path, header, start, tuple(now[hunk.start : hunk.end]), new))
        return edits

    def _place(self, edit: LineEdit, since: Sequence[_Hunk], now: list[bytes]) -> bool:
        """Place ``edit``, which is in the culprit's line numbers, or those of its lines that are free."""
        moved = _moved(edit, since)
        if moved is not None:
            return self._add(moved)
        if _is_there(edit, since, now):
            return True
        free = [piece for part in pieces(edit) if (piece := _moved(part, since)) is not None]
        # Only what replaces or removes: a line that is put in beside what has changed has no sure place.
        placed = [piece for piece in free if piece.old and self._add(piece)]
        if placed:
            why = f"{len(placed)} of its lines are free, the others have changed"
            self._conflicts.append(Conflict(_shown(edit.path), edit.header, why))
        return bool(placed)

    def _elsewhere(self, entry: _Entry, hunk: _Hunk, header: str, before: list[bytes], wanted: Lines) -> None:
        old = before[hunk.start : hunk.end]
        for context in CONTEXTS:
            head = before[max(0, hunk.start - context) : hunk.start]
            tail = before[hunk.end : hunk.end + context]
            sought = [*head, *old, *tail]
            if sum(len(b"".join(line.split())) for line in sought) < TELLING or (not old and not (head and tail)):
                continue
            places = list(self._find(sought))
            if len(places) == 1:
                path, at, indent = places[0]
                self._state(path)
                shifted = tuple(_indented(line, indent) for line in wanted)
                there = tuple(_indented(line, indent) for line in old)
                if self._add(LineEdit(path, header, at + len(head), there, shifted)):
                    return
            if len(places) > 1:
                break
        self._conflict(entry, "its lines have changed since", header)

    def _find(self, sought: list[bytes]) -> Iterator[tuple[str, int, int]]:
        """Where ``sought`` stands in production: path, line, and by how many spaces it is indented further."""
        bare = [line.strip() for line in sought]
        anchor = max(range(len(bare)), key=lambda position: len(bare[position]))
        for path, lines in self._haystack().items():
            for at, line in enumerate(lines):
                start = at - anchor
                if line.strip() != bare[anchor] or start < 0 or start + len(sought) > len(lines):
                    continue
                found = lines[start : start + len(sought)]
                pairs = zip(found, sought, strict=True)
                shifts = {_indent(one) - _indent(other) for one, other in pairs if one.strip()}
                if [one.strip() for one in found] == bare and len(shifts) == 1:
                    yield path, start, shifts.pop()

    def _haystack(self) -> dict[str, list[bytes]]:
        """Lines of the files that changed between the culprit and production, of the kinds that the culprit changed."""
        if self._searched is None:
            kinds = {
                PurePosixPath(path).suffix
                for entry in self._entries(self._parent, self._culprit, "--no-renames")
                if (path := entry.new_path or entry.old_path)
            }
            changed = [
                entry
                for entry in self._entries(self._culprit, self._production, "--no-renames")
                if entry.new_path is not None
                and PurePosixPath(entry.new_path).suffix in kinds
                and entry.new_mode not in (_SUBMODULE, _LINK)
            ]
            self._searched = {}
            for entry in changed[:SEARCHED_FILES]:
                assert entry.new_path is not None
                content = self._blob(entry.new_blob)
                if len(content) <= SEARCHED_BYTES and b"\0" not in content:
                    self._searched[entry.new_path] = split_lines(content)
        return self._searched

    def _binary(self, entry: _Entry, here: str | None, old: bytes, new: bytes) -> None:
        now = self._state(here).content if here is not None else None
        if here is not None and now == new:
            lines = max(1, len(split_lines(old)) + len(split_lines(new)))
            self._whole(FileEdit(here, "binary content", here, old, None, lines))
        elif now != old:
            self._conflict(entry, "the binary file has been changed since")

    def _whole(self, edit: FileEdit) -> None:
        if edit.path is not None:
            self._state(edit.path)
        self._edits.append(edit)

    def _add(self, edit: LineEdit) -> bool:
        """Whether ``edit`` stands where it says, apart from all others."""
        now = split_lines(self._state(edit.path).content)
        if tuple(now[edit.start : edit.end]) != edit.old:
            return False
        others = [other for other in self._edits if isinstance(other, LineEdit) and other.path == edit.path]
        if any(edit.start < other.end and other.start < edit.end for other in others):
            return False
        self._edits.append(edit)
        return True

    def _conflict(self, entry: _Entry, why: str, header: str = "whole file") -> None:
        path = entry.new_path or entry.old_path
        assert path is not None
        self._conflicts.append(Conflict(_shown(path), header, why))

    def _now_at(self, path: str) -> str | None:
        """Where the culprit's ``path`` is in production, following renames; None when it is gone."""
        if path in self._paths():
            return path
        if self._since is None:
            self._since = {
                entry.old_path: entry.new_path
                for entry in self._entries(self._culprit, self._production, "--find-renames")
                if entry.old_path is not None
            }
        return self._since.get(path)

    def _paths(self) -> dict[str, tuple[str, str]]:
        """Production's files: path → mode and blob."""
        if self._tree is None:
            listing = self._git("ls-tree", "-r", "-z", self._production).decode("utf-8", "surrogateescape")
            heads = (line.split("\t", 1) for line in listing.split("\0") if line)
            self._tree = {path: (head.split()[0], head.split()[2]) for head, path in heads}
        return self._tree

    def _state(self, path: str) -> FileState:
        if path not in self._files:
            mode, blob = self._paths()[path]
            self._files[path] = FileState(self._blob(blob), mode)
        return self._files[path]

    def _blob(self, blob: str) -> bytes:
        return self._git("cat-file", "blob", blob)

    def _hunks(self, one: bytes, other: bytes) -> list[_Hunk] | None:
        """What changes from ``one`` to ``other``; None when git takes them for binary."""
        ids = [self._git("hash-object", "-w", "--stdin", stdin=side).decode().strip() for side in (one, other)]
        if ids[0] == ids[1]:
            return []
        options = ("-U0", "--histogram", "--no-ext-diff", "--no-textconv", "--no-color", "--inter-hunk-context=0")
        diff = self._git("diff", *options, *ids)
        found = []
        for match in _HUNK.finditer(diff):
            start, length, new_start, new_length = (int(group) if group else 1 for group in match.groups())
            # An empty range names the line before it.
            first, new_first = start - (1 if length else 0), new_start - (1 if new_length else 0)
            found.append(_Hunk(first, first + length, new_first, new_first + new_length))
        return found if found else None

    def _entries(self, one: Sha, other: Sha, renames: str) -> list[_Entry]:
        raw = self._git("diff-tree", "-r", "-z", "--raw", "--full-index", renames, one, other)
        fields = iter(raw.decode("utf-8", "surrogateescape").split("\0"))
        found = []
        for head in fields:
            if not head:
                continue
            old_mode, new_mode, old_blob, new_blob, status = head.lstrip(":").split()
            path = next(fields)
            new_path = next(fields) if status[0] in "RC" else path
            found.append(
                _Entry(
                    old_mode, new_mode, old_blob, new_blob,
                    None if old_mode == _ABSENT else path,
                    None if new_mode == _ABSENT else new_path,
                )
            )  # fmt: skip
        return found

    def _git(self, *arguments: str, stdin: bytes | None = None) -> bytes:
        return git(arguments, cwd=self._mirror, stdin=stdin)


def _moved(edit: LineEdit, since: Sequence[_Hunk]) -> LineEdit | None:
    """``edit`` where its lines stand after the changes ``since``; None when they were changed, too."""
    if _overlaps(edit, since):
        return None
    shift = sum(hunk.growth for hunk in since if hunk.end <= edit.start)
    return LineEdit(edit.path, edit.header, edit.start + shift, edit.old, edit.new)


def _overlaps(lines: LineEdit | _Hunk, since: Sequence[_Hunk]) -> bool:
    """Whether any of the changes ``since`` reaches into ``lines``; one that only touches them does not."""
    return any(hunk.start < lines.end and lines.start < hunk.end for hunk in since)


def _is_there(edit: LineEdit, since: Sequence[_Hunk], now: list[bytes]) -> bool:
    """Whether production has what ``edit`` would bring, because somebody took it back by hand."""
    return any(
        (hunk.start, hunk.end) == (edit.start, edit.end) and tuple(now[hunk.new_start : hunk.new_end]) == edit.new
        for hunk in since
    )


def _ending(content: bytes) -> bytes:
    """CR LF where every line ends so, else LF."""
    ends = content.count(b"\n")
    return b"\r\n" if ends and content.count(b"\r\n") == ends else b"\n"


def _with_ending(content: bytes, ending: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n").replace(b"\n", ending)


def _indent(line: bytes) -> int:
    return len(line) - len(line.lstrip(b" "))


def _indented(line: bytes, spaces: int) -> bytes:
    if not line.strip() or spaces == 0:
        return line
    return b" " * spaces + line if spaces > 0 else line[min(-spaces, _indent(line)) :]


def _header(hunk: _Hunk) -> str:
    """As ``git diff -R -U0`` of the culprit prints it."""
    return f"@@ -{_range(hunk.start, hunk.end)} +{_range(hunk.new_start, hunk.new_end)} @@"


def _range(start: int, end: int) -> str:
    length = end - start
    first = start + 1 if length else start
    return str(first) if length == 1 else f"{first},{length}"


def _shown(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
