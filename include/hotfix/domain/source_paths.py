"""What a file is for, by its path."""

from __future__ import annotations

from pathlib import PurePosixPath

_TEST_FOLDERS = frozenset({"test", "tests", "__tests__", "spec", "testdata"})


def is_test(path: str) -> bool:
    """Whether a path is one of tests, which do not run in production."""
    parts = PurePosixPath(path)
    stem = parts.name.split(".", 1)[0]
    in_folder = bool(_TEST_FOLDERS & set(parts.parts[:-1]))
    named = parts.name == "conftest.py" or stem.startswith("test_") or stem.endswith(("_test", "_spec"))
    return in_folder or named or ".test." in parts.name or ".spec." in parts.name
