"""A stack trace as the program printed it, taken out of what a log made of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

# No trace that a person pastes is longer. What lies beyond is not read, so that a hostile text costs no time.
LINES_READ = 20_000
LINE_LENGTH_READ = 1_000
TEXT_LENGTH_READ = 2_000_000
# A JSON line in a JSON line (a container's log of a structured log) is common, more is not.
JSON_LEVELS = 3
PREFIXES = 6

# With the escape character, and without it, as it is after a copy from a terminal or a log viewer.
_COLOUR = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]|\[(?:\d{1,3};){0,4}\d{1,3}m|\[m")
_TIME = r"\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
_PREFIX = re.compile(
    "|".join(
        (
            rf"\[?\d{{4}}[-/]\d\d[-/]\d\d[T ]{_TIME}(?: ?UTC)?\]?",
            rf"\[?{_TIME}\]?",
            # syslog and journald: month, day, time, host, unit.
            r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S{1,80} [\w./-]{1,80}(?:\[\d{1,9}\])?:",
            r"(?:stdout|stderr) [FP](?= )",
            r"\[(?!cause\]|errors\])(?:[\w.-]{1,80}/){0,4}[\w.-]{1,80}\]",
            r"[\w.-]{1,80}\[[\w.-]{1,80}\]:",
            r"(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|SEVERE|FATAL)(?= )",
            r"[\w.-]{1,80} *\|",
        )
    )
)
# Where a trace that was put on one line is to be cut: before each frame.
_ON_ONE_LINE = re.compile(
    r"(?<=\S)(?<!panicked)\s+(?="
    r"at (?:async |new )?[^\s()]{1,300} ?(?:\[as \w{1,80}\] )?\([^()]{0,300}\)|"
    r"at (?:async )?[^\s()]{1,300}:\d{1,7}:\d{1,7}|"
    r'File "[^"]{1,300}", line \d)'
)
# Not "stderr", a level, a time or an id, which would stand between the lines of the trace.
_MAY_TELL = re.compile(r"\s|@|\.\w{1,5}:\d")
# Not every backslash before an n: C:\new\shop.py has one, too.
_ESCAPED_BREAK = re.compile(r"\\n(?=(?:\\t| ){0,40}(?:at |File |from |Caused by|Traceback |goroutine ))|\\n\\t")


def lines_of(text: str) -> list[str]:
    """The trace's own lines, with their indentation.

    Strings of JSON logs are opened, colours, time stamps, the names of pods and containers and log levels are taken
    off, and a trace that was put on one line is cut into its frames. At most ``LINES_READ`` lines of
    ``LINE_LENGTH_READ`` characters.
    """
    found: list[str] = []
    for line in _unpacked(text[:TEXT_LENGTH_READ], JSON_LEVELS):
        plain = _without_prefixes(_COLOUR.sub("", line[:LINE_LENGTH_READ]).replace("\r", "").rstrip())
        found += _ON_ONE_LINE.split(plain) if " at " in plain or "File " in plain else [plain]
        if len(found) >= LINES_READ:
            break
    return found[:LINES_READ]


def _unpacked(text: str, levels: int) -> Iterator[str]:
    if levels and text.lstrip()[:1] in ("{", "[") and (strings := _strings_of_json(text, whole=True)) is not None:
        for string in strings:
            yield from _unpacked(string.removesuffix("\n"), levels - 1)
        return
    for line in re.split(r"\r\n|\n|\r", text):
        start = line.find("{") if levels else -1
        if start >= 0 and (strings := _strings_of_json(line[start:])) is not None:
            for string in (line[:start], *strings) if line[:start].strip() else strings:
                yield from _unpacked(string.removesuffix("\n"), levels - 1)
        elif "\\n" in line and _ESCAPED_BREAK.search(line, 0, 100 * LINE_LENGTH_READ):
            yield from _unescaped(line).split("\n")
        else:
            yield line


def _strings_of_json(text: str, whole: bool = False) -> list[str] | None:
    """The strings in it that may be of a trace, and what follows the document; None when it is none.

    ``whole``: nothing may follow.
    """
    if '"' not in text:
        return None
    text = text.lstrip()
    try:
        document, end = json.JSONDecoder(strict=False).raw_decode(text)
    except (ValueError, RecursionError):
        return None
    rest = text[end:].strip()
    if whole and rest:
        return None
    found: list[str] = []
    left: list[Any] = [document]
    while left:
        value = left.pop()
        if isinstance(value, str):
            if _MAY_TELL.search(value):
                found.append(value)
        elif isinstance(value, list):
            left += reversed(value)
        elif isinstance(value, dict):
            left += reversed(value.values())
    return [*found, rest] if rest else found


def _unescaped(line: str) -> str:
    """What a string literal with a trace in it says, where the JSON around it is cut off or none."""
    for escaped, plain in (("\\r\\n", "\n"), ("\\n", "\n"), ("\\t", "\t"), ('\\"', '"'), ("\\\\", "\\")):
        line = line.replace(escaped, plain)
    return line


def _without_prefixes(line: str) -> str:
    for _ in range(PREFIXES):
        match = _PREFIX.match(line)
        if match is None or match.end() == len(line):
            return line
        # One space belongs to the prefix; the others are the trace's own indentation.
        line = line[match.end() :].removeprefix(" ")
    return line
