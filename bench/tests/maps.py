"""A map of what each test of a case executes on production's version, made once and kept."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

from bench.analysis.case import Case
from bench.tests.suites import pytest_command, suite_of
from hotfix.adapters.git import GitRepository
from hotfix.adapters.test_map import MapUnusable, collect_map
from hotfix.domain.test_map import map_to_text


@dataclass(frozen=True)
class KnownMap:
    """``seconds`` of its two runs."""

    file: Path
    seconds: float


def find_map(case: Case, python: Path, ini: Path, folder: Path, limit: float) -> KnownMap:
    """The map of ``case``, from ``folder`` or made now, in two runs that may take ``limit`` seconds each.

    Raises:
        MapUnusable: none can be made; remembered, too.
    """
    file, facts = folder / f"{case.name}-map.json", folder / f"{case.name}-map-facts.json"
    if not facts.exists():
        facts.write_text(json.dumps(_make(case, python, ini, folder, limit, file)))
    found = json.loads(facts.read_text())
    if found["problem"]:
        raise MapUnusable(found["problem"])
    return KnownMap(file, found["seconds"])


def _make(case: Case, python: Path, ini: Path, folder: Path, limit: float, file: Path) -> dict[str, object]:
    repository = GitRepository.of_folder(folder / "mirrors", case.repository)
    started, problem = time.monotonic(), ""
    with repository.checkout(case.bad) as tree:
        paths = ":".join(str(tree / path) for path in case.python_path)
        try:
            found = collect_map(
                pytest_command(python, ini, [suite_of(case).folder]),
                tree,
                case.bad,
                environment={"PYTHONPATH": paths},
                time_limit=limit,
            )
            file.write_text(map_to_text(found))
        except MapUnusable as error:
            problem = str(error)
    return {"seconds": round(time.monotonic() - started, 1), "problem": problem}
