"""The code that the reproducer executes, and what of it differs between the healthy and the failing version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hotfix.analysis.ranking.clues import Clues, Traced
from hotfix.analysis.ranking.words import telling
from hotfix.domain.execution import MODULE

# How much less a function counts for each one that was called after it.
_EARLIER = 0.93


@dataclass(frozen=True)
class ExecutedCode:
    """``appeared``: lines executed in the failing version and not in the healthy one; ``vanished``: the reverse.

    ``lateness``: (path, function) → weight, the greater the closer its last call is to the failure. ``functions``:
    those that ran in either version. Without what is only executed on import: every version does most of that.
    """

    appeared: frozenset[str] = frozenset()
    vanished: frozenset[str] = frozenset()
    lateness: Mapping[tuple[str, str], float] = field(default_factory=dict)
    functions: frozenset[tuple[str, str]] = frozenset()

    @staticmethod
    def of(clues: Clues) -> ExecutedCode:
        if clues.bad is None:
            return ExecutedCode()
        bad, bad_import = _texts(clues.bad)
        good, good_import = _texts(clues.good) if clues.good else (set[str](), set[str]())
        late = {function: _EARLIER**number for number, function in enumerate(reversed(_ran(clues.bad)))}
        return ExecutedCode(
            frozenset(bad - good - good_import),
            frozenset(good - bad - bad_import),
            late,
            frozenset((*late, *(_ran(clues.good) if clues.good else ()))),
        )


def _ran(traced: Traced) -> list[tuple[str, str]]:
    return [(each.path, each.name) for each in traced.execution.functions if not each.imported]


def _texts(traced: Traced) -> tuple[set[str], set[str]]:
    """What the executed lines say: those of functions, and those of what runs on import."""
    ran: set[str] = set()
    on_import: set[str] = set()
    for function in traced.execution.functions:
        source = traced.sources.get(function.path, ())
        texts = {telling(source[line - 1]) for line in function.lines if 0 < line <= len(source)}
        (on_import if function.imported or function.name == MODULE else ran).update(texts)
    return ran - {""}, on_import - {""}
