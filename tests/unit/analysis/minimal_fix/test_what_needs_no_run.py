"""Kinds of files, text that means the same, text that cannot work."""

from __future__ import annotations

import pytest

from hotfix.analysis.minimal_fix.kinds import Kind, kind_of
from hotfix.analysis.minimal_fix.leftovers import leftovers
from hotfix.analysis.minimal_fix.meaning import broken, meaning
from hotfix.domain.revert import FileState


def files(**texts: str) -> dict[str, FileState | None]:
    return {f"{name}.py": FileState(text.encode(), "100644") for name, text in texts.items()}


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("src/click/testing.py", Kind.SOURCE),
        ("shop/testing/runner.py", Kind.SOURCE),
        ("src/changes/tracker.py", Kind.SOURCE),
        ("requirements.txt", Kind.SOURCE),
        ("requirements/prod.txt", Kind.SOURCE),
        ("CMakeLists.txt", Kind.SOURCE),
        ("Makefile", Kind.SOURCE),
        ("news.py", Kind.SOURCE),
        ("tests/test_shop.py", Kind.TEST),
        ("jsonschema/tests/fuzz.py", Kind.TEST),
        ("shop/testing/test_runner.py", Kind.TEST),
        ("pricing_test.go", Kind.TEST),
        ("src/cart.spec.ts", Kind.TEST),
        ("conftest.py", Kind.TEST),
        ("CHANGES.rst", Kind.PROSE),
        ("CHANGELOG", Kind.PROSE),
        ("docs/usage.html", Kind.PROSE),
        ("changelog.d/1147.change.md", Kind.PROSE),
        ("README.md", Kind.PROSE),
    ],
)
def test_the_kind_of_a_file_by_its_name(path: str, kind: Kind) -> None:
    assert kind_of(path) is kind


def test_comments_and_layout_have_no_meaning_but_everything_else_has() -> None:
    plain = meaning(files(a="x = f(1, 2)\n"))
    assert meaning(files(a="# new\nx = f(\n    1,\n    2,\n)\n\n")) == plain
    assert meaning(files(a="x = f(1, 3)\n")) != plain
    assert meaning(files(b="x = f(1, 2)\n")) != plain
    assert meaning({"a.py": FileState(b"x = f(1, 2)\n", "100755")}) != plain
    assert meaning({"a.py": None}) != plain


def test_what_is_not_python_counts_byte_by_byte() -> None:
    def of(text: bytes, path: str) -> str:
        return meaning({path: FileState(text, "100644")})

    assert of(b"a: 1 # one\n", "a.yaml") != of(b"a: 1\n", "a.yaml")
    assert of(b"print 'old' # one\n", "a.py") != of(b"print 'old'\n", "a.py")


def test_python_that_does_not_parse_is_broken() -> None:
    good = files(a="def f():\n    return 1\n")
    assert "does not parse" in broken(files(a="def f():\nreturn 1\n"), good, good)
    assert broken(files(a="def f():\n    return 2\n"), good, good) == ""


def test_python_for_another_interpreter_is_not_judged() -> None:
    old = files(a="print 'for Python 2'\n")
    assert broken(files(a="print 'still'\n"), old, old) == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def f(line):\n    return 1\n    return line\n", "cannot be reached: return line"),
        ("def f():\n    return price\n", "f: price is not defined"),
        ("x = missing\n", "top: missing is not defined"),
        ("def f(a):\n    b = a\n    return a\n", "f: b is not used"),
    ],
)
def test_what_a_cut_leaves_over(text: str, words: str) -> None:
    assert words in leftovers(text.encode())
    assert words in broken(files(a=text), files(a="x = 1\n"), {})
    assert broken(files(a=text), files(a=text), {}) == "", "production has it already"


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    return\n    yield\n",
        "import os\nfrom a import *\nx = anything\n",
        "def f():\n    global cache\n    cache = 1\ndef g():\n    return cache\n",
        "class A:\n    def f(self):\n        return __class__\n",
        "def f(x):\n    return [y for y in x if y]\n",
        "try:\n    import json\nexcept ImportError:\n    json = None\nprint(json, __file__)\n",
        "def f():\n    _ignored = 1\n    for i in range(3):\n        print(i)\n",
        "def outer():\n    x = 1\n    def inner():\n        return x\n    return inner\n",
    ],
)
def test_what_is_written_on_purpose_is_no_leftover(text: str) -> None:
    assert leftovers(text.encode()) == frozenset()
