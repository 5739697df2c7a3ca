"""Python that runs, but that nobody would have written: what a partial revert leaves behind when it cuts too deep."""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Iterator
from itertools import pairwise

_ENDS = (ast.Return, ast.Raise, ast.Continue, ast.Break)
# Names that Python itself puts into a module.
_GIVEN = frozenset({*dir(builtins), "__file__", "__name__", "__path__", "__doc__", "__builtins__", "__class__"})


def leftovers(source: bytes) -> frozenset[str]:
    """What is left over in a text that parses, in words that tell one from the other.

    Statements that cannot be reached, names that nothing defines, and local values that nothing uses.
    """
    return frozenset({*_unreachable(ast.parse(source)), *_names(source)})


def _unreachable(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        for block in ("body", "orelse", "finalbody"):
            statements = getattr(node, block, None)
            if not isinstance(statements, list):
                continue
            for before, after in pairwise(statements):
                # An unreachable yield makes a function a generator: that is written on purpose.
                yields = any(isinstance(inner, (ast.Yield, ast.YieldFrom)) for inner in ast.walk(after))
                if isinstance(before, _ENDS) and not yields:
                    yield f"cannot be reached: {ast.unparse(after)[:200]}"


def _names(source: bytes) -> Iterator[str]:
    text = source.decode("utf-8", "replace")
    try:
        module = symtable.symtable(text, "<candidate>", "exec")
    except (SyntaxError, ValueError):
        return
    star = any(isinstance(n, ast.ImportFrom) and n.names[0].name == "*" for n in ast.walk(ast.parse(source)))
    if star:
        return
    tables = [module]
    for table in tables:
        tables += table.get_children()
    symbols = [(table, symbol) for table in tables for symbol in table.get_symbols()]
    defined = _GIVEN | {symbol.get_name() for symbol in module.get_symbols() if _is_bound(symbol)}
    # A function may declare a name global and assign it: then it is there for all.
    defined |= {symbol.get_name() for _, symbol in symbols if symbol.is_declared_global() and symbol.is_assigned()}
    handed_in = {symbol.get_name() for _, symbol in symbols if symbol.is_free()}
    for table, symbol in symbols:
        name = symbol.get_name()
        if symbol.is_referenced() and name not in defined and (symbol.is_global() or table is module):
            yield f"{table.get_name()}: {name} is not defined"
        if isinstance(table, symtable.Function) and _is_unused(symbol) and name not in handed_in:
            yield f"{table.get_name()}: {name} is not used"


def _is_unused(symbol: symtable.Symbol) -> bool:
    plain = symbol.is_local() and symbol.is_assigned() and not symbol.is_parameter() and not symbol.is_imported()
    return plain and not symbol.is_referenced() and not symbol.is_namespace() and not symbol.get_name().startswith("_")


def _is_bound(symbol: symtable.Symbol) -> bool:
    return symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
