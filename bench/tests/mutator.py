"""Small mistakes in given lines of a Python file: what a test that deserves its name notices."""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
_REMOVABLE = (ast.Assign, ast.AugAssign, ast.Expr, ast.Return, ast.Raise, ast.Delete)


@dataclass(frozen=True)
class Mutation:
    """``source`` is the whole file with the mistake in it."""

    line: int
    what: str
    source: str


def mutations(source: str, lines: Collection[int], count: int, seed: int = 0) -> list[Mutation]:
    """At most ``count`` different mistakes in ``lines`` (from 1), spread over them; the same for the same arguments."""
    whole = ast.parse(source)
    said = {id(node.value) for node in ast.walk(whole) if isinstance(node, ast.Expr)}
    places = [
        (index, number, what)
        for index, node in enumerate(ast.walk(whole))
        for number, (line, what, _) in enumerate(_changes(node))
        # A docstring is no mistake that a test could notice.
        if line in lines and not (isinstance(node, ast.Constant) and id(node) in said)
    ]
    random.Random(seed).shuffle(places)
    plain, made = ast.unparse(ast.parse(source)), {}
    for index, number, _ in places:
        if len(made) == count:
            break
        tree = ast.parse(source)
        node = list(ast.walk(tree))[index]
        line, what, change = list(_changes(node))[number]
        change()
        mutated = ast.unparse(ast.fix_missing_locations(tree))
        if mutated != plain:
            made.setdefault(mutated, Mutation(line, what, mutated))
    return list(made.values())


def _changes(node: ast.AST) -> Iterator[tuple[int, str, Callable[[], None]]]:
    """What can be done to one node: in which line, what, and how."""
    line = getattr(node, "lineno", 0)
    if isinstance(node, ast.Compare) and (other := _COMPARISONS.get(type(node.ops[0]))):
        yield line, f"{type(node.ops[0]).__name__} → {other.__name__}", lambda: node.ops.__setitem__(0, other())
    if isinstance(node, ast.BoolOp):
        swapped: ast.boolop = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield line, "and ↔ or", lambda: setattr(node, "op", swapped)
    if isinstance(node, ast.BinOp | ast.AugAssign) and (operator := _ARITHMETIC.get(type(node.op))):
        yield line, f"{type(node.op).__name__} → {operator.__name__}", lambda: setattr(node, "op", operator())
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield line, "not removed", lambda: _become(node, node.operand)
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        negated = ast.UnaryOp(ast.Not(), node.test)
        yield line, "condition negated", lambda: setattr(node, "test", negated)
    if isinstance(node, ast.Constant) and not _is_text(node):
        yield line, "constant", lambda: setattr(node, "value", _other_value(node.value))
    for name in ("body", "orelse", "finalbody"):
        statements = getattr(node, name, None)
        if isinstance(statements, list):
            yield from _removals(statements)


def _removals(statements: list[ast.stmt]) -> Iterator[tuple[int, str, Callable[[], None]]]:
    for index, statement in enumerate(statements):
        if isinstance(statement, _REMOVABLE) and not _is_docstring(statement):
            what = f"{type(statement).__name__} in line {statement.lineno} removed"
            yield statement.lineno, what, lambda index=index: statements.__setitem__(index, ast.Pass())  # type: ignore[misc]


def _become(node: ast.UnaryOp, operand: ast.expr) -> None:
    node.op, node.operand = ast.UAdd(), ast.Call(ast.Name("bool", ast.Load()), [operand], [])


def _is_text(node: ast.Constant) -> bool:
    return (isinstance(node.value, str | bytes) and len(node.value) > 40) or node.value is Ellipsis


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _other_value(value: object) -> object:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        return f"{value}x"
    if isinstance(value, bytes):
        return value + b"x"
    return 1
