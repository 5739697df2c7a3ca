"""The measured outcomes in the documentation."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from chaos.play import Outcome

BEGIN, END = "<!-- chaos: begin -->", "<!-- chaos: end -->"


def write_table(file: Path, outcomes: Sequence[Outcome], seconds: float) -> None:
    """Replace what stands between the marks of ``file``.

    Raises:
        ValueError: the marks are not there.
    """
    text = file.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{file} has no lines {BEGIN} and {END}")
    file.write_text(f"{before}{BEGIN}\n{_table(outcomes, seconds)}\n{END}{after}", encoding="utf-8")


def _table(outcomes: Sequence[Outcome], seconds: float) -> str:
    held = sum(not outcome.problems for outcome in outcomes)
    lines = [
        f"{len(outcomes)} runs, {held} as they have to be, on {datetime.now(timezone.utc):%Y-%m-%d} in "
        f"{seconds / 60:.0f} minutes on {os.cpu_count()} cores (load at the end: {os.getloadavg()[1]:.0f}).",
        "",
        "| fault | what happens | the record says | seconds | invariants |",
        "|---|---|---|---|---|",
        *(
            f"| `{each.name}` | {each.about} | {each.ended} | {each.seconds:.0f} | "
            f"{'; '.join(each.problems).replace('|', '/') or 'all hold'} |"
            for each in outcomes
        ),
    ]
    return "\n".join(lines)
