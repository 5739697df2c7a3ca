"""The named parts of a Python file, and the names that each of them uses."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

MODULE = "<module>"
_FIXTURE = "fixture"
# Decorators that leave a function to be called by its name alone.
_PLAIN_DECORATORS = frozenset({
    "property", "staticmethod", "classmethod", "cached_property", "abstractmethod", "overload",
    "contextmanager", "asynccontextmanager", "wraps", "lru_cache", "cache", "setter", "getter", "deleter",
    "final", "override", "singledispatch", "dataclass", "total_ordering", "fixture", "mark", "parametrize",
})  # fmt: skip


@dataclass
class Unit:
    """A function, method, class body or variable of a module; statements without a name are ``MODULE``.

    ``owner`` is the class that holds it, ``bases`` what a class is made of. ``names`` are used as such, ``attributes``
    behind a dot, ``words`` are strings that could be names, ``parameters`` are what a fixture may be asked for by.
    ``registered``: a decorator keeps it, so that it may be called without its name.
    """

    path: str
    name: str
    owner: str = ""
    kind: str = "function"
    lines: tuple[int, int] = (0, 0)
    registered: bool = False
    fixture: bool = False
    autouse: bool = False
    bases: tuple[str, ...] = ()
    names: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    parameters: set[str] = field(default_factory=set)
    marks: set[str] = field(default_factory=set)
    nodes: list[ast.AST] = field(default_factory=list)

    @property
    def text(self) -> str:
        """What it says, without comments, positions and docstrings of functions."""
        return "".join(ast.dump(_without_docstring(node)) for node in self.nodes)

    @property
    def qualified(self) -> str:
        return f"{self.owner}.{self.name}" if self.owner else self.name


def units_of(path: str, tree: ast.Module, aliased: bool = True) -> list[Unit]:
    """Every unit of a file; nested functions and classes belong to the one around them.

    ``aliased`` False says that nothing in it is imported under another name, which saves looking.
    """
    found: list[Unit] = []
    aliases = dict(_aliases(tree)) if aliased else {}
    _collect(tree.body, path, None, "", found)
    for unit in found:
        # A thing imported under another name is used under that one.
        unit.names |= {aliases[name] for name in unit.names & aliases.keys()}
    return found


def _collect(statements: list[ast.stmt], path: str, rest: Unit | None, owner: str, found: list[Unit]) -> None:
    """Units of a module's or a class's statements; what has no name goes to the class ``rest``, or is one by itself."""
    for statement in statements:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            found.append(_function(statement, path, owner))
        elif isinstance(statement, ast.ClassDef):
            _class(statement, path, owner, found)
        elif isinstance(statement, ast.If | ast.Try | ast.With) and not owner:
            # Definitions under a condition are definitions; the condition itself is the module's.
            for part in _blocks(statement):
                _collect(part, path, rest, owner, found)
            for expression in _heads(statement):
                _loose(expression, path, rest, found)
        elif names := _bound(statement):
            for name in names:
                unit = Unit(path, name, owner, "variable", (statement.lineno, statement.end_lineno or 0))
                if isinstance(statement, ast.Import | ast.ImportFrom):
                    # What is imported is found by its own name: whoever uses it does not get here first.
                    unit.kind = "import"
                    unit.nodes.append(_binding(statement, name))
                else:
                    _use(statement, unit)
                found.append(unit)
            if rest:
                _use(statement, rest)
        elif not _is_docstring(statement):
            _loose(statement, path, rest, found)


def _loose(node: ast.stmt | ast.expr, path: str, rest: Unit | None, found: list[Unit]) -> None:
    unit = rest or Unit(path, MODULE, kind="module", lines=(node.lineno, node.end_lineno or node.lineno))
    _use(node, unit)
    if rest is None:
        found.append(unit)


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef, path: str, owner: str) -> Unit:
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    unit = Unit(path, node.name, owner, "function", (first, node.end_lineno or node.lineno))
    _use(node, unit)
    arguments = node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    unit.parameters = {argument.arg for argument in every} - {"self", "cls"}
    for decorator in node.decorator_list:
        names = [part.id if isinstance(part, ast.Name) else part.attr for part in ast.walk(decorator)
                 if isinstance(part, ast.Name | ast.Attribute)]  # fmt: skip
        if _FIXTURE in names:
            unit.fixture = True
            unit.autouse = any(isinstance(part, ast.keyword) and part.arg == "autouse" for part in ast.walk(decorator))
        elif not _PLAIN_DECORATORS & set(names):
            unit.registered = True
        unit.marks.update(_marks(decorator))
    return unit


def _class(node: ast.ClassDef, path: str, owner: str, found: list[Unit]) -> None:
    unit = Unit(path, node.name, owner, "class", (node.lineno, node.end_lineno or node.lineno))
    for expression in (*node.bases, *(word.value for word in node.keywords), *node.decorator_list):
        _use(expression, unit)
    unit.bases = tuple(base.id if isinstance(base, ast.Name) else base.attr for base in node.bases
                       if isinstance(base, ast.Name | ast.Attribute))  # fmt: skip
    for decorator in node.decorator_list:
        unit.marks.update(_marks(decorator))
    found.append(unit)
    _collect(node.body, path, unit, node.name, found)


def _use(node: ast.AST, unit: Unit) -> None:
    """Note everything that a node refers to."""
    for part in _executed(node):
        if isinstance(part, ast.Name):
            unit.names.add(part.id)
        elif isinstance(part, ast.Attribute):
            unit.attributes.add(part.attr)
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            if len(part.value) <= 120:
                unit.words.update(word for word in part.value.replace(":", ".").split(".") if word.isidentifier())
        elif isinstance(part, ast.keyword) and part.arg:
            unit.words.add(part.arg)
    unit.nodes.append(node)


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """Every node below, without the annotations of functions that no decorator may read."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        if isinstance(current, ast.FunctionDef | ast.AsyncFunctionDef) and not current.decorator_list:
            waiting.extend(current.body)
            waiting.extend(current.args.defaults)
            waiting.extend(default for default in current.args.kw_defaults if default)
            waiting.extend(getattr(current, "type_params", ()))
            continue
        # As ``ast.iter_child_nodes``, which takes twice as long, and this is most of the time of a selection.
        for name in current._fields:
            below = getattr(current, name, None)
            if isinstance(below, list):
                waiting.extend(each for each in below if isinstance(each, ast.AST))
            elif isinstance(below, ast.AST):
                waiting.append(below)


