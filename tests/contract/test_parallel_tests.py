"""Real tests beside each other, by a real pytest-xdist: what fails only then decides nothing."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from hotfix.adapters.test_runner import CommandTestRunner
from hotfix.domain import service
from hotfix.domain.service import Argv, ServiceProfile
from hotfix.domain.testing import Outcome, TestRun
from hotfix.steps.settled_run import settled_run

# Two workers, on a machine of any size.
PYTEST: Argv = ("{python}", "-m", "pytest", "-n", "2", "-q", "-p", "no:cacheprovider", "--junitxml={junit}", "{tests}")
ALONE: Argv = (*PYTEST[:3], *PYTEST[5:])
PASSED, FAILED, ERROR = Outcome.PASSED, Outcome.FAILED, Outcome.ERROR
# They fail in a worker every time, and not by luck.
HEAD = "import os, socket, pathlib, pytest\nBESIDE = 'PYTEST_XDIST_WORKER' in os.environ\n"
SHARED = """
def test_takes_the_process_with_it():
    if BESIDE:
        os._exit(3)

@pytest.mark.parametrize("way", ["a.b", "x::y", "wide ü"])
def test_port(way):
    # Taken by whoever came first, and kept to the end of the run.
    if BESIDE:
        assert os.environ["PYTEST_XDIST_WORKER"] == "nobody", "address in use"

class TestGroup:
    def test_broken(self):
        assert 1 == 2

    def test_fine(self):
        pass

def test_skipped_alone():
    if BESIDE:
        raise OSError("no room")
    pytest.skip("not here")
"""
FAIL_ONCE = """
def test_comes_and_goes():
    note = pathlib.Path(__file__).with_name("note")
    runs = len(note.read_text()) if note.exists() else 0
    note.write_text("x" * (runs + 1))
    # Fails, passes, fails.
    assert runs == 1
"""
IN_ORDER = """
made = []

def test_first():
    made.append(1)

def test_needs_the_one_before_it():
    assert made and not BESIDE
