"""Small mistakes: real ones, only in the lines that are asked for, and the same every time."""

from __future__ import annotations

import ast

import pytest

from bench.tests.mutator import mutations
from bench.tests.truth import changed_lines

SOURCE = """\
def price(n, on=True):
    \"\"\"What it costs.\"\"\"
    if n > 10 and on:
        n = n - 1
    if not on:
        return "free"
    return n
"""
EVERY = range(1, 8)


def outcomes(source: str) -> list[object]:
    space: dict[str, object] = {}
    exec(source, space)
    price = space["price"]
    assert callable(price)
    found: list[object] = []
    for arguments in ((1,), (10,), (11,), (12, False), (1, False), (None,)):
        try:
            found.append(price(*arguments))
        except TypeError:
            found.append(TypeError)
    return found


def test_every_mistake_is_another_program_that_can_be_read() -> None:
    found = mutations(SOURCE, EVERY, 100)
    assert len(found) > 8
    assert len({each.source for each in found}) == len(found)
    plain = ast.unparse(ast.parse(SOURCE))
    for each in found:
        ast.parse(each.source)
        assert each.source != plain


def test_most_mistakes_show() -> None:
    found = mutations(SOURCE, EVERY, 100)
    shown = [each.what for each in found if outcomes(each.source) != outcomes(SOURCE)]
    assert len(shown) >= len(found) - 2


@pytest.mark.parametrize("line", [3, 4, 5, 6, 7])
def test_only_lines_that_are_asked_for(line: int) -> None:
    found = mutations(SOURCE, {line}, 100)
    assert found
    assert {each.line for each in found} == {line}


def test_docstrings_and_definitions_are_left_alone() -> None:
    assert mutations(SOURCE, {2}, 100) == []


def test_the_same_each_time_and_no_more_than_asked_for() -> None:
    assert mutations(SOURCE, EVERY, 3) == mutations(SOURCE, EVERY, 3)
    assert len(mutations(SOURCE, EVERY, 3)) == 3
    assert mutations(SOURCE, EVERY, 3, seed=1) != mutations(SOURCE, EVERY, 3)


def test_the_lines_that_a_diff_adds() -> None:
    diff = (
        "--- a/one.py\n+++ b/one.py\n@@ -1,2 +1,3 @@\n same\n-old\n+new\n+more\n@@ -9 +10 @@\n-x\n+y\n"
        "--- a/gone.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-z\n"
    )
    assert changed_lines(diff) == {"one.py": {2, 3, 10}}
