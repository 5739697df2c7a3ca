"""Which test files may notice a change to given files, by the import graph of a checkout."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

_TESTED_BY_NAME = ("test_*.py", "*_test.py")
_WIDENING = ("requirements*.txt", "pyproject.toml", "setup.py", "setup.cfg", "conftest.py", "*.lock", "tox.ini")


def affected_tests(
    checkout: Path, changed: Sequence[str], test_paths: Sequence[str], source_roots: Sequence[str]
) -> dict[str, str]:
    """Test files to run with the reason for each, sorted.

    A changed test file selects itself; a changed module selects the tests that import it, directly or over other
    modules. A change that no import shows (dependencies, test configuration, data) selects every test file, since
    nobody can say what it does not affect.
    """
    # Tests may lie outside the source roots; their imports count all the same.
    modules = {**_modules(checkout, [".", *test_paths]), **_modules(checkout, source_roots)}
    tests = sorted(path for path in set(modules.values()) if _is_test(path, test_paths))
    wide = sorted(path for path in changed if _affects_everything(path, modules.values()))
    if wide:
        return {path: f"{', '.join(wide[:3])} may affect every test" for path in tests}
    importers = _importers(checkout, modules)
    reasons: dict[str, str] = {}
    for origin in sorted(changed):
        for reached in _reach(origin, importers):
            if reached in tests:
                reasons.setdefault(reached, "was changed" if reached == origin else f"imports {origin}")
            if PurePosixPath(reached).name == "conftest.py":
                # Its fixtures hand the changed code to tests that never import it.
                folder = PurePosixPath(reached).parent.as_posix()
                for served in (test for test in tests if folder == "." or test.startswith(f"{folder}/")):
                    reasons.setdefault(served, f"{reached} imports {origin}")
    return dict(sorted(reasons.items()))


def _affects_everything(path: str, known: Iterable[str]) -> bool:
    name = PurePosixPath(path)
    if any(name.match(pattern) for pattern in _WIDENING):
        return True
    return path not in set(known) and name.suffix not in (".md", ".rst")


def _is_test(path: str, test_paths: Sequence[str]) -> bool:
    inside = any(path == root or path.startswith(f"{root.rstrip('/')}/") for root in test_paths)
    return inside and any(PurePosixPath(path).match(pattern) for pattern in _TESTED_BY_NAME)


def _modules(checkout: Path, source_roots: Sequence[str]) -> dict[str, str]:
    """Dotted name → path relative to the checkout; a file has one name under each root that holds it."""
    found = {}
    for root in source_roots:
        base = checkout / root
        for file in sorted(base.rglob("*.py")):
            if file.is_symlink() or ".git" in file.parts:
                continue
            dotted = ".".join(file.relative_to(base).with_suffix("").parts)
            found[dotted.removesuffix(".__init__")] = file.relative_to(checkout).as_posix()
    return found


def _importers(checkout: Path, modules: dict[str, str]) -> dict[str, set[str]]:
    """File → the files that import it."""
    importers: dict[str, set[str]] = defaultdict(set)
    for dotted, path in modules.items():
        for imported in _imports(checkout / path, dotted):
            # ``import a.b.c`` runs a, a.b and a.b.c; ``from a.b import c`` may name a module or a value.
            parts = imported.split(".")
            for length in range(1, len(parts) + 1):
                if target := modules.get(".".join(parts[:length])):
                    importers[target].add(path)
    return importers


def _imports(file: Path, dotted: str) -> set[str]:
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return set()
    package = dotted.split(".") if file.name == "__init__.py" else dotted.split(".")[:-1]
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*start, *([node.module] if node.module else [])])
            names.update(f"{origin}.{alias.name}" for alias in node.names)
    return names


def _reach(origin: str, importers: dict[str, set[str]]) -> list[str]:
    seen: dict[str, None] = {}
    waiting = [origin]
    while waiting:
        current = waiting.pop(0)
        if current not in seen:
            seen[current] = None
            waiting.extend(sorted(importers[current]))
    return list(seen)
