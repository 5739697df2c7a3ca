"""Environments (virtual environments, node_modules …) built once for each state of the dependency files."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

PLACEHOLDER = "{environment}"
# What decides which packages a version needs, in the languages' usual places.
DEPENDENCY_FILES = (
    "requirements*.txt", "requirements/*.txt", "pyproject.toml", "setup.py", "setup.cfg", "poetry.lock", "uv.lock",
    "Pipfile.lock", "package.json", "package-lock.json", "yarn.lock", "pnpm-lock.yaml", "go.mod", "go.sum", "Gemfile",
    "Gemfile.lock", "pom.xml", "build.gradle*", "Cargo.toml", "Cargo.lock", "*.csproj",
)  # fmt: skip
_KEPT_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True)
class Environments:
    """``folder``: where they are kept, for all processes of this machine; unused ones go after a week.

    ``dependency_files``: glob patterns, from a checkout's root.
    """

    folder: Path
    dependency_files: Sequence[str] = DEPENDENCY_FILES

    def ready(self, checkout: Path, recipe: object, build: Callable[[Path], None]) -> Path:
        """The environment of the version in ``checkout``; ``build`` makes it in the folder that it is given.

        Two versions share one when their dependency files and the ``recipe`` (the commands) are the same. What
        ``build`` raises is passed on, and nothing is kept.
        """
        name = self._key(checkout, recipe)
        place, marker = self.folder / name, self.folder / f"{name}.ready"
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not marker.exists():
                shutil.rmtree(place, ignore_errors=True)
                place.mkdir()
                try:
                    build(place)
                except BaseException:
                    shutil.rmtree(place, ignore_errors=True)
                    raise
                self._forget_old()
            marker.touch()
        return place

    def _key(self, checkout: Path, recipe: object) -> str:
        digest = hashlib.sha256(repr(recipe).encode())
        root = checkout.resolve()
        found = {path for pattern in self.dependency_files for path in root.glob(pattern) if path.is_file()}
        for path in sorted(found):
            # A link may lead to a file that another version does not have: only what lies in the checkout counts.
            if path.resolve().is_relative_to(root):
                digest.update(os.fsencode(path.relative_to(root)) + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()[:20]

    def _forget_old(self) -> None:
        for marker in self.folder.glob("*.ready"):
            if time.time() - marker.stat().st_mtime > _KEPT_SECONDS:
                marker.unlink(missing_ok=True)
                shutil.rmtree(marker.with_suffix(""), ignore_errors=True)
