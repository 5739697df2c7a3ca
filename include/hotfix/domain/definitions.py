"""The functions and methods of a Python file, for changes that belong to one whatever its lines look like now."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass


@dataclass(frozen=True)
class Definition:
    """Lines ``start`` … ``end`` - 1 (from 0), decorators included. ``tree`` is equal where only the layout differs."""

    name: str
    start: int
    end: int
    tree: str


def definitions(content: bytes) -> dict[str, Definition]:
    """By qualified name (``Class.method``); names that stand more than once are left out, inner functions too.

    Empty for what is not Python, or not Python that this interpreter understands.
    """
    try:
        with warnings.catch_warnings():
            # Of the service's code: an invalid escape in it is no concern of ours.
            warnings.simplefilter("ignore")
            tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    # The parser also ends lines at form feeds and lone CRs, which git does not: then the numbers would not be ours.
    if b"\f" in content or b"\r" in content.replace(b"\r\n", b"\n"):
        return {}
    found: dict[str, list[Definition]] = {}
    waiting: list[tuple[str, ast.AST]] = [("", tree)]
    while waiting:
        prefix, node = waiting.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                start = min([child.lineno, *(decorator.lineno for decorator in child.decorator_list)]) - 1
                name = f"{prefix}{child.name}"
                one = Definition(name, start, child.end_lineno or child.lineno, ast.dump(child))
                found.setdefault(name, []).append(one)
            elif isinstance(child, ast.ClassDef):
                waiting.append((f"{prefix}{child.name}.", child))
            elif isinstance(child, (ast.If, ast.Try)):
                waiting.append((prefix, child))
    return {name: ones[0] for name, ones in found.items() if len(ones) == 1}


def enclosing(found: dict[str, Definition], start: int, end: int) -> Definition | None:
    """The definition that holds lines ``start`` … ``end`` - 1; ``start`` == ``end`` is a place between two lines."""
    for one in found.values():
        if one.start <= start and end <= one.end and (start < end or one.start < start < one.end):
            return one
    return None
