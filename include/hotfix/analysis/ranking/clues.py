"""What is known of a failure before anything is searched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hotfix.analysis.stack_trace import Frame
from hotfix.domain.document import Sha
from hotfix.domain.execution import Execution


@dataclass(frozen=True)
class Traced:
    """What the reproducer executed in one version, without the reproducer itself; ``sources``: path → lines."""

    execution: Execution
    sources: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Clues:
    """Everything that a ranking may go by; each may be missing.

    ``bad`` and ``good``: the failing and the healthy version. ``frames``: the trace's, innermost first;
    ``frame_authors``: who wrote their lines, with the weight of the evidence. ``text``: the words of the reproducer, of
    its output, of the trace and of the report.
    """

    bad: Traced | None = None
    good: Traced | None = None
    frames: tuple[Frame, ...] = ()
    frame_authors: Mapping[Sha, float] = field(default_factory=dict)
    suspected_paths: tuple[str, ...] = ()
    text: str = ""
