"""What a file is, by its name."""

from __future__ import annotations

from pathlib import PurePosixPath

from hotfix.analysis.changed_file import ChangedFile, Kind

_PROSE_SUFFIXES = frozenset({".md", ".markdown", ".rst", ".adoc", ".txt"})
_PROSE_NAMES = frozenset({"license", "licence", "copying", "notice", "authors", "contributors", "changelog", "readme"})
# Text by its suffix, and read by machines all the same.
_NOT_PROSE = ("requirements", "constraints", "cmakelists", "robots")


def is_prose(file: ChangedFile) -> bool:
    """Whether the new version is text for people, which no program reads."""
    name = PurePosixPath(file.path).name.lower()
    version = file.after
    if version is None or version.kind is not Kind.FILE or version.binary or version.executable:
        return False
    if version.content.startswith(b"#!") or name.startswith(_NOT_PROSE):
        return False
    path = PurePosixPath(name)
    return path.suffix in _PROSE_SUFFIXES or (not path.suffix and name in _PROSE_NAMES)
