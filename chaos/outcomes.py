"""What became of each fault, kept beside the documentation and shown in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

BEGIN, END = "<!-- chaos: begin -->", "<!-- chaos: end -->"


@dataclass(frozen=True)
class Outcome:
    """``problems`` is empty when all is as it has to be. ``ended`` is the record's word, ``at`` when it was over."""

    name: str
    about: str
    ended: str
    seconds: int
    problems: tuple[str, ...]
    at: str


def now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="minutes")


def keep(outcomes: Iterable[Outcome], names: Sequence[str], page: Path) -> None:
    """Replace the outcomes of these faults in the JSON file beside ``page``, and the table between its marks.

    ``names`` are all faults in their order; those that were never run have no line, those that are no more lose it.

    Raises:
        ValueError: the page has no marks.
    """
    file = page.with_suffix(".json")
    known = {each["name"]: Outcome(**each) for each in json.loads(file.read_text())} if file.exists() else {}
    known.update({each.name: each for each in outcomes})
    kept = [known[name] for name in names if name in known]
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no lines {BEGIN} and {END}")
    file.write_text(json.dumps([asdict(each) for each in kept], indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    page.write_text(f"{before}{BEGIN}\n{_table(kept, len(names))}\n{END}{after}", encoding="utf-8")


def _table(outcomes: Sequence[Outcome], listed: int) -> str:
    held = sum(not outcome.problems for outcome in outcomes)
    lines = [
        f"{len(outcomes)} of the {listed} faults of the list were run; after {held} of them every invariant held.",
        "",
        "| fault | what happens | the record says | seconds | run (UTC) | invariants |",
        "|---|---|---|---|---|---|",
        *(
            f"| `{each.name}` | {each.about} | {each.ended} | {each.seconds} | {each.at[:16].replace('T', ' ')} | "
            f"{'; '.join(each.problems).replace('|', '/') or 'all hold'} |"
            for each in outcomes
        ),
    ]
    return "\n".join(lines)
