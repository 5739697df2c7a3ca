"""The messages of the errors that a trace, a log or a description tells of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from hotfix.analysis.stack_trace.log_text import lines_of

TEXTS_READ = 6
TEXT_LENGTH_READ = 500
LOG_LENGTH_READ = 200_000
SHORTEST = 8

_NAME = r"[A-Za-z_][\w.$:]{0,200}"
_TELLING_NAME = rf"(?:{_NAME})?(?:Error|Exception|Fault|Failure|Panic|Invalid|Denied|Timeout|NotFound)\w{{0,40}}"
# Each ends where the message begins. The look-behind keeps the search at the beginnings of words.
_MARKS = (
    # Python's and pytest's last lines, Java, JavaScript, .NET; "Error [ERR_CODE]: …" is Node's.
    re.compile(rf"(?<![\w.$:]){_TELLING_NAME}(?: \[\w{{1,60}}\])?: (?=\S)"),
    # "shop.pricing.NoTier: …": a class of any name with its module,
    re.compile(r"(?<![\w.$])(?:[a-z_]\w{0,60}\.){1,10}[A-Z]\w{0,60}: (?=\S)"),
    # or without, where the line says that it is an exception.
    re.compile(rf"(?:Caused by|Wrapped by|Suppressed): (?:{_NAME}: )?|---> (?:{_NAME}: )?|\[cause\]: (?:{_NAME}: )?"),
    re.compile(rf"E {{3,}}(?:{_NAME}: )?(?=\S)"),
    re.compile(r"(?:panic|fatal error|fatal|[Ee]rror): (?=\S)"),
    re.compile(r"panicked at '"),
    # Ruby: "cart.rb:5:in 'total': message (KeyError)".
    re.compile(r":in [`'‘][^'’]{1,200}['’]: "),
)
_EXCEPTION_LINE = re.compile(rf"{_NAME}: (?=\S)")
_RUST_HEAD = re.compile(r"thread '.{0,100} panicked at [^']{1,300}:\d+:\d+:$")
_QUOTED = re.compile(r"[\"“„«]([^\"“”„«»]{8,300})[\"”“»]")
# What a logger was told: behind the level and its name, or in a field of a structured log.
_LOGGED = (
    re.compile(r"\b(?:ERROR|CRITICAL|SEVERE|FATAL|PANIC)\b[\]: ]{1,10}(?:[\w.-]{1,80}: )?(\S.{0,500})"),
    re.compile(r'"(?:msg|message|error|err|exception|reason|title)": ?"((?:[^"\\]|\\.){1,500})"'),
)
_ENDING = re.compile(r" \[recovered\]$| \(\w+(?:::\w+)*\)$|', [^\s']{1,300}:\d+:\d+$| \(Parameter '\w+'\)$|\s*\{$")


def error_texts(text: str) -> tuple[str, ...]:
    """Messages without the errors' names, in the order of the text, each once; at most ``TEXTS_READ``.

    Of a chain that Go and others write on one line ("quote failed: no tier: 11") the parts are given, too, after the
    whole.
    """
    found: dict[str, None] = {}
    logged = (match.group(1) for pattern in _LOGGED for match in pattern.finditer(text, 0, LOG_LENGTH_READ))
    for message in chain(_messages(lines_of(text)), logged):
        short = _ENDING.sub("", message[:TEXT_LENGTH_READ]).strip()
        for candidate in (short, *(short.split(": ") if ": " in short else ())):
            if len(candidate) >= SHORTEST and " " in candidate.strip():
                found.setdefault(candidate.strip())
        if len(found) >= TEXTS_READ:
            break
    return tuple(found)[:TEXTS_READ]


def _messages(lines: list[str]) -> Iterator[str]:
    before = ""
    for line in (part for whole in lines for part in re.split(r" (?=---> )", whole)):
        # What remains are the margins of Python's exception groups.
        plain = line.lstrip(" |+").rstrip()
        if _RUST_HEAD.match(before):
            yield plain
        elif end := max((match.end() for mark in _MARKS if (match := mark.search(plain))), default=0):
            yield plain[end:]
        elif before.startswith((" ", "\t")) and (match := _EXCEPTION_LINE.match(plain)) and line == line.lstrip():
            # Below the frames of Python stands the error, whatever its class is called.
            yield plain[match.end() :]
        if not plain.startswith(("File ", "at ", "from ")):
            yield from _QUOTED.findall(plain)
        before = line
