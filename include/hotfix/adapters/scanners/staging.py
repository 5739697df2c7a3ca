"""Copies of the files to scan, under names and in a folder of our own.

Scanners look around a file for settings and skip files by parts of their path (bandit everything with ``.git`` in it).
In a bare folder the change under scan cannot steer them, and names with odd bytes do no harm.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

_PYTHON = {".py": ".py", ".pyw": ".py", ".pyi": ".pyi"}
# Read by opengrep with rules for their language.
_LANGUAGES = {
    **_PYTHON,
    **{suffix: suffix for suffix in (".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".java", ".go", ".rb")},
    **dict.fromkeys((".mts", ".cts"), ".ts"),
    ".rake": ".rb",
    **{suffix: suffix for suffix in (".html", ".htm", ".jinja", ".jinja2", ".j2", ".erb", ".ejs", ".vue")},
}
_INTERPRETERS = ((b"python", ".py"), (b"node", ".js"), (b"ruby", ".rb"))


class UnknownFile(Exception):
    """A path names no file for certain; the text says which."""


@dataclass(frozen=True)
class Staged:
    """``path`` is the file's path in the repository, fit to print; ``copy`` is what the scanner sees."""

    path: str
    copy: Path

    def line(self, number: int) -> str:
        """Line ``number`` (from 1) of the file; empty beyond its end."""
        return self.lines(number, number)

    def lines(self, first: int, last: int) -> str:
        """Lines ``first`` to ``last`` (from 1) of the file."""
        lines = self.copy.read_bytes().split(b"\n")
        return b"\n".join(lines[max(first, 1) - 1 : last]).decode("utf-8", "replace")


class Stage:
    """The staged files of one scan."""

    def __init__(self, files: Sequence[Staged]) -> None:
        self._files = {file.copy.name: file for file in files}

    @property
    def names(self) -> tuple[str, ...]:
        """Names for the scanner's command line, relative to the folder."""
        return tuple(self._files)

    @property
    def paths(self) -> tuple[str, ...]:
        """The files' own paths."""
        return tuple(file.path for file in self._files.values())

    def file(self, reported: str) -> Staged:
        """The file that a report names by a relative or absolute path.

        Raises:
            UnknownFile: it was not given to the scanner.
        """
        try:
            return self._files[Path(reported).name]
        except KeyError:
            raise UnknownFile(f"its report names {reported!r:.200}, which it was not given") from None


def stage_python(checkout: Path, paths: tuple[str, ...], folder: Path) -> Stage:
    """Copy those of ``paths`` that are Python files of ``checkout`` into ``folder``.

    Python by their suffix, or by a first line that names the interpreter.

    Raises:
        UnknownFile: see ``stage``.
    """
    return stage(checkout, paths, folder, _python_suffix)


def stage_text(checkout: Path, paths: tuple[str, ...], folder: Path) -> Stage:
    """Copy those of ``paths`` that are text; a file without a suffix that is known here gets ``.txt``.

    Raises:
        UnknownFile: see ``stage``.
    """
    return stage(checkout, paths, folder, _text_suffix)


def is_understood(copy: Path) -> bool:
    """Whether a staged file is in a language that there are rules for."""
    return copy.suffix in _LANGUAGES.values()


def stage(checkout: Path, paths: tuple[str, ...], folder: Path, suffix_of: Callable[[Path], str]) -> Stage:
    """Copy those of ``paths`` with a suffix (by ``suffix_of``) into ``folder``.

    Deleted files and links are left out: a link has no content of its own, and what it leads to is scanned where it
    changes.

    Raises:
        UnknownFile: a path that is not there was damaged in decoding, so that it may be there under its real name.
    """
    root, staged = checkout.resolve(), list[Staged]()
    for path in sorted(set(paths)):
        source = checkout / path
        if "\N{REPLACEMENT CHARACTER}" in path and not source.exists():
            raise UnknownFile(f"the file {path!r} cannot be found under this name: rename it to plain UTF-8")
        if source.is_symlink() or not source.is_file() or not source.resolve().is_relative_to(root):
            continue
        if suffix := suffix_of(source):
            copy = folder / f"source_{len(staged):05}{suffix}"
            shutil.copyfile(source, copy)
            staged.append(Staged(printable(path), copy))
    return Stage(staged)


def printable(path: str) -> str:
    """A path with bytes that are no UTF-8 as escapes."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _python_suffix(source: Path) -> str:
    if known := _PYTHON.get(source.suffix.lower()):
        return known
    return ".py" if _interpreter(source) == ".py" else ""


def _text_suffix(source: Path) -> str:
    if known := _LANGUAGES.get(source.suffix.lower()):
        return known
    if found := _interpreter(source):
        return found
    with source.open("rb") as file:
        if b"\0" in file.read(8000):
            return ""
    return source.suffix.lower() if re.fullmatch(r"\.[A-Za-z0-9]{1,8}", source.suffix) else ".txt"


def _interpreter(source: Path) -> str:
    with source.open("rb") as file:
        first = file.readline(200)
    if not first.startswith(b"#!"):
        return ""
    return next((suffix for name, suffix in _INTERPRETERS if name in first), "")
