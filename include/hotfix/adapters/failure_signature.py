"""One line that names a failure and stays the same from run to run and from checkout to checkout."""

from __future__ import annotations

import re
from pathlib import Path

SIGNATURE_LIMIT = 300
TIMEOUT = "timeout"
DISK_FILLED = "disk filled"

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_PYTEST_ERROR = re.compile(r"^E {3,}(\S.*)$")
_PYTEST_SUMMARY = re.compile(r"^(?:FAILED|ERROR) \S+ - (.+)$")
_TRACEBACK = "Traceback (most recent call last):"

# What changes although the failure does not. Order matters: the longer forms go before the plain numbers in them.
# Numbers of up to four digits stay, because "assert 500 == 200" is another failure than "assert 404 == 200".
_VARYING: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        (r"(?:/private)?/(?:tmp|var/tmp|var/folders|dev/shm)/[^\s'\"`,;:)\]}>]*", "<tmp>"),
        (r"\b0x[0-9a-f]+\b", "<address>"),
        (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<id>"),
        (r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?)?(?:Z\b|[+-]\d\d:?\d\d\b)?", "<time>"),
        (r"\b\d\d:\d\d:\d\d(?:[.,]\d+)?\b", "<time>"),
        (r"\b(pid|process|thread|port|line)([ =:#]+)\d+", r"\1\2<n>"),
        (r"\b((?:\d{1,3}\.){3}\d{1,3}|localhost|\[::1?\]):\d+", r"\1:<n>"),
        (r"(\.[a-z]{1,4}):\d+\b", r"\1:<n>"),
        (r"\b\d+(?:\.\d+)?(\s?)(ns|us|µs|ms|s|secs?|seconds?|minutes?)\b", r"<n>\1\2"),
        (r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,64}\b", "<id>"),
        (r"\b(?:0|[1-9]\d*)\.\d{5,}(?:e[+-]?\d+)?\b", "<n>"),
        (r"\d{5,}", "<n>"),
    )
)


def failure_signature(output: str, exit_code: int, checkout: Path) -> str:
    """The last exception or failed assertion in ``output``, without addresses, ids, times, ports and paths.

    Looked for in this order: the first line of pytest's last ``E`` block, the end of the last Python traceback, the
    last line of pytest's short summary, the last line that is not empty. Without any of them it is the exit code.
    At most ``SIGNATURE_LIMIT`` characters, never empty.
    """
    lines = [line.rstrip() for line in _ESCAPES.sub("", output).splitlines()]
    telling = _last_pytest_error(lines) or _last_exception(lines) or _last_summary(lines) or _last_line(lines)
    return normalise(telling, checkout) if telling else f"exit {exit_code} without output"


def normalise(line: str, checkout: Path) -> str:
    """``line`` without what changes from run to run."""
    for root in {str(checkout), str(checkout.resolve())}:
        line = line.replace(f"{root}/", "").replace(root, "<checkout>")
    for pattern, replacement in _VARYING:
        line = pattern.sub(replacement, line)
    return " ".join(line.split())[:SIGNATURE_LIMIT]


def _last_pytest_error(lines: list[str]) -> str:
    found, inside = "", False
    for line in lines:
        match = _PYTEST_ERROR.match(line)
        if match and not inside:
            found = match.group(1)
        inside = line == "E" or line.startswith("E  ")
    return found


def _last_exception(lines: list[str]) -> str:
    found, inside = "", False
    for line in lines:
        if line.strip() == _TRACEBACK:
            inside = True
        elif inside and line and not line[0].isspace():
            found, inside = line, False
    return found


def _last_summary(lines: list[str]) -> str:
    matches = [match.group(1) for line in lines if (match := _PYTEST_SUMMARY.match(line))]
    return matches[-1] if matches else ""


def _last_line(lines: list[str]) -> str:
    return next((line for line in reversed(lines) if line.strip()), "")
