"""One place that a stack trace names."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Frame:
    """A line (from 1) of a file of the repository. Two frames are equal when path and line are.

    ``function`` is the plain name of the function as the trace gives it, without module, class and arguments; ""
    where the trace gives none. ``line_known`` is false where the trace names the file's type only: ``line`` is then 1
    and says nothing.
    """

    path: str
    line: int
    function: str = field(default="", compare=False)
    line_known: bool = field(default=True, compare=False)
