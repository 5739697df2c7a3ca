"""Which Python files lead to which by their imports.

Import statements are found by their form and not by parsing: thousands of files in a second, and a statement in a
string only adds an edge that does no harm. Names in strings count too, since tests patch, spawn and load modules by
them.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from hotfix.analysis.test_selection.source_tree import SourceTree, folder_of, is_under

_IMPORT = re.compile(
    r"(?:^|[;:])[ \t]*(?:"
    r"import[ \t]+(?P<plain>[\w.]+(?:[ \t]+as[ \t]+\w+)?(?:[ \t]*,[ \t]*[\w.]+(?:[ \t]+as[ \t]+\w+)?)*)"
    r"|from[ \t]+(?P<origin>[.\w]+)[ \t]+import[ \t]*(?P<names>\([^)]*\)|[^\n;#]*))",
    re.MULTILINE,
)
_DOTTED_STRING = re.compile(r"""["']([^\W\d]\w*(?:\.[^\W\d]\w*)*)(?::\w+)?["']""")
_FILE_STRING = re.compile(r"""["']([\w./-]*\w\.py)["']""")
# import_module(f"shop.plugins.{name}"): any module of the package.
_COMPUTED = re.compile(r"""(?:import_module|__import__)\(\s*f["']([^\W\d][\w.]*)\.\{""")
_COMMENT = re.compile(r"#[^\n]*")

# Deeper folders with packages are fixtures rather than sources.
ROOT_DEPTH = 3


class ImportGraph:
    """``roots`` are folders from which imports begin.

    Beside them every folder without ``__init__.py`` that holds Python files below ``test_paths`` is one, as it is when
    pytest puts a test's folder on ``sys.path``.
    """

    def __init__(self, tree: SourceTree, roots: Sequence[str], test_paths: Sequence[str]) -> None:
        self._tree = tree
        self._test_paths = test_paths
        self._by_name: dict[str, set[str]] = defaultdict(set)
        for root in dict.fromkeys((*roots, ".", *test_paths)):
            self._name(root, [path for path in tree.python if is_under(path, root)])
        local: dict[str, list[str]] = defaultdict(list)
        for path in tree.python:
            folder = folder_of(path)
            while folder and f"{folder}/__init__.py" in tree.known:
                folder = folder_of(folder)
            # The folder above the outermost package is what pytest and scripts put on sys.path.
            local[folder].append(path)
        self._local_names = {folder: dict(_names(folder, paths)) for folder, paths in local.items()}
        self._folder_of = {path: folder for folder, paths in local.items() for path in paths}
        self._files_by_basename: dict[str, set[str]] = defaultdict(set)
        for path in tree.python:
            self._files_by_basename[PurePosixPath(path).name].add(path)
        self.importers: dict[str, set[str]] = defaultdict(set)
        for path in tree.python:
            for target in self._targets(path):
                if target != path:
                    self.importers[target].add(path)
        self._serve_conftests()

    def reach(self, origins: Iterable[str]) -> dict[str, tuple[int, str]]:
        """File → (number of imports between it and the nearest origin, that origin)."""
        found: dict[str, tuple[int, str]] = {}
        waiting = deque((origin, 0, origin) for origin in sorted(origins))
        while waiting:
            path, distance, origin = waiting.popleft()
            if path not in found:
                found[path] = (distance, origin)
                waiting.extend((next_path, distance + 1, origin) for next_path in sorted(self.importers.get(path, ())))
        return found

    def _name(self, root: str, paths: Sequence[str]) -> None:
        for name, path in _names(root, paths):
            self._by_name[name].add(path)

    def _targets(self, path: str) -> Iterator[str]:
        text = self._tree.text(path).replace("\\\n", " ")
        local = self._local_names[self._folder_of[path]]
        for name in _imported(text, self._package(path)):
            # ``import a.b.c`` runs a, a.b and a.b.c; ``from a.b import c`` may name a module or a value.
            parts = name.split(".")
            for length in range(1, len(parts) + 1):
                prefix = ".".join(parts[:length])
                yield from self._by_name.get(prefix, ())
                if found := local.get(prefix):
                    yield found
        for name in set(_DOTTED_STRING.findall(text)):
            parts = name.split(".")
            if len(parts) == 1 and not self._is_run_by_name(name, text):
                continue
            # What ``python -m`` runs of a package.
            yield from self._by_name.get(f"{name}.__main__", ())
            for length in range(len(parts), 0, -1):
                if targets := self._by_name.get(".".join(parts[:length])):
                    yield from targets
                    break
        for package in set(_COMPUTED.findall(text)):
            for name, targets in self._by_name.items():
                if name.startswith(f"{package}."):
                    yield from targets
        for name in set(_FILE_STRING.findall(text)):
            for target in self._files_by_basename.get(PurePosixPath(name).name, ()):
                if target.endswith(name.removeprefix("./")):
                    yield target

    def _is_run_by_name(self, name: str, text: str) -> bool:
        """``-m name`` and ``import_module("name")``; a word in quotes is not a module otherwise."""
        if name not in self._by_name:
            return False
        before = r"""(?:["']-m["']\s*,\s*|import_module\(\s*|__import__\(\s*|importorskip\(\s*|pytest_plugins\W+)"""
        return re.search(rf"""{before}["']{re.escape(name)}["']""", text) is not None

    def _package(self, path: str) -> list[str]:
        """The package of a file, in path parts, for relative imports."""
        folder = folder_of(path)
        return folder.split("/") if folder else []

    def _serve_conftests(self) -> None:
        """A conftest.py serves the tests beside and below it: what it imports reaches them without an import."""
        for path in self._tree.python:
            if PurePosixPath(path).name == "conftest.py":
                folder = folder_of(path)
                self.importers[path].update(
                    other
                    for other in self._tree.python
                    if other != path and is_under(other, folder) and any(is_under(other, t) for t in self._test_paths)
                )


def source_roots(python: Iterable[str]) -> tuple[str, ...]:
    """Folders from which imports probably begin: those near the root that hold packages and are none."""
    packages = {folder_of(path) for path in python if path.endswith("/__init__.py")}
    above = {folder_of(package) for package in packages} - packages
    near = sorted(folder for folder in above if folder.count("/") < ROOT_DEPTH)
    return tuple(dict.fromkeys((".", *(folder or "." for folder in near))))


def _names(root: str, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    prefix = "" if root in ("", ".") else f"{root.rstrip('/')}/"
    for path in paths:
        dotted = path[len(prefix) :].removesuffix(".py").replace("/", ".")
        yield dotted.removesuffix(".__init__"), path


def _imported(text: str, package: list[str]) -> Iterator[str]:
    for match in _IMPORT.finditer(text):
        if plain := match["plain"]:
            for part in plain.split(","):
                yield part.split()[0]
            continue
        origin = match["origin"]
        level = len(origin) - len(origin.lstrip("."))
        start = package[: len(package) - level + 1] if level else []
        module = ".".join([*start, *([origin[level:]] if origin[level:] else [])])
        names = _COMMENT.sub("", match["names"]).strip("() \t\r\n")
        for part in names.split(","):
            if words := part.split():
                yield f"{module}.{words[0]}" if module else words[0]
