"""The page keeps what was measured, and only that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chaos.faults import FAULTS, OUTAGES, chosen
from chaos.outcomes import BEGIN, END, Outcome, keep

NAMES = ["a", "b", "c"]


def an_outcome(name: str, ended: str = "resolved", problems: tuple[str, ...] = ()) -> Outcome:
    return Outcome(
        name=name, about=f"{name} dies", ended=ended, seconds=61, problems=problems, at="2026-03-01T03:00+00:00"
    )


@pytest.fixture
def page(tmp_path: Path) -> Path:
    page = tmp_path / "reliability.md"
    page.write_text(f"before\n{BEGIN}\nlast time\n{END}\nafter\n", encoding="utf-8")
    return page


def test_the_table_stands_between_the_marks(page: Path) -> None:
    keep([an_outcome("b", problems=("git agrees: no | yes",)), an_outcome("a")], NAMES, page)
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"before\n{BEGIN}\n2 of the 3 faults of the list were run; after 1 of them every")
    assert text.endswith(f"{END}\nafter\n")
    assert [line for line in text.splitlines() if line.startswith("| `")] == [
        "| `a` | a dies | resolved | 61 | 2026-03-01 03:00 | all hold |",
        "| `b` | b dies | resolved | 61 | 2026-03-01 03:00 | git agrees: no / yes |",
    ]
    assert "last time" not in text


def test_a_fault_that_is_run_again_replaces_its_line_and_no_other(page: Path) -> None:
    keep([an_outcome("a"), an_outcome("b")], NAMES, page)
    keep([an_outcome("b", ended="failed")], NAMES, page)
    kept = json.loads(page.with_suffix(".json").read_text())
    assert [(each["name"], each["ended"]) for each in kept] == [("a", "resolved"), ("b", "failed")]


def test_a_fault_that_is_no_more_has_no_line(page: Path) -> None:
    keep([an_outcome("a"), an_outcome("b")], NAMES, page)
    keep([], ["b"], page)
    assert "dies" in page.read_text()
    assert "a dies" not in page.read_text()


def test_a_page_without_marks_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("mine")
    with pytest.raises(ValueError, match="has no lines"):
        keep([an_outcome("a")], NAMES, page)
    assert page.read_text() == "mine"
    assert not page.with_suffix(".json").exists()


def test_every_fault_is_run_once_and_every_kind_early() -> None:
    assert sorted(fault.name for fault in chosen()) == sorted(FAULTS)
    assert [fault.name for fault in chosen(["remote-down", "outcome-lost"])] == ["outcome-lost", "remote-down"]
    assert not set(FAULTS) & set(OUTAGES)
