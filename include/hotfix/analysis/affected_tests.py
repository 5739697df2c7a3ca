"""Which test files may notice a change to given files, by the import graph of a checkout."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hotfix.analysis.test_selection.import_graph import ImportGraph
from hotfix.analysis.test_selection.path_kinds import PathKind, is_python_test, kind_of
from hotfix.analysis.test_selection.source_tree import SourceTree, is_under

_SEEN_BY_IMPORTS = (PathKind.PYTHON, PathKind.TEST)


def affected_tests(
    checkout: Path, changed: Sequence[str], test_paths: Sequence[str], source_roots: Sequence[str]
) -> dict[str, str]:
    """Test files to run with the reason for each, sorted.

    A changed test file selects itself; a changed module selects the tests that import it, directly or over other
    modules. A change that no import shows (dependencies, test configuration, data) selects every test file, since
    nobody can say what it does not affect.
    """
    tree = SourceTree(checkout)
    tests = [
        path for path in tree.python
        if is_python_test(path) and any(is_under(path, folder) for folder in test_paths)
    ]  # fmt: skip
    wide = sorted(path for path in changed if _affects_everything(path, tree))
    if wide:
        return {path: f"{', '.join(wide[:3])} may affect every test" for path in tests}
    reached = ImportGraph(tree, source_roots, test_paths).reach(changed)
    return {
        path: "was changed" if path == reached[path][1] else f"imports {reached[path][1]}"
        for path in tests
        if path in reached
    }


def _affects_everything(path: str, tree: SourceTree) -> bool:
    kind = kind_of(path)
    return kind is not PathKind.PROSE and (kind not in _SEEN_BY_IMPORTS or path not in tree.known)
