"""The files of a checkout, read once."""

from __future__ import annotations

import ast
import os
from functools import cached_property
from pathlib import Path, PurePosixPath

# Nobody writes a source file of this size; a fixture of this size would only be slow to look through.
SIZE_LIMIT = 2 * 1024 * 1024


class SourceTree:
    """Plain files only: links are not followed, wherever they lead, and ``.git`` is left out."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._texts: dict[str, str] = {}
        self._trees: dict[str, ast.Module | None] = {}

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Every file, relative to the root, sorted. Names that are not UTF-8 carry surrogates, as Python has them."""
        found = []
        waiting = [(str(self.root), "")]
        while waiting:
            folder, prefix = waiting.pop()
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        if entry.name != ".git":
                            waiting.append((entry.path, f"{prefix}{entry.name}/"))
                    elif entry.is_file(follow_symlinks=False):
                        found.append(f"{prefix}{entry.name}")
        return tuple(sorted(found))

    @cached_property
    def known(self) -> frozenset[str]:
        return frozenset(self.paths)

    @cached_property
    def python(self) -> tuple[str, ...]:
        return tuple(path for path in self.paths if path.endswith(".py"))

    def text(self, path: str) -> str:
        """The text of a file of the tree; empty when it cannot be read, or is too large for source code."""
        if path not in self._texts:
            self._texts[path] = self._read(path)
        return self._texts[path]

    def syntax(self, path: str) -> ast.Module | None:
        """The syntax tree of a Python file; None when it has none."""
        if path not in self._trees:
            self._trees[path] = parse(self.text(path))
        return self._trees[path]

    def has_test(self, name: str) -> bool:
        """Whether there is a test ``path::Class::function``, a file or a folder; parameters are not looked at."""
        path, *inner = name.rstrip("/").split("::")
        if path not in self.known:
            return path == "." or any(other.startswith(f"{path}/") for other in self.paths)
        around: ast.AST | None = self.syntax(path) if inner else None
        for part in inner:
            found = _definition(around, part) if around else None
            if found is None:
                # A class may have inherited it.
                return isinstance(around, ast.ClassDef) and bool(around.bases)
            around = found
        return True

    def _read(self, path: str) -> str:
        try:
            file = self.root / path
            if path not in self.known or file.stat().st_size > SIZE_LIMIT:
                return ""
            return file.read_text(encoding="utf-8", errors="replace")
        except (OSError, ValueError):
            return ""


def parse(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _definition(around: ast.AST, name: str) -> ast.AST | None:
    """What is defined under a name: directly, as nearly all is, or under a condition."""
    near = (node for node in getattr(around, "body", ()) if _is_definition(node, name))
    return next(near, None) or next((node for node in ast.walk(around) if _is_definition(node, name)), None)


def _is_definition(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == name


def folder_of(path: str) -> str:
    """The folder of a path; empty for the root."""
    folder = PurePosixPath(path).parent.as_posix()
    return "" if folder == "." else folder


def is_under(path: str, folder: str) -> bool:
    folder = folder.rstrip("/")
    return folder in ("", ".") or path == folder or path.startswith(f"{folder}/")
