"""Words of code and of prose, made comparable."""

from __future__ import annotations

import re
from functools import lru_cache

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{2,}")
_PART = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
# Words that every program and every message has.
_COMMON = frozenset(
    re.findall(
        r"\w+",
        "the and for with that this from not are was def self cls return import none true false class else elif raise "
        "except try assert pass lambda yield async await test tests should when have has will can all any use used add "
        "added fix fixes fixed remove removed update make now isinstance print str int len list dict tuple type object "
        "value name function var let const new null void public private static final func error exception",
    )
)


def words(text: str) -> list[str]:
    """Identifiers and their parts, in lower case and without endings: ``chop_cells`` → chop_cells, chop, cell."""
    return [word for token in _WORD.findall(text) for word in _forms(token)]


@lru_cache(maxsize=65536)
def _forms(token: str) -> tuple[str, ...]:
    whole = token.lower().strip("_")
    parts = [_stem(part.lower()) for part in _PART.findall(token)]
    found = [whole, *parts] if len(parts) > 1 else [_stem(whole)]
    return tuple(word for word in found if len(word) > 2 and word not in _COMMON)


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word.removesuffix(ending)
    return word


def telling(line: str) -> str:
    """What a line of code does, whatever its form: without spaces, quotes' kind, annotations, and comments.

    Empty when half the files of a project have it.
    """
    # Looked for before anything is replaced: this is done for every line of a history.
    bare = _COMMENT.sub("", line) if "#" in line or "//" in line else line
    squeezed = "".join(bare.split()).replace("'", '"').rstrip(",")
    if 'u"' in squeezed or 'U"' in squeezed:
        squeezed = _PREFIX.sub('"', squeezed)
    if ":" in squeezed and "=" in squeezed:
        squeezed = _ANNOTATION.sub(r"\1=", squeezed)
    return squeezed if len(squeezed) >= 7 and _WORD.search(squeezed) and squeezed not in _IDLE else ""


_COMMENT = re.compile(r"(?:^|\s)(?:#|//)\s.*$")
_ANNOTATION = re.compile(r"^([\w.]+):[^=()]+=(?!=)")
_PREFIX = re.compile(r'\b[uU]"')
_IDLE = frozenset({"returnNone", "returnself", "returnTrue", "returnFalse", "continue"})