"""
IMPORT = "if BESIDE:\n    raise OSError('taken')\n\ndef test_inside():\n    pass\n"


def runner_of(test: Argv = PYTEST, seconds: int = 240) -> CommandTestRunner:
    profile = ServiceProfile(
        name="shop",
        repository="file:///nowhere",
        commands=service.Commands(test=test),
        tests=service.Tests(critical=("tests",), time_limit=seconds),
        deployer=service.CommandDeployerProfile(kind="command", deploy=("d",), status=("s",), rollback=("r",)),
        monitoring=service.Monitoring(url="http://127.0.0.1:1", probes=("/",)),
    )
    return CommandTestRunner(profile, None, None)


def write(folder: Path, files: dict[str, str], settings: str = "") -> Path:
    (folder / "tests").mkdir(parents=True, exist_ok=True)
    (folder / "pytest.ini").write_text(f"[pytest]\naddopts = {settings}\n")
    for name, text in files.items():
        (folder / "tests" / name).write_text(HEAD + text)
    return folder


def outcomes(run: TestRun) -> dict[str, Outcome]:
    return {case.id.rpartition("tests.")[2]: case.outcome for case in run.cases}


def test_what_fails_beside_other_tests_is_judged_alone(tmp_path: Path) -> None:
    files = {"test_shared.py": SHARED, "test_luck.py": FAIL_ONCE, "test_order.py": IN_ORDER, "test_import.py": IMPORT}
    tree = write(tmp_path, files)
    lines: list[str] = []
    # One name for all of test_order, so that its tests may be asked for as they were selected.
    names = (*(f"tests/{name}" for name in sorted(files)), "tests/test_order.py::test_first")
    run = settled_run(runner_of(), tree, names, 240, lines.append)
    found = outcomes(run)
    assert run.problem == ""
    assert run.parallel
    assert {name for name, outcome in found.items() if outcome in (FAILED, ERROR)} == {
        "test_shared.TestGroup.test_broken",
        "test_luck.test_comes_and_goes",
    }
    assert {name.rpartition("tests.")[2] for name in run.flaky} == {"test_luck.test_comes_and_goes"}
    only = {name.rpartition("tests.")[2] for name in run.only_in_parallel}
    assert only == {
        "test_shared.test_takes_the_process_with_it",
        "test_shared.test_port[a.b]",
        "test_shared.test_port[x::y]",
        "test_shared.test_port[wide \\xfc]",
        "test_shared.test_skipped_alone",
        "test_order.test_needs_the_one_before_it",
        "test_import",
    }
    assert found["test_shared.test_skipped_alone"] is Outcome.SKIPPED
    assert found["test_import.test_inside"] is PASSED
    assert found["test_shared.TestGroup.test_fine"] is PASSED
    assert any("failed beside other tests only" in line for line in lines)
    assert len(ElementTree.fromstring(run.junit).findall("testsuite")) > 1


def test_a_parallel_run_that_does_not_end_is_made_up_for(tmp_path: Path) -> None:
    text = "def test_waits():\n    time.sleep(300 if BESIDE else 0)\n\ndef test_other():\n    assert 1 == 2\n"
    tree = write(tmp_path, {"test_lock.py": f"import time\n\n{text}"})
    run = settled_run(runner_of(seconds=80), tree, ("tests",), 80, lambda line: None)
    assert outcomes(run) == {"test_lock.test_waits": PASSED, "test_lock.test_other": FAILED}
    assert run.problem == ""
    assert "did not end within 40 s" in run.remark


def test_crashes_beyond_count_lose_no_test(tmp_path: Path) -> None:
    """By default xdist gives up after four crashes a worker, forgets the rest, and ends like a run with failures."""
    text = "@pytest.mark.parametrize('n', range(7))\ndef test_it(n):\n    if n == 4 or BESIDE and n < 4: os._exit(3)\n"
    tree = write(tmp_path, {"test_crash.py": text}, settings="--max-worker-restart=1 -x")
    run = settled_run(runner_of(), tree, ("tests",), 240, lambda line: None)
    assert outcomes(run) == {f"test_crash.test_it[{n}]": ERROR if n == 4 else PASSED for n in range(7)}
    assert len(run.only_in_parallel) == 4


@pytest.mark.parametrize("settings", ["-x", "--maxfail=1"])
def test_a_failure_ends_no_run(tmp_path: Path, settings: str) -> None:
    tree = write(tmp_path, {"test_a.py": "def test_a(): assert 0\n\ndef test_b(): assert 0\n"}, settings)
    run = runner_of(ALONE).run(tree, ("tests",))
    assert outcomes(run) == {"test_a.test_a": FAILED, "test_a.test_b": FAILED}


def test_settings_without_xdist_are_run_one_after_another_and_it_is_said(tmp_path: Path) -> None:
    tree = write(tmp_path, {"test_a.py": "def test_a(): assert not BESIDE\n"}, "-p no:xdist")
    run = settled_run(runner_of(ALONE), tree, ("tests",), 240, lambda line: None)
    assert outcomes(run) == {"test_a.test_a": PASSED}
    assert not run.parallel
    assert "no pytest-xdist" in run.remark


def test_one_process_is_one_whatever_command_and_settings_say(tmp_path: Path) -> None:
    tree = write(tmp_path, {"test_a.py": "def test_a(): assert not BESIDE\n"})
    run = runner_of().run(tree, ("tests",))
    assert outcomes(run) == {"test_a.test_a": PASSED}
    beside = runner_of().run(tree, ("tests",), parallel=True)
    assert (outcomes(beside), beside.parallel) == ({"test_a.test_a": FAILED}, True)


@pytest.mark.parametrize("settings", ["-n 2", "--numprocesses=2", "-q -n2 -x"])
def test_one_process_is_one_whatever_the_settings_say(tmp_path: Path, settings: str) -> None:
    tree = write(tmp_path, {"test_a.py": "def test_a(): assert not BESIDE\n"}, settings)
    assert outcomes(runner_of(ALONE).run(tree, ("tests",))) == {"test_a.test_a": PASSED}
