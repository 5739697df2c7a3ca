"""Throw-away folders for one run of untrusted code."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Scratch:
    """``home`` and ``temporary`` are for the code that runs, ``results`` for what it hands back."""

    home: Path
    temporary: Path
    results: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"HOME": str(self.home), "TMPDIR": str(self.temporary)}


@contextmanager
def scratch(below: Path | None = None) -> Iterator[Scratch]:
    """Fresh, empty folders that only this user can enter; removed on exit with all that was left in them.

    They are made in ``below``, or where the system keeps temporary files.
    """
    # Short names: a Unix socket below TMPDIR may have 107 characters in all.
    with tempfile.TemporaryDirectory(prefix="hotfix-", dir=below, ignore_cleanup_errors=True) as root:
        folders = Scratch(*(Path(root).resolve() / name for name in ("home", "tmp", "out")))
        for folder in (folders.home, folders.temporary, folders.results):
            folder.mkdir()
        yield folders
