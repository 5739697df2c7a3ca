"""Stack traces as places in the repository: the root exception first, innermost frame first."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from hotfix.analysis.stack_trace.frame import Frame
from hotfix.analysis.stack_trace.log_text import lines_of
from hotfix.analysis.stack_trace.places import Place, place_of
from hotfix.analysis.stack_trace.repository_files import Agreement, RepositoryFiles

_MOST_RECENT_LAST = "Traceback (most recent call last):"
_PYTHON_CHAIN = re.compile(
    r"[\s|]*(?:The above exception was the direct cause of|During handling of the above exception, another)"
)
_PYTEST_HEADING = re.compile(r"_{3,} \S.* _{3,}$")
_SUPPRESSED = "Suppressed: "
_CAUSED_BY = re.compile(r"\s*Caused by: \S")
_SCRIPT_CAUSE = re.compile(r"\s*\[(?:cause|errors)\]: ")
# What begins another trace where the one above it has ended without saying so.
_NEW_TRACE = re.compile(
    r"(?:Exception in thread |Unhandled |Uncaught |Wrapped by: |goroutine \d|panic: |fatal error: |thread '|"
    r"[A-Za-z_][\w.$]*(?:Error|Exception)\b)"
)


def frames(trace: str, files: Collection[str]) -> tuple[Frame, ...]:
    """The places in the trace that are files of the repository, each once.

    Innermost first, whatever the language's own order is; of chained exceptions the root exception first, those that
    were merely suppressed last; of several traces the first one first. Installed packages and standard libraries are
    left out. Deployed paths have prefixes of their own (``/srv/app/releases/…/shop/pricing.py``): the file with the
    longest end in common is taken, and none where several have the same, since a wrong place is worse than none.
    """
    places = [place for place in _ordered(_blocks(lines_of(trace))) if place.path and place.line != 0]
    repository = RepositoryFiles(files, {place.path.rpartition("/")[2] for place in places})
    resolved: dict[tuple[str, Agreement], str | None] = {}
    found: dict[tuple[str, int], Frame] = {}
    for place in places:
        key = (place.path, place.agreement)
        if key not in resolved:
            resolved[key] = repository.find(*key)
        if (path := resolved[key]) is None:
            continue
        frame = Frame(path, place.line or 1, place.function, line_known=place.line is not None)
        known = found.get((frame.path, frame.line))
        if known is None or (frame.line_known, bool(frame.function)) > (known.line_known, bool(known.function)):
            found[frame.path, frame.line] = frame
    return tuple(found.values())


@dataclass
class _Block:
    """The frames of one exception, as printed. ``depth``: how many printed above it came of it."""

    depth: int = 0
    last: bool = False
    suppressed: bool = False
    places: list[Place] = field(default_factory=list)


def _blocks(lines: list[str]) -> Iterator[_Block]:
    block = _Block()
    before = ""
    suppressed_indent = 0
    for line in lines:
        if (opened := _opened_by(line, block, suppressed_indent)) is not None:
            yield block
            block = opened
            suppressed_indent = _indent(line) if line.lstrip().startswith(_SUPPRESSED) else suppressed_indent
        if (place := place_of(line, before)) is not None:
            if block.places and place.last is not None and place.last != block.last:
                yield block
                block = _Block()
            elif block.places and place.names_error and not block.last:
                # Ruby prints the cause below, without a word in between.
                yield block
                block = _Block(depth=block.depth + 1 if before.lstrip().startswith("from ") else 0)
            if not block.places and place.last is not None:
                block.last = place.last
            block.places.append(place)
            if place.names_error and block.last:
                yield block
                block = _Block(depth=block.depth, last=True)
        before = line
    yield block


def _opened_by(line: str, block: _Block, suppressed_indent: int) -> _Block | None:
    """The block that begins with ``line``, which says how it belongs to ``block`` above it."""
    if _MOST_RECENT_LAST in line:
        # Python's groups stand in margins, "  | ", and each level of them is two characters deeper.
        return _Block(depth=max(0, len(line) - len(line.lstrip(" |+")) - 4) // 2, last=True)
    if _PYTHON_CHAIN.match(line) or _PYTEST_HEADING.match(line):
        return _Block(depth=block.depth)
    if line.lstrip().startswith(_SUPPRESSED):
        return _Block(depth=block.depth, suppressed=True)
    if _CAUSED_BY.match(line):
        return _Block(depth=block.depth + 1, suppressed=block.suppressed and _indent(line) >= suppressed_indent)
    if _SCRIPT_CAUSE.match(line):
        return _Block(depth=block.depth + 1)
    if block.places and _NEW_TRACE.match(line):
        return _Block()
    return None


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _ordered(blocks: Iterable[_Block]) -> Iterator[Place]:
    """Causes before what they caused; suppressed exceptions behind the rest of their trace."""
    pending: list[_Block] = []
    suppressed: list[_Block] = []
    late: list[_Block] = []
    for block in blocks:
        stack = suppressed if block.suppressed else pending
        while stack and stack[-1].depth >= block.depth:
            done = stack.pop()
            if block.suppressed:
                late.append(done)
            else:
                yield from _innermost_first(done)
        if block.depth == 0 and not block.suppressed:
            for done in (*late, *reversed(suppressed)):
                yield from _innermost_first(done)
            late, suppressed = [], []
        stack.append(block)
    for done in (*reversed(pending), *late, *reversed(suppressed)):
        yield from _innermost_first(done)


def _innermost_first(block: _Block) -> Iterable[Place]:
    return reversed(block.places) if block.last else block.places
