"""Copies of the Python files to scan, under names and in a folder of our own.

Scanners look around a file for settings and skip files by parts of their path (bandit everything with ``.git`` in it).
In a bare folder the change under scan cannot steer them, and names with odd bytes do no harm.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_SUFFIXES = {".py": ".py", ".pyw": ".py", ".pyi": ".pyi"}


class UnknownFile(Exception):
    """A path names no file for certain; the text says which."""


@dataclass(frozen=True)
class Staged:
    """``path`` is the file's path in the repository, fit to print; ``copy`` is what the scanner sees."""

    path: str
    copy: Path

    def line(self, number: int) -> str:
        """Line ``number`` (from 1) of the file; empty beyond its end."""
        lines = self.copy.read_bytes().split(b"\n")
        return lines[number - 1].decode("utf-8", "replace") if 0 < number <= len(lines) else ""


class Stage:
    """The staged files of one scan."""

    def __init__(self, files: Sequence[Staged]) -> None:
        self._files = {file.copy.name: file for file in files}

    @property
    def names(self) -> tuple[str, ...]:
        """Names for the scanner's command line, relative to the folder."""
        return tuple(self._files)

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

    Python by their suffix, or by a first line that names the interpreter. Deleted files and links are left out: a
    link has no content of its own, and what it leads to is scanned where it changes.

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
        if suffix := _python_suffix(source):
            copy = folder / f"source_{len(staged):05}{suffix}"
            shutil.copyfile(source, copy)
            staged.append(Staged(path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"), copy))
    return Stage(staged)


def _python_suffix(source: Path) -> str:
    if known := _SUFFIXES.get(source.suffix.lower()):
        return known
    with source.open("rb") as file:
        first = file.readline(200)
    return ".py" if first.startswith(b"#!") and b"python" in first else ""
