"""Foreign text inside Markdown, so that it stays text."""

from __future__ import annotations

import re

CELL_LIMIT = 300


def fenced(text: str, language: str = "") -> str:
    """A code block that nothing in ``text`` can close."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def one_line(value: str) -> str:
    """For a table cell or a heading: no line breaks, no bars, at most ``CELL_LIMIT`` characters."""
    return value.replace("|", "\\|").replace("\n", " ")[:CELL_LIMIT]


def quoted(text: str) -> str:
    """A block quote: what somebody said."""
    return "\n".join(f"> {line}" for line in text.splitlines())
