"""What a run of the reproducer executed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hotfix.domain.diagnosis import ReproducerRun

MODULE = "<module>"


@dataclass(frozen=True)
class ExecutedFunction:
    """A function, or the body of a module or class, with those of its lines (from 1) that were executed.

    ``imported``: only while modules of the checkout were being imported.
    """

    path: str
    name: str
    first_line: int
    lines: tuple[int, ...]
    imported: bool


@dataclass(frozen=True)
class Execution:
    """In the order of each function's last call: what was called last is closest to the failure."""

    functions: tuple[ExecutedFunction, ...]

    def without(self, paths: Iterable[str]) -> Execution:
        """The same without the files ``paths``: the reproducer itself is no suspect."""
        left_out = set(paths)
        return Execution(tuple(function for function in self.functions if function.path not in left_out))

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(sorted({function.path for function in self.functions}))


@dataclass(frozen=True)
class Observation:
    """A run of the reproducer that was watched: its output, and what it executed where that can be told."""

    run: ReproducerRun
    output: str
    execution: Execution | None
