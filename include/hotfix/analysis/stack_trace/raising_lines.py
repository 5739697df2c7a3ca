"""Which lines of the repository raise an error of which only the text is known."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from hotfix.analysis.stack_trace.error_texts import error_texts
from hotfix.analysis.stack_trace.frame import Frame
from hotfix.analysis.stack_trace.names_in_use import names_in_use

# Lines of the repository that contain one of the fixed texts: path, line from 1, and the line itself.
Grep = Callable[[Sequence[str]], Iterable[tuple[str, int, str]]]

FRAMES_GIVEN = 10
# A name that stands in more lines than this says nothing.
USES_GIVEN = 5
PAIRS_PER_TEXT = 6
SHORTEST_LITERAL = 3
HITS_READ = 20_000
# Longer lines are generated or minified: nobody fixes them.
LINE_LENGTH_READ = 400
# A literal produces a message when its fixed parts are this share of it, or more than a coincidence on their own:
# a message may carry a long path or a whole record.
SHARE_OF_TEXT = 0.5
LENGTH_OF_ITS_OWN = 16
WORDS_OF_ITS_OWN = 3
# Beside the best literal, those that explain nearly as much: the same message may be raised in several places.
NEARLY = 0.8

_WORD = re.compile(r"[^\W\d_]+")
# A look-ahead, so that pairs may overlap.
_PAIR = re.compile(r"(?<![^\W\d_])[^\W\d_]{1,60}(?=[^\w\s]{0,2} ([^\W\d_]{1,60}))")
_LITERALS = {quote: re.compile(rf"{quote}((?:[^{quote}\\]|\\.)*){quote}") for quote in ('"', "'", "`")}
# Anything that the program puts a value in for: ${x}, #{x}, %{x}, {x}, %(x)s, %-5.2f, %1$s, $x, and escapes that
# are no plain character.
_VARIABLE = re.compile(
    r"[$#%]?\{[^{}]*\}|%(?:\(\w+\)|\d\$)?[-+#0]{0,3}\d{0,4}(?:\.\d{1,4})?[a-zA-Z@]|\$\w+|\\[xuU][0-9A-Fa-f{}]+|\\[ntr0]"
)
_COMMENT = re.compile(r"\s*(?:#(?!\[)|//|/?\*|--|;|<!--)")
_RAISES = re.compile(
    r"\b(?:raise|throw|panicf?|fail|abort|die|bail|ensure|require|check|reject|exit|Errorf?|errors?\.New|"
    r"expect|assert|fatalf?|\w*(?:Error|Exception))\b",
    re.IGNORECASE,
)
_PROSE = (".md", ".rst", ".txt", ".adoc", ".po", ".pot", ".lock", ".csv", ".log", ".map", ".svg", ".html")
_TEST = re.compile(
    r"(?:^|/)(?:tests?|specs?|__tests__|fixtures?|testdata)/|(?:^|/)(?:test_|conftest)|[._-](?:test|spec)s?\.\w+$"
)


def raising_lines(text: str, grep: Grep) -> tuple[Frame, ...]:
    """The lines that raise the errors whose messages are in ``text``, the best explained first, each once.

    First those whose string literals produce a message: placeholders of formats and templates, and what stands
    between literals that are put together on one line, may be anything; lines that raise something go before lines
    that only have the text. Then those that use the name that a message of the language itself complains about
    (``x is not a function``), where few do. Tests come last; comments and prose are left out. ``grep`` is called at
    most once, with the longest pairs of words of the messages and those names. At most ``FRAMES_GIVEN``.
    """
    messages, uses = error_texts(text), names_in_use(text)
    pairs = dict.fromkeys(pair for message in messages for pair in _longest_pairs(message))
    if not pairs and not uses:
        return ()
    produced: dict[str, list[tuple[float, _Line]]] = {message: [] for message in messages}
    used: dict[str, list[_Line]] = {use: [] for use in uses}
    for path, number, source in islice(grep((*pairs, *uses)), HITS_READ):
        if len(source) > LINE_LENGTH_READ or path.endswith(_PROSE) or _COMMENT.match(source):
            continue
        line = _Line(path, number, source)
        patterns = [_fixed_parts(literal.findall(source)) for quote, literal in _LITERALS.items() if quote in source]
        for message, hits in produced.items():
            if share := max((_share(pattern, message) for pattern in patterns), default=0):
                hits.append((share, line))
        for use in uses:
            if _uses(source, use):
                used[use].append(line)
    ranks: dict[_Line, tuple[bool, bool, bool, float]] = {}
    for hits in produced.values():
        best = max((share for share, _ in hits), default=0)
        for share, line in hits:
            if share >= best * NEARLY:
                rank = (line.in_test, False, _RAISES.search(line.source) is None, -share)
                ranks[line] = min(rank, ranks.get(line, rank))
    for lines in used.values():
        if sum(not line.in_test for line in lines) <= USES_GIVEN:
            for line in lines:
                ranks.setdefault(line, (line.in_test, True, False, 0.0))
    ranked = sorted(ranks, key=lambda line: (ranks[line], line.path, line.number))
    return tuple(Frame(line.path, line.number) for line in ranked[:FRAMES_GIVEN])


@dataclass(frozen=True)
class _Line:
    path: str
    number: int
    source: str

    @property
    def in_test(self) -> bool:
        return _TEST.search(self.path) is not None


def _uses(source: str, name: str) -> bool:
    """Whether ``name`` stands in ``source`` and not only as a part of a longer one."""
    begin = r"(?<!\w)" if name[0].isalnum() else ""
    end = r"(?!\w)" if name[-1].isalnum() else ""
    return re.search(f"{begin}{re.escape(name)}{end}", source) is not None


def _longest_pairs(message: str) -> list[str]:
    """Neighbouring words as they stand in the message; single words stand in too many lines of any source."""
    pairs = {message[match.start() : match.end(1)] for match in _PAIR.finditer(message)}
    return sorted(pairs, key=lambda pair: (-len(pair), pair))[:PAIRS_PER_TEXT]


def _fixed_parts(literals: Iterable[str]) -> list[list[str]]:
    """Of each literal the texts between its variables."""
    found = []
    for literal in literals:
        plain = literal.replace("{{", "\0").replace("}}", "\1").replace("%%", "\2")
        parts = (re.sub(r"\\(.)", r"\1", part) for part in _VARIABLE.split(plain))
        fixed = [part.replace("\0", "{").replace("\1", "}").replace("\2", "%") for part in parts if part.strip()]
        # A comma or a key of one letter stands in every message.
        if sum(len(part) for part in fixed) >= SHORTEST_LITERAL:
            found.append(fixed)
    return found


def _share(literals: list[list[str]], message: str) -> float:
    """The part of ``message`` that the literals of a line produce in their order, 0 to 1; 0 when it is too little."""
    at = 0
    length = words = 0
    for parts in literals:
        end, explained = at, 0
        for part in parts:
            start = message.find(part, end)
            # The spaces at the end of a message are lost in a log.
            if start < 0 and (start := message.find(part.strip(), end)) >= 0:
                part = part.strip()
            if start < 0:
                break
            end = start + len(part)
            explained += len(part)
        else:
            at, length = end, length + explained
            words += sum(len(_WORD.findall(part)) for part in parts)
    share = min(1.0, length / len(message))
    return share if share >= SHARE_OF_TEXT or (length >= LENGTH_OF_ITS_OWN and words >= WORDS_OF_ITS_OWN) else 0.0
