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

    ``lateness``: (path, function) → weight, the greater the closer its last call is to the failure. Lines that are only
    executed on import are left out: every version executes most of its modules.
    """

    appeared: frozenset[str] = frozenset()
    vanished: frozenset[str] = frozenset()
    lateness: Mapping[tuple[str, str], float] = field(default_factory=dict)

    @staticmethod
    def of(clues: Clues) -> ExecutedCode:
        if clues.bad is None:
            return ExecutedCode()
        bad, bad_import = _texts(clues.bad)
        good, good_import = _texts(clues.good) if clues.good else (set[str](), set[str]())
        ran = [each for each in clues.bad.execution.functions if not each.imported]
        return ExecutedCode(
            frozenset(bad - good - good_import),
            frozenset(good - bad - bad_import),
            {(each.path, each.name): _EARLIER ** (len(ran) - number) for number, each in enumerate(ran, 1)},
        )


def _texts(traced: Traced) -> tuple[set[str], set[str]]:
    """What the executed lines say: those of functions, and those of what runs on import."""
    ran: set[str] = set()
    on_import: set[str] = set()
    for function in traced.execution.functions:
        source = traced.sources.get(function.path, ())
        texts = {telling(source[line - 1]) for line in function.lines if 0 < line <= len(source)}
        (on_import if function.imported or function.name == MODULE else ran).update(texts)
    return ran - {""}, on_import - {""}
