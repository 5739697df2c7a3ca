"""The name that a language's own error message complains about, as it stands in the source."""

from __future__ import annotations

import re

from hotfix.analysis.stack_trace.log_text import lines_of

NAMES_READ = 5

_NAME = r"[A-Za-z_$][\w$]{0,80}"
# Message of the language → the text at the place that made it raise.
_MESSAGES: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (re.compile(pattern), texts)
    for pattern, texts in (
        # JavaScript
        (rf"(?<![\w$.])((?:{_NAME}\.){{0,8}}{_NAME}) is not a (?:function|constructor)", ("{}(",)),
        (rf"\((?:reading|setting) '({_NAME})'\)", (".{}",)),
        (rf"Cannot (?:read|set) property '({_NAME})' of", (".{}",)),
        (rf"ReferenceError: ({_NAME}) is not defined", ("{}",)),
        # Python
        (rf"has no attribute '({_NAME})'", (".{}",)),
        (rf"name '({_NAME})' is not defined", ("{}",)),
        (rf"unexpected keyword argument '({_NAME})'", ("{}=",)),
        (rf"cannot import name '({_NAME})'", ("{}",)),
        (r"KeyError: '([^'\"\\\x00-\x1f]{1,80})'", ("['{}']", '["{}"]')),
        # Ruby
        (rf"undefined method [`']({_NAME})[?!]?'", (".{}",)),
        (rf"undefined local variable or method [`']({_NAME})'", ("{}",)),
        (r"key not found: :(\w{1,80})", ("fetch(:{})",)),
        # Java's helpful messages (JEP 358)
        (rf'Cannot invoke "[^"]{{0,300}}\.({_NAME})\([^"]*"', (".{}(",)),
        (rf'Cannot (?:read|assign) field "({_NAME})"', (".{}",)),
    )
)


def names_in_use(text: str) -> tuple[str, ...]:
    """Fixed texts to look for in the source, in the order of the messages; at most ``NAMES_READ`` messages' worth."""
    found: dict[tuple[str, ...], None] = {}
    for line in lines_of(text):
        for pattern, texts in _MESSAGES:
            if match := pattern.search(line):
                found.setdefault(tuple(text.format(match.group(1)) for text in texts))
        if len(found) >= NAMES_READ:
            break
    return tuple(text for texts in list(found)[:NAMES_READ] for text in texts)
