"""The changes of many commits, read from one ``git log``."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from hotfix.adapters.git.command import LOCAL_TIME_LIMIT, command_line, environment
from hotfix.domain.document import Sha
from hotfix.domain.errors import GitFailed
from hotfix.domain.history import CommitPatch, FilePatch, Hunk

# Starts a commit; no line of a diff begins with it.
_COMMIT = b"\x00"
_HUNK = re.compile(rb"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@ ?(.*)")
# quote_c_style in git's quote.c: a letter, or three octal digits; everything else stands for itself.
_ESCAPED = re.compile(rb"\\([0-3][0-7]{2}|.)", re.DOTALL)
_ESCAPES = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r"}
# git knows where functions of these languages begin, but only when told which files are in them.
_LANGUAGES = {
    "*.py": "python", "*.java": "java", "*.kt": "kotlin", "*.go": "golang", "*.rb": "ruby", "*.rs": "rust",
    "*.cs": "csharp", "*.php": "php", "*.c": "cpp", "*.cc": "cpp", "*.cpp": "cpp", "*.h": "cpp",
}  # fmt: skip
# A generated file says nothing that its many lines would be worth reading for.
HUNK_LINES, FILE_LINES = 2_000, 10_000


def read_patches(mirror: Path, good: Sha, bad: Sha, without: Sequence[str] = ()) -> Iterator[CommitPatch]:
    """The commits reachable from ``bad`` and not from ``good``, newest first, as git prints them.

    ``without``: patterns of paths to leave out; it takes a fraction of the time where half of a history is
    documentation. Of hunks and files that are too long, the first ``HUNK_LINES`` and ``FILE_LINES`` lines.

    Raises:
        GitFailed: git ended otherwise than with 0, or took too long.
    """
    attributes = mirror / "hotfix-attributes"
    if not attributes.exists():
        attributes.write_text("".join(f"{pattern} diff={language}\n" for pattern, language in _LANGUAGES.items()))
    arguments = [
        "-c", f"core.attributesFile={attributes}", "log", "--topo-order", "--no-merges", "-p", "-U0", "-M",
        "--no-color", "--no-ext-diff", "--no-textconv", "--format=%x00%H%n%B%x00",
        # Else git follows only one side of a merge, since to these paths the other made no difference.
        *(["--full-history"] if without else []),
        bad, f"^{good}", "--", *(f":(exclude){pattern}" for pattern in without),
    ]  # fmt: skip
    process = subprocess.Popen(
        command_line(arguments),
        cwd=mirror,
        env=environment(network=False),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    timer = threading.Timer(LOCAL_TIME_LIMIT, process.kill)
    timer.start()
    try:
        assert process.stdout is not None
        yield from _commits(process.stdout)
        if process.wait() != 0:
            raise GitFailed(f"git log of {good[:10]}..{bad[:10]} ended with {process.returncode}.")
    finally:
        timer.cancel()
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def _commits(stream: IO[bytes]) -> Iterator[CommitPatch]:
    sha = ""
    message: list[str] = []
    in_message = False
    files: list[_File] = []
    left = 0  # lines that still belong to the hunk: what they look like does not matter
    for raw in stream:
        if left > 0:
            if not raw.startswith(b"\\"):
                left -= 1
                files[-1].line(raw)
            continue
        if raw.startswith(_COMMIT):
            if in_message:
                in_message = False
                continue
            if sha:
                yield _patch(sha, message, files)
            sha, message, files, in_message = raw[1:].strip().decode(), [], [], True
        elif in_message:
            if raw.rstrip(b"\n").endswith(_COMMIT):
                in_message = False
            message.append(_text(raw.rstrip(b"\x00\n")))
        elif raw.startswith(b"@@ ") and files:
            if match := _HUNK.match(raw):
                left = int(match[1] or 1) + int(match[2] or 1)
                files[-1].hunk(_text(match[3]).strip())
        elif raw.startswith(b"diff --git "):
            files.append(_File())
        elif raw.startswith((b"--- ", b"+++ ", b"rename from ", b"rename to ")) and files:
            files[-1].name(raw)
    if sha:
        yield _patch(sha, message, files)


class _File:
    def __init__(self) -> None:
        self._old = self._new = ""
        self._hunks: list[tuple[str, list[str], list[str]]] = []
        self._lines = 0

    def name(self, raw: bytes) -> None:
        for prefix, old in ((b"--- ", True), (b"+++ ", False), (b"rename from ", True), (b"rename to ", False)):
            if raw.startswith(prefix):
                path = _path(raw[len(prefix) :])
                path = "" if path == "/dev/null" else path[2:] if prefix in (b"--- ", b"+++ ") else path
                if old:
                    self._old = path
                else:
                    self._new = path

    def hunk(self, function: str) -> None:
        self._hunks.append((function, [], []))

    def line(self, raw: bytes) -> None:
        _, removed, added = self._hunks[-1]
        self._lines += 1
        if self._lines > FILE_LINES or len(removed) + len(added) >= HUNK_LINES:
            return
        (removed if raw.startswith(b"-") else added).append(_text(raw[1:].rstrip(b"\r\n")))

    def patch(self) -> FilePatch | None:
        path = self._new or self._old
        if not path:
            return None
        hunks = tuple(Hunk(function, tuple(removed), tuple(added)) for function, removed, added in self._hunks)
        return FilePatch(path, self._old or path, hunks)


def _patch(sha: str, message: list[str], files: list[_File]) -> CommitPatch:
    found = (file.patch() for file in files)
    return CommitPatch(sha, "\n".join(message).strip(), tuple(patch for patch in found if patch is not None))


def _path(raw: bytes) -> str:
    """A name as git writes it in a header: in C's quotes where it has odd characters, before a tab where it ends."""
    name = raw.rstrip(b"\n").removesuffix(b"\t")
    if name.startswith(b'"') and name.endswith(b'"'):
        name = _ESCAPED.sub(_unescaped, name[1:-1])
    return name.decode("utf-8", "surrogateescape")


def _unescaped(match: re.Match[bytes]) -> bytes:
    escape = match[1]
    return bytes([int(escape, 8)]) if escape.isdigit() else _ESCAPES.get(escape, escape)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
