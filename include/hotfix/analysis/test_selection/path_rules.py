"""Tests of languages whose imports are not followed: by their names, then by whether they name the changed file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from hotfix.analysis.test_selection.path_kinds import is_test_name
from hotfix.analysis.test_selection.source_tree import SourceTree, folder_of

# Files of one family may test each other.
_FAMILIES = (
    (".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".vue", ".svelte"),
    (".java", ".kt", ".kts", ".scala", ".groovy"),
    (".c", ".h", ".cc", ".cpp", ".hpp"),
    (".ex", ".exs"),
)
_MARKS = re.compile(r"(\.(test|spec)|_(test|spec)|Tests?|IT|Spec)$")
# A shorter name is in too many files to tell anything.
_SHORTEST_WORD = 4


def tests_named_after(path: str, tree: SourceTree) -> Iterator[tuple[str, int, str]]:
    """(test file, distance, reason): 1 for a test that is named after ``path``, 2 for one that names it or is its
    neighbour in a Go package."""
    changed = PurePosixPath(path)
    family = next((each for each in _FAMILIES if changed.suffix in each), (changed.suffix,))
    subject = _subject(changed.stem)
    word = re.compile(rf"\b{re.escape(_pascal(subject))}\b|[\"'/]{re.escape(subject)}[\"'.]")
    for other in tree.paths:
        if not other.endswith(family) or not is_test_name(other):
            continue
        if _subject(PurePosixPath(other).stem).lower() == subject.lower():
            yield other, 1, f"is named after {path}"
        elif changed.suffix == ".go" and folder_of(other) == folder_of(path):
            yield other, 2, f"is in the package of {path}"
        elif len(subject) >= _SHORTEST_WORD and word.search(tree.text(other)):
            yield other, 2, f"names {path}"


def _subject(stem: str) -> str:
    """What a test is named after: ``foo.test``, ``foo_spec``, ``FooTest`` and ``TestFoo`` without the mark."""
    plain = _MARKS.sub("", stem)
    if re.match(r"Test[A-Z]", plain):
        return plain[4:]
    return plain.removeprefix("test_") or stem


def _pascal(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[_-]", name))