def _marks(decorator: ast.expr) -> Iterator[str]:
    """``name`` of ``pytest.mark.name`` and ``pytest.mark.name(…)``."""
    for part in ast.walk(decorator):
        if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Attribute) and part.value.attr == "mark":
            yield part.attr


def _without_docstring(node: ast.AST) -> ast.AST:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and len(node.body) > 1 and _is_docstring(node.body[0]):
        copy = type(node)(**{name: getattr(node, name) for name in node._fields})
        copy.body = node.body[1:]
        return copy
    return node


def _is_docstring(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _bound(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign | ast.AugAssign):
        targets = [statement.target]
    elif isinstance(statement, ast.Import | ast.ImportFrom):
        return [(alias.asname or alias.name).split(".")[0] for alias in statement.names if alias.name != "*"]
    else:
        return []
    names = [part.id for target in targets for part in ast.walk(target)
             if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)]  # fmt: skip
    return names if all(isinstance(t, ast.Name | ast.Tuple | ast.List) for t in targets) else []


def _binding(statement: ast.Import | ast.ImportFrom, name: str) -> ast.AST:
    """What a statement says about one of the names that it imports."""
    own = [alias for alias in statement.names if (alias.asname or alias.name).split(".")[0] == name]
    return type(statement)(**{**dict(ast.iter_fields(statement)), "names": own})


def _blocks(statement: ast.If | ast.Try | ast.With) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        yield getattr(statement, name, [])
    for handler in getattr(statement, "handlers", []):
        yield handler.body


def _heads(statement: ast.If | ast.Try | ast.With) -> Iterator[ast.expr]:
    if isinstance(statement, ast.If):
        yield statement.test
    elif isinstance(statement, ast.With):
        yield from (item.context_expr for item in statement.items)


def _aliases(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                if alias.asname and alias.asname != alias.name:
                    yield alias.asname, alias.name.split(".")[-1]


def changed_units(before: list[Unit], after: list[Unit]) -> tuple[list[Unit], list[Unit]]:
    """Units that two versions of a file do not have alike: those of the old one, and those of the new one.

    Comments, docstrings of functions and positions count for nothing. Definitions with one name are compared together.
    """
    old, new = _by_name(before), _by_name(after)
    different = {name for name in old.keys() | new.keys() if _texts(old.get(name)) != _texts(new.get(name))}
    return (
        [unit for name in sorted(different) for unit in old.get(name, [])],
        [unit for name in sorted(different) for unit in new.get(name, [])],
    )


def _by_name(units: list[Unit]) -> dict[str, list[Unit]]:
    found: dict[str, list[Unit]] = {}
    for unit in units:
        found.setdefault(unit.qualified, []).append(unit)
    return found


def _texts(units: list[Unit] | None) -> list[tuple[str, str]] | None:
    return None if units is None else [(unit.kind, unit.text) for unit in units]
