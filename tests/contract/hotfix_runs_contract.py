"""What every ``HotfixRuns`` promises."""

from __future__ import annotations

from typing import Any, Protocol

import pytest

from hotfix.domain.errors import CannotStartRun, InvalidIncident
from hotfix.ports.hotfix_runs import HotfixRuns

# One a test: the database of the real one is made once for all of them.
SERVICES = ("rehearsed", "once", "params", "newest", "active", "noted", "long", "paused")
GOOD = {"description": "Quotes for ten or more pieces fail", "criteria": ["production_down"]}


class RunsUnderTest(HotfixRuns, Protocol):
    """With what a test has to see and do besides."""

    def noted(self, run_id: str) -> str:
        """The run's note."""

    def finish(self, run_id: str) -> None: ...

    def pause(self, paused: bool) -> None:
        """Pause the DAG, or let it go on."""


class HotfixRunsContract:
    """A subclass has a fixture ``runs``."""

    def test_a_run_starts_once(self, runs: RunsUnderTest) -> None:
        assert start(runs, "once", "intake__once__1")
        assert not start(runs, "once", "intake__once__1")
        assert runs.latest("intake__once__1") == "intake__once__1"

    @pytest.mark.parametrize("wrong", [{"description": "short"}, {"approval": "never"}, {"attempt": 9}], ids=str)
    def test_params_that_the_form_refuses_start_nothing(self, runs: RunsUnderTest, wrong: dict[str, Any]) -> None:
        with pytest.raises(InvalidIncident):
            runs.start("intake__params__1", {"service": "params", **GOOD, **wrong}, "test", "a note")
        assert runs.latest("intake__params__") is None
        assert runs.active("params") is None

    def test_a_rehearsal_leaves_nothing(self, runs: RunsUnderTest) -> None:
        for _ in range(2):
            runs.rehearse({"service": "rehearsed", **GOOD})
        assert runs.active("rehearsed") is None
        assert runs.latest("intake__rehearsal") is None
        with pytest.raises(InvalidIncident):
            runs.rehearse({"service": "rehearsed", **GOOD, "attempt": 9})

    def test_the_newest_run_of_a_prefix(self, runs: RunsUnderTest) -> None:
        assert runs.latest("intake__newest__") is None
        for number in (2, 1):
            assert start(runs, "newest", f"intake__newest__{number}")
        assert runs.latest("intake__newest__") == "intake__newest__1"
        assert runs.latest("intake_%newest__") is None, "a prefix is no pattern"

    def test_a_run_is_active_until_it_ends(self, runs: RunsUnderTest) -> None:
        assert runs.active("active") is None
        assert start(runs, "active", "intake__active__1")
        assert start(runs, "active", "intake__active__2")
        assert runs.active("active") == "intake__active__1"
        runs.finish("intake__active__1")
        assert runs.active("active") == "intake__active__2"
        runs.finish("intake__active__2")
        assert runs.active("active") is None
        assert runs.latest("intake__active__") == "intake__active__2"

    def test_a_line_is_noted_once(self, runs: RunsUnderTest) -> None:
        assert start(runs, "noted", "intake__noted__1")
        for _ in range(2):
            runs.note("intake__noted__1", "alert resolved")
        assert runs.noted("intake__noted__1").splitlines() == ["started by a test", "alert resolved"]
        runs.note("intake__noted__2", "there is no such run")
        assert runs.latest("intake__noted__2") is None

    def test_of_many_lines_the_first_and_the_newest_stay(self, runs: RunsUnderTest) -> None:
        assert start(runs, "long", "intake__long__1")
        for number in range(20):
            runs.note("intake__long__1", f"{number:02} {'x' * 97}")
        lines = runs.noted("intake__long__1").splitlines()
        assert lines[0] == "started by a test"
        assert lines[-1].startswith("19 ")
        assert len("\n".join(lines)) <= 1000

    def test_nothing_waits_behind_a_paused_dag(self, runs: RunsUnderTest) -> None:
        runs.pause(True)
        with pytest.raises(CannotStartRun, match="paused"):
            start(runs, "paused", "intake__paused__1")
        runs.pause(False)
        assert start(runs, "paused", "intake__paused__1")


def start(runs: HotfixRuns, service: str, run_id: str) -> bool:
    return runs.start(run_id, {"service": service, **GOOD}, "test", "started by a test")
