"""Whoever notices that a function changed has executed one of the lines that are named."""

from __future__ import annotations

import ast
import sys
from textwrap import dedent
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotfix.analysis.test_selection.changed_lines import lines_to_notice

OLD = """\
def work(n):
    total = 0
    if n > 1:
        total += n
    for each in range(n):
        if each == 2:
            continue
        total += each
    return total
"""


def lines(old: str, new: str) -> frozenset[int] | None:
    return lines_to_notice(ast.parse(dedent(old)).body[0], ast.parse(dedent(new)).body[0])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("total += n", "total -= n"), {4}),
        (("n > 1", "n > 2"), {3, 4}),
        (("        total += n\n", "        total += n\n        total += 1\n"), {4}),
        (("    for each", "    total += 1\n    for each"), {5, 6, 7, 8}),
        (("        total += n\n", "        total += n\n    else:\n        total = 3\n"), {3, 4}),
        (("            continue\n", "            break\n"), {6, 7}),
        (("        total += each\n", ""), {8}),
        (("return total", "return total + 1"), {9}),
        (("range(n)", "range(n + 1)"), {5, 6, 7, 8}),
    ],
)
def test_the_statements_at_the_end_of_an_edge_that_changed(change: tuple[str, str], expected: set[int]) -> None:
    assert OLD.count(change[0]) == 1
    found = lines(OLD, OLD.replace(*change))
    assert found is not None
    assert found >= expected
    assert found <= expected | {3, 5, 6, 7, 8}


def test_nothing_changed_is_noticed_by_nobody() -> None:
    assert lines(OLD, OLD.replace("total = 0", "total = 0  # so far")) == frozenset()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("def f(a):\n    return a\n", "def f(a, b=1):\n    return a\n"),
        ("def f(a=1):\n    return a\n", "def f(a=2):\n    return a\n"),
        ("def f(a):\n    return a\n", "@cache\ndef f(a):\n    return a\n"),
        ("def f(a):\n    return a\n", "async def f(a):\n    return a\n"),
        ("def f(a):\n    return a\n", "def f(a):\n    yield a\n"),
        ("a = 1\n", "a = 2\n"),
        ("class C:\n    a = 1\n", "class C:\n    a = 2\n"),
    ],
)
def test_what_may_be_noticed_without_running_the_function(old: str, new: str) -> None:
    assert lines(old, new) is None


def test_a_name_that_becomes_local_changes_the_whole_function() -> None:
    old = "def f(a):\n    b = limit\n    if a:\n        b += 1\n    return b\n"
    assert lines(old, old.replace("        b += 1\n", "        b += 1\n        limit = 2\n")) == {2, 3, 4, 5}


def test_annotations_and_docstrings_aside() -> None:
    old = "def f(a: int) -> int:\n    return a\n"
    assert lines(old, old.replace("int", "float")) == frozenset()


def test_the_inside_of_a_function_in_a_function() -> None:
    old = "def f():\n    def g(a):\n        if a:\n            return 1\n        return 2\n    return g\n"
    assert lines(old, old.replace("return 1", "return 3")) == {4}
    # Its signature is made where it is defined.
    assert lines(old, old.replace("g(a)", "g(a, b=1)")) == {2, 3, 4, 5}


STATEMENTS = (
    "x = x + 1",
    "x = x * 2",
    "x = 7",
    "pass",
    "return x",
    "if x > 4:\n    x = x - 3",
    "if x % 2:\n    x = 1\nelse:\n    x = x + 5",
    "while x < 3:\n    x = x + 1",
    "for y in range(2):\n    x = x + y",
    "try:\n    x = 1 // (x - 1)\nexcept ZeroDivisionError:\n    x = 9",
)


def indented(statements: list[str]) -> str:
    return (
        "def f(x):\n" + "".join(f"    {line}\n" for each in statements for line in each.splitlines()) + "    return x\n"
    )


def executed(source: str, argument: int) -> tuple[Any, set[int]]:
    space: dict[str, Any] = {}
    exec(compile(source, "<subject>", "exec"), space)
    seen: set[int] = set()

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code.co_filename != "<subject>":
            return None
        if event == "line":
            seen.add(frame.f_lineno)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        answer = space["f"](argument)
    finally:
        sys.settrace(before)
    return answer, seen


@given(
    st.lists(st.sampled_from(STATEMENTS), max_size=5),
    st.lists(st.sampled_from(STATEMENTS), max_size=5),
    st.integers(min_value=-2, max_value=9),
)
def test_another_answer_has_executed_one_of_them(old: list[str], new: list[str], argument: int) -> None:
    before, seen = executed(indented(old), argument)
    after, _ = executed(indented(new), argument)
    found = lines(indented(old), indented(new))
    assert found is not None
    if before != after:
        assert found & seen
