"""What a changed file is to a revert: source, a test, or text for people."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import PurePosixPath


class Kind(str, Enum):
    SOURCE = "source"
    TEST = "test"
    PROSE = "prose"


_PROSE_FOLDERS = frozenset({"doc", "docs", "changelog.d", "newsfragments"})
_PROSE_SUFFIXES = frozenset({".md", ".rst", ".adoc", ".txt"})
_PROSE_NAMES = re.compile(
    r"(changes|changelog|history|news|authors|contributors|license|licence|notice|readme)\b", re.I
)
# Text that programs read in spite of its suffix.
_READ_BY_PROGRAMS = re.compile(r"(.*/)?((requirements|constraints).*|cmakelists|robots)\.txt", re.I)
_TEST_FOLDERS = frozenset({"test", "tests", "testing", "spec", "specs", "__tests__"})
_TEST_NAMES = re.compile(
    r"test_.*\.py|.*_tests?\.\w+|tests?\.py|conftest\.py|.*[._](test|spec)\.\w+|.*Tests?\.(java|kt|cs)"
)


def kind_of(path: str) -> Kind:
    """By name alone: ``path`` relative to the repository's root.

    A folder named ``testing`` holds tests only where the file's own name says so too: packages ship helpers there.
    """
    parts = PurePosixPath(path)
    folders = {folder.lower() for folder in parts.parts[:-1]}
    if _TEST_NAMES.fullmatch(parts.name) or folders & (_TEST_FOLDERS - {"testing"}):
        return Kind.TEST
    if _READ_BY_PROGRAMS.fullmatch(path):
        return Kind.SOURCE
    if parts.suffix.lower() in _PROSE_SUFFIXES or (folders & _PROSE_FOLDERS and parts.suffix != ".py"):
        return Kind.PROSE
    return Kind.PROSE if not parts.suffix and _PROSE_NAMES.match(parts.name) else Kind.SOURCE
