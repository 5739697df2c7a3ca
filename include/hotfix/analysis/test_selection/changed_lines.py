"""The lines of a function's old version that a run must execute before it can notice that the function changed.

After Rothermel and Harrold, "A safe, efficient regression test selection technique", ACM TOSEM 6(2), 1997: two
versions run alike until one of them takes an edge of the control flow that the other does not have. Here edges are
taken for the statements at their ends, found by comparing syntax trees. What is not certain is ``None``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_BLOCKS = ("body", "orelse", "finalbody")
# Statements of which no line may be executed although they are reached.
_SILENT = (ast.Pass, ast.Continue, ast.Break, ast.Global, ast.Nonlocal)


class _Uncertain(Exception):
    """Nothing can be said about this change by lines."""


def lines_to_notice(old: ast.AST, new: ast.AST) -> frozenset[int] | None:
    """Lines (from 1) of ``old``, of which a run that notices the difference executes at least one.

    ``None`` when it may be noticed without: another signature, decorator or kind of function, no function at all.
    """
    try:
        return frozenset(_of_functions(old, new))
    except _Uncertain:
        return None


def body_lines(function: ast.AST) -> frozenset[int] | None:
    """The lines that a function runs when it is called; ``None`` of something else, or of one with decorators."""
    if not isinstance(function, _Function) or function.decorator_list:
        return None
    return frozenset(_range(function.body[0].lineno, function.body[-1]))


def _of_functions(old: ast.AST, new: ast.AST) -> Iterator[int]:
    if not isinstance(old, _Function) or type(old) is not type(new) or not isinstance(new, _Function):
        raise _Uncertain
    if _call(old) != _call(new) or _is_generator(old) != _is_generator(new):
        raise _Uncertain
    body = _range(old.body[0].lineno, old.body[-1])
    if _rebinds(old, new):
        # A name that is local now is so in the whole function.
        yield from body
        return
    found = set(_of_blocks(old.body, new.body, body))
    yield from found


def _of_blocks(old: Sequence[ast.stmt], new: Sequence[ast.stmt], around: Sequence[int]) -> Iterator[int]:
    matcher = SequenceMatcher(None, [ast.dump(each) for each in old], [ast.dump(each) for each in new], autojunk=False)
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        if tag == "equal":
            continue
        if tag == "insert":
            yield from _at(old, start, around)
        elif tag == "replace" and end - start == new_end - new_start:
            for one, other in zip(old[start:end], new[new_start:new_end], strict=True):
                yield from _of_statements(one, other)
                if isinstance(one, _SILENT):
                    yield from around
        else:
            for one in old[start:end]:
                yield from _lines(one)
            yield from _at(old, start, around)


def _at(statements: Sequence[ast.stmt], index: int, around: Sequence[int]) -> Iterator[int]:
    """A place before the statement ``index``: reached is it with that one, or behind the last one."""
    following = statements[index] if index < len(statements) else None
    if following is not None and not _is_silent(following):
        yield from _lines(following)
        return
    if following is not None:
        yield from _lines(following)
    before = statements[index - 1] if index > 0 else None
    yield from _lines(before) if before is not None and not _is_silent(before) else around


def _of_statements(old: ast.stmt, new: ast.stmt) -> Iterator[int]:
    if ast.dump(old) == ast.dump(new):
        return
    if isinstance(old, _Function):
        try:
            yield from _of_functions(old, new)
        except _Uncertain:
            yield from _lines(old)
        return
    blocks = [name for name in _BLOCKS if hasattr(old, name)]
    if not blocks or type(old) is not type(new) or _head(old) != _head(new):
        yield from _lines(old)
        return
    for name in blocks:
        yield from _of_blocks(getattr(old, name), getattr(new, name), list(_lines(old)))
    for one, other in zip(getattr(old, "handlers", ()), getattr(new, "handlers", ()), strict=True):
        yield from _of_blocks(one.body, other.body, list(_lines(old)))


def _head(statement: ast.stmt) -> str:
    """A compound statement without its blocks."""
    rest = {name: value for name, value in ast.iter_fields(statement) if name not in _BLOCKS}
    if handlers := rest.pop("handlers", None):
        rest["caught"] = [(handler.type and ast.dump(handler.type), handler.name) for handler in handlers]
    return repr({name: _dumped(value) for name, value in rest.items()})


def _dumped(value: object) -> object:
    if isinstance(value, ast.AST):
        return ast.dump(value)
    return [_dumped(each) for each in value] if isinstance(value, list) else value


def _call(function: _Function) -> str:
    """What callers see: the parameters without annotations, the defaults, the decorators."""
    given = function.args
    names = [
        [argument.arg for argument in group]
        for group in (given.posonlyargs, given.args, given.kwonlyargs,
                      [each for each in (given.vararg,) if each], [each for each in (given.kwarg,) if each])
    ]  # fmt: skip
    return repr([names, *(_dumped(each) for each in (given.defaults, given.kw_defaults, function.decorator_list))])


def _is_generator(function: _Function) -> bool:
    return any(isinstance(node, ast.Yield | ast.YieldFrom) for node in _own(function))


def _rebinds(old: _Function, new: _Function) -> bool:
    before, after = _bound(old), _bound(new)
    return bool((after - before) & _loaded(old)) or bool((before - after) & _loaded(new))


def _bound(function: _Function) -> set[str]:
    found: set[str] = set()
    for node in _own(function):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, _Function | ast.ClassDef) and node is not function:
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found.add(node.name)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            found |= {f"{type(node).__name__} {name}" for name in node.names} | set(node.names)
        elif isinstance(node, ast.MatchAs | ast.MatchStar) and node.name:
            found.add(node.name)
    return found


def _loaded(function: _Function) -> set[str]:
    return {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def _own(function: _Function) -> Iterator[ast.AST]:
    """The nodes of a function without the bodies of those inside it."""
    waiting: list[ast.AST] = [function]
    while waiting:
        node = waiting.pop()
        yield node
        if node is function or not isinstance(node, _Function | ast.Lambda | ast.ClassDef):
            waiting.extend(ast.iter_child_nodes(node))


def _is_silent(statement: ast.stmt) -> bool:
    return isinstance(statement, _SILENT) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    )


def _lines(statement: ast.stmt) -> Sequence[int]:
    decorators = getattr(statement, "decorator_list", [])
    return _range(min([statement.lineno, *(each.lineno for each in decorators)]), statement)


def _range(first: int, last: ast.stmt) -> Sequence[int]:
    return range(first, (last.end_lineno or last.lineno) + 1)
