"""What a test runner promises, to a service that means well and to one that does not."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from hotfix.adapters.failure_signature import TIMEOUT
from hotfix.adapters.processes import Limits
from hotfix.adapters.test_runner import OUTPUT_LIMIT, CommandTestRunner
from hotfix.domain import service
from hotfix.domain.diagnosis import Verdict
from hotfix.domain.service import Argv, ServiceProfile
from hotfix.domain.test_map import TestMap, map_to_text
from hotfix.domain.testing import Outcome, TestCase, TestRun
from hotfix.ports import test_runner as port
from tests.contract.fakes.test_runner import FakeTestRunner

SHA = "a" * 40
PYTEST: Argv = ("{python}", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml={junit}", "{tests}")
REPRODUCE: Argv = ("{python}", "-m", "pytest", "-q", "-p", "no:cacheprovider", "{reproducer}")
SAMPLE = (TestCase(id="t", outcome=Outcome.PASSED, seconds=0),)


def profile(
    test: Argv = PYTEST,
    setup: tuple[Argv, ...] = (),
    reproduce_test: Argv | None = REPRODUCE,
    reproduce_request: Argv | None = None,
    environment: dict[str, str] | None = None,
    seconds: int = 60,
    reproducer_path: str = "tests/test_reproducer.py",
) -> ServiceProfile:
    return ServiceProfile(
        name="shop",
        repository="file:///nowhere",
        commands=service.Commands(
            setup=setup,
            test=test,
            reproduce_test=reproduce_test,
            reproduce_request=reproduce_request,
            environment=environment or {},
        ),
        tests=service.Tests(
            critical=("tests",),
            time_limit=seconds,
            reproducer_time_limit=seconds,
            reproducer_path=reproducer_path,
        ),
        deployer=service.CommandDeployerProfile(kind="command", deploy=("d",), status=("s",), rollback=("r",)),
        monitoring=service.Monitoring(url="http://127.0.0.1:1", probes=("/",)),
    )


def script(code: str) -> Argv:
    return ("{python}", "-c", code, "{junit}", "{tests}")


def running(token: str) -> bool:
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if f"\0{token}".encode() in entry.read_bytes():
                return True
        except OSError:
            continue
    return False


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "check out"
    (folder / "tests").mkdir(parents=True)
    (folder / "shop.py").write_text("def price(n):\n    return 100 // n\n")
    (folder / "tests" / "conftest.py").write_text(
        "import sys, pathlib\nsys.path.insert(0, str(pathlib.Path(__file__).parents[1]))\n"
    )
    (folder / "tests" / "test_shop.py").write_text(
        "import pytest, shop\n"
        "def test_price(): assert shop.price(4) == 25\n"
        "class TestMore:\n"
        "    @pytest.mark.parametrize('n', [0, 50])\n"
        "    def test_any(self, n): assert shop.price(n) == 2\n"
        "    @pytest.mark.skip(reason='later')\n"
        "    def test_later(self): assert False\n"
    )
    return folder


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the throw-away folders are made."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


class TestBothRunners:
    """The contract that the fake keeps too."""

    @pytest.fixture(params=["real", "fake"])
    def runner_for(self, request: pytest.FixtureRequest, checkout: Path) -> Callable[[str], port.TestRunner]:
        git = ["git", "-C", str(checkout), "-c", "user.name=t", "-c", "user.email=t@t"]
        subprocess.run(["git", "init", "-q", str(checkout)], check=True)
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run([*git, "commit", "-qm", "one"], check=True)
        head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()

        def make(failure: str) -> port.TestRunner:
            if request.param == "real":
                body = f"raise ValueError({failure!r})" if failure else "pass"
                return CommandTestRunner(profile(), f"def test_it():\n    {body}\n", None)
            run = TestRun(cases=SAMPLE, exit_code=0, seconds=0, output="")
            return FakeTestRunner({SHA: failure and f"ValueError: {failure}"}, {head: run})

        return make

    def test_a_good_version(self, runner_for: Callable[[str], port.TestRunner], checkout: Path) -> None:
        run = runner_for("").reproduce(checkout, SHA)
        assert (run.sha, run.verdict, run.signature) == (SHA, Verdict.GOOD, "")

    def test_a_bad_version(self, runner_for: Callable[[str], port.TestRunner], checkout: Path) -> None:
        run = runner_for("boom").reproduce(checkout, SHA)
        assert (run.verdict, run.signature) == (Verdict.OTHER_FAILURE, "ValueError: boom")

    def test_an_observation_is_the_same_run_with_its_output(
        self, runner_for: Callable[[str], port.TestRunner], checkout: Path
    ) -> None:
        for failure, verdict in (("boom", Verdict.OTHER_FAILURE), ("", Verdict.GOOD)):
            seen = runner_for(failure).observe(checkout, SHA)
            assert (seen.run.sha, seen.run.verdict) == (SHA, verdict)
            assert seen.run.signature == (f"ValueError: {failure}" if failure else "")
            assert failure in seen.output

    def test_a_selection(self, runner_for: Callable[[str], port.TestRunner], checkout: Path) -> None:
        run = runner_for("").run(checkout, ("tests/test_shop.py::test_price",))
        assert [case.outcome for case in run.cases] == [Outcome.PASSED]
        assert (run.exit_code, run.problem) == (0, "")

    def test_no_map_is_none(self, runner_for: Callable[[str], port.TestRunner]) -> None:
        assert runner_for("").test_map("a" * 40) is None

    def test_no_selection_is_no_pass(self, runner_for: Callable[[str], port.TestRunner], checkout: Path) -> None:
        run = runner_for("").run(checkout, ())
        assert run.cases == ()
        assert "no tests were selected" in run.problem


class TestReproduce:
    def reproduce(
        self, checkout: Path, text: str | None, request: str | None = None, **settings: object
    ) -> tuple[Verdict, str]:
        run = CommandTestRunner(profile(**settings), text, request).reproduce(checkout, SHA)  # type: ignore[arg-type]
        return run.verdict, run.signature

    def test_the_signature_is_the_same_in_another_checkout(self, checkout: Path, tmp_path: Path) -> None:
        text = (
            "import pathlib, tempfile\n"
            "def test_it():\n"
            "    raise OSError(f'{pathlib.Path.cwd()}/x {tempfile.mkdtemp()}')\n"
        )
        other = tmp_path / "other"
        other.mkdir()
        first, second = self.reproduce(checkout, text), self.reproduce(other, text)
        assert first == second == (Verdict.OTHER_FAILURE, "OSError: x <tmp>")

    def test_it_replaces_an_older_reproducer(self, checkout: Path) -> None:
        assert self.reproduce(checkout, "def test_it(): assert 1 == 2\n")[0] is Verdict.OTHER_FAILURE
        assert self.reproduce(checkout, "def test_it(): pass\n") == (Verdict.GOOD, "")

    def test_missing_folders_are_made(self, checkout: Path) -> None:
        path = "deep/er/test_reproducer.py"
        assert self.reproduce(checkout, "def test_it(): pass\n", reproducer_path=path) == (Verdict.GOOD, "")
        assert (checkout / path).is_file()

    @pytest.mark.parametrize("code", [125, 126, 127])
    def test_a_code_that_says_skip(self, checkout: Path, code: int) -> None:
        verdict, why = self.reproduce(checkout, "x", reproduce_test=script(f"raise SystemExit({code})"))
        assert verdict is Verdict.UNTESTABLE
        assert f"exit {code}" in why

    @pytest.mark.parametrize(
        ("text", "code"),
        [("import nowhere_to_be_found\n", 2), ("def helper(): pass\n", 5), ("def broken(:\n", 2)],
        ids=["import", "no tests", "syntax"],
    )
    def test_pytest_that_ran_no_test(self, checkout: Path, text: str, code: int) -> None:
        verdict, why = self.reproduce(checkout, text)
        assert verdict is Verdict.UNTESTABLE
        assert why.startswith(f"exit {code}")

    def test_the_same_code_of_another_program_is_a_failure(self, checkout: Path) -> None:
        command = script("import sys; sys.exit('lost 3 orders')")
        assert self.reproduce(checkout, "x", reproduce_test=command) == (
            Verdict.OTHER_FAILURE,
            "lost 3 orders",
        )
        command = script("print('no'); raise SystemExit(2)")
        assert self.reproduce(checkout, "x", reproduce_test=command) == (Verdict.OTHER_FAILURE, "no")

    def test_a_hang_is_a_failure_with_a_name(self, checkout: Path) -> None:
        text = "import time\ndef test_it(): time.sleep(60)\n"
        assert self.reproduce(checkout, text, seconds=5) == (Verdict.OTHER_FAILURE, TIMEOUT)

    def test_a_crash_is_a_failure_with_a_name(self, checkout: Path) -> None:
        command = script("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
        verdict, signature = self.reproduce(checkout, "x", reproduce_test=command)
        assert (verdict, signature) == (Verdict.OTHER_FAILURE, "exit 139 without output")

    def test_a_program_that_is_not_there(self, checkout: Path) -> None:
        verdict, why = self.reproduce(checkout, "x", reproduce_test=("no-such-program",))
        assert verdict is Verdict.UNTESTABLE
        assert "no-such-program" in why

    def test_a_failing_setup(self, checkout: Path) -> None:
        setup = (("{python}", "-c", "print('no wheel'); raise SystemExit(3)"),)
        verdict, why = self.reproduce(checkout, "def test_it(): pass\n", setup=setup)
        assert verdict is Verdict.UNTESTABLE
        assert "exited with 3" in why
        assert "no wheel" in why

    def test_setup_prepares_the_reproducer(self, checkout: Path) -> None:
        setup = (
            ("{python}", "-c", "import pathlib; pathlib.Path('made.txt').write_text('1')"),
            ("{python}", "-c", "import pathlib; pathlib.Path.home().joinpath('made.txt').write_text('2')"),
        )
        text = (
            "import pathlib\n"
            "def test_it():\n"
            "    assert pathlib.Path('made.txt').read_text() == '1'\n"
            "    assert (pathlib.Path.home() / 'made.txt').read_text() == '2'\n"
        )
        assert self.reproduce(checkout, text, setup=setup) == (Verdict.GOOD, "")

    def test_the_failing_request(self, checkout: Path) -> None:
        command = ("{python}", "-c", "import sys; sys.exit('GET ' + sys.argv[1])", "{request}")
        found = self.reproduce(checkout, None, "/pay?id={junit}", reproduce_request=command)
        assert found == (Verdict.OTHER_FAILURE, "GET /pay?id={junit}")

    @pytest.mark.parametrize(
        ("text", "request_path", "missing"),
        [("x", None, "reproduce_test"), (None, "/pay", "reproduce_request"), (None, None, "neither")],
    )
    def test_nothing_to_reproduce_with(
        self, checkout: Path, text: str | None, request_path: str | None, missing: str
    ) -> None:
        verdict, why = self.reproduce(checkout, text, request_path, reproduce_test=None)
        assert verdict is Verdict.UNTESTABLE
        assert missing in why

    def test_a_link_does_not_lead_out(self, checkout: Path, tmp_path: Path) -> None:
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "precious.py").write_text("keep\n")
        (checkout / "out").symlink_to(outside)
        for path in ("out/precious.py", "out/new/test_x.py"):
            verdict, why = self.reproduce(checkout, "x", reproducer_path=path)
            assert verdict is Verdict.UNTESTABLE
            assert "out of the checkout" in why
        assert [file.name for file in outside.iterdir()] == ["precious.py"]
        assert (outside / "precious.py").read_text() == "keep\n"

    def test_a_link_in_its_place_is_replaced(self, checkout: Path, tmp_path: Path) -> None:
        (tmp_path / "precious.py").write_text("keep\n")
        (checkout / "tests" / "test_reproducer.py").symlink_to(tmp_path / "precious.py")
        assert self.reproduce(checkout, "def test_it(): pass\n") == (Verdict.GOOD, "")
        assert (tmp_path / "precious.py").read_text() == "keep\n"

    def test_a_file_where_its_folder_should_be(self, checkout: Path) -> None:
        verdict, why = self.reproduce(checkout, "x", reproducer_path="shop.py/test_x.py")
        assert verdict is Verdict.UNTESTABLE
        assert "cannot be written" in why


class TestSelection:
    def run(self, checkout: Path, tests: tuple[str, ...] = ("tests/test_shop.py",), **settings: object) -> TestRun:
        return CommandTestRunner(profile(**settings), None, None).run(checkout, tests)  # type: ignore[arg-type]

    def test_every_case_with_its_outcome(self, checkout: Path) -> None:
        run = self.run(checkout)
        assert run.problem == ""
        assert run.exit_code == 1
        assert {case.id: case.outcome for case in run.cases} == {
            "tests.test_shop.test_price": Outcome.PASSED,
            "tests.test_shop.TestMore.test_any[0]": Outcome.FAILED,
            "tests.test_shop.TestMore.test_any[50]": Outcome.PASSED,
            "tests.test_shop.TestMore.test_later": Outcome.SKIPPED,
        }
        assert "ZeroDivisionError" in run.with_outcome(Outcome.FAILED)[0].message
        assert "ZeroDivisionError" in run.output

    def test_ids_are_paths_where_the_file_is_known(self, checkout: Path) -> None:
        command = (*PYTEST[:-1], "-o", "junit_family=xunit1", "{tests}")
        ids = [case.id for case in self.run(checkout, test=command).cases]
        assert ids[0] == "tests/test_shop.py::test_price"
        assert "tests/test_shop.py::TestMore::test_any[0]" in ids

    def test_only_the_selection_runs(self, checkout: Path) -> None:
        run = self.run(checkout, ("tests/test_shop.py::test_price",))
        assert [case.id for case in run.cases] == ["tests.test_shop.test_price"]

    def test_nothing_of_the_runner_is_left_in_the_checkout(self, checkout: Path, results: Path) -> None:
        before = sorted(path.relative_to(checkout) for path in checkout.rglob("*"))
        assert len(self.run(checkout).cases) == 4
        assert sorted(path.relative_to(checkout) for path in checkout.rglob("*")) == before
        assert list(results.iterdir()) == []

    def test_home_and_temporary_files_are_thrown_away(self, checkout: Path, results: Path) -> None:
        code = (
            "import pathlib, sys, tempfile\n"
            "for folder in (pathlib.Path.home(), pathlib.Path(tempfile.gettempdir())):\n"
            "    (folder / 'left').write_text('x'); print(folder)\n"
        )
        printed = self.run(checkout, test=script(code)).output.split()
        assert len(printed) == 2
        assert all(folder.startswith(str(results)) for folder in printed)
        assert list(results.iterdir()) == []

    def test_the_environment_is_the_profiles_and_nothing_of_ours(
        self, checkout: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_SECRET", "ours")
        output = self.run(checkout, test=("env",), environment={"SHOP_MODE": "test"}).output
        assert "SHOP_MODE=test" in output
        assert "ours" not in output

    def test_a_test_cannot_reach_a_server(self, checkout: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            connect = f"import socket; socket.create_connection(('127.0.0.1', {server.getsockname()[1]}), 5)"
            setup = (("{python}", "-c", connect),)
            run = self.run(checkout, test=script(f"{connect}; print('reached')"), setup=setup)
        assert run.exit_code is not None, f"setup may use the network: {run.problem}"
        assert "reached" not in run.output

    @pytest.mark.parametrize(
        ("code", "problem"),
        [
            ("pass", "wrote no JUnit"),
            ("raise SystemExit(1)", "wrote no JUnit"),
            ("import sys; open(sys.argv[1], 'w').write('<testsuite>')", "cannot be read"),
            ("import sys; open(sys.argv[1], 'w').write('<testsuite/>')", "no test case"),
            ("import sys; open(sys.argv[1], 'w').truncate(30 * 2**20)", "larger than 20 MB"),
            ("import os, sys; os.symlink('/etc/passwd', sys.argv[1])", "cannot be opened"),
            ("import os, sys; os.mkfifo(sys.argv[1])", "not a plain file"),
            (
                "import sys; open(sys.argv[1],'w').write('<a><testcase name=\"t\"><failure/></testcase></a>')",
                "with 0",
            ),
            (
                "import sys; open(sys.argv[1],'w').write('<a><testcase name=\"t\"/></a>'); sys.exit(1)",
                "with 1",
            ),
            (
                "import sys; open(sys.argv[1],'w').write('<a><testcase name=\"t\"/></a>'); sys.exit(127)",
                "stopped",
            ),
        ],
        ids=[
            "none",
            "none-1",
            "cut",
            "no-cases",
            "huge",
            "link",
            "pipe",
            "0-but-failed",
            "1-but-passed",
            "127",
        ],
    )
    def test_a_result_that_cannot_be_trusted(self, checkout: Path, code: str, problem: str) -> None:
        assert problem in self.run(checkout, test=script(code)).problem

    def test_a_deleted_junit_file(self, checkout: Path) -> None:
        (checkout / "tests" / "test_shop.py").write_text(
            "import atexit, pathlib, sys\n"
            "path = next(word.split('=')[1] for word in sys.argv if 'junitxml' in word)\n"
            "atexit.register(lambda: pathlib.Path(path).unlink())\n"
            "def test_price(): pass\n"
        )
        run = self.run(checkout)
        assert "1 passed" in run.output
        assert "wrote no JUnit" in run.problem

    def test_an_error_while_collecting_is_no_complete_run(self, checkout: Path) -> None:
        (checkout / "tests" / "test_other.py").write_text("import nowhere_to_be_found\n")
        run = self.run(checkout, ("tests/test_shop.py", "tests/test_other.py"))
        assert run.with_outcome(Outcome.ERROR)
        assert "before all of them ran" in run.problem

    def test_a_hang_keeps_the_cases_so_far(self, checkout: Path) -> None:
        code = "import sys,time; open(sys.argv[1],'w').write('<a><testcase name=\"t\"/></a>'); time.sleep(60)"
        run = self.run(checkout, test=script(code), seconds=5)
        assert "did not end within 5 s" in run.problem
        assert run.exit_code is None
        assert [case.id for case in run.cases] == ["t"]

    def test_a_hanging_test_without_a_result(self, checkout: Path) -> None:
        (checkout / "tests" / "test_shop.py").write_text("import time\ndef test_it(): time.sleep(60)\n")
        run = self.run(checkout, seconds=5)
        assert run.cases == ()
        assert "did not end within 5 s" in run.problem

    def test_daemons_end_with_the_run(self, checkout: Path) -> None:
        token = secrets.token_hex(8)
        (checkout / "tests" / "test_shop.py").write_text(
            "import subprocess, sys\n"
            "def test_it():\n"
            f"    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)', '{token}'])\n"
        )
        run = self.run(checkout)
        assert run.problem == ""
        assert run.seconds < 50
        deadline = time.monotonic() + 30
        while running(token) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not running(token)

    def test_a_flood_of_output_is_clipped(self, checkout: Path) -> None:
        code = "import os\nblock = b'x' * 2**20\nfor _ in range(1024): os.write(1, block)\nprint('end of flood')"
        run = self.run(checkout, test=script(code))
        assert len(run.output) <= OUTPUT_LIMIT
        assert run.output.rstrip().endswith("end of flood")

    def test_a_command_that_is_not_there(self, checkout: Path) -> None:
        run = self.run(checkout, test=("no-such-program", "{tests}"))
        assert run.exit_code is None
        assert "no-such-program" in run.problem

    def test_a_failing_setup(self, checkout: Path) -> None:
        run = self.run(checkout, setup=(("{python}", "-c", "raise SystemExit(3)"),))
        assert run.cases == ()
        assert "exited with 3" in run.problem

    def test_a_hanging_setup(self, checkout: Path) -> None:
        run = self.run(checkout, setup=(("sleep", "60"),), seconds=5)
        assert "took too long" in run.problem

    def test_a_selection_cannot_be_an_option(self, checkout: Path) -> None:
        run = self.run(checkout, ("--co",))
        assert run.cases == ()
        assert "option" in run.problem

    def test_odd_file_names(self, checkout: Path) -> None:
        names = ("tests/test_größe x.py", "tests/test_two\nlines.py", os.fsdecode(b"tests/test_caf\xe9.py"))
        for name in names:
            (checkout / name).write_text("def test_it(): pass\n")
        for name in names[:2]:
            run = self.run(checkout, (name,))
            assert [case.outcome for case in run.cases] == [Outcome.PASSED]
            again = CommandTestRunner(profile(), None, None).rerun(checkout, (name,), (run.cases[0].id,))
            assert [case.id for case in again.cases] == [run.cases[0].id]
        run = self.run(checkout, names[2:])
        assert run.problem or [case.outcome for case in run.cases] == [Outcome.PASSED]

    def test_a_fork_bomb_ends_with_the_time(self, checkout: Path) -> None:
        token = secrets.token_hex(8)
        # Bounded, so that a failing test does not take the machine with it.
        code = (
            "import subprocess, sys, time\n"
            f"[subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)', '{token}']) for _ in range(30)]\n"
            "time.sleep(60)"
        )
        run = self.run(checkout, test=script(code), seconds=5)
        assert "did not end within 5 s" in run.problem
        deadline = time.monotonic() + 30
        while running(token) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not running(token)

    def test_a_file_that_grows_without_end_stops_at_the_limit(self, checkout: Path) -> None:
        # Sparse: the limit counts the size of the file, and no disk is filled to show it.
        code = (
            "import os, sys\n"
            "with open('big', 'wb') as file:\n"
            "    file.seek(2**30 - 1); file.write(b'x'); print('below', flush=True)\n"
            "    file.seek(2**30 + 1); file.write(b'x'); file.flush(); print('went past it')\n"
        )
        run = self.run(checkout, test=script(code))
        assert "below" in run.output
        assert "went past it" not in run.output
        assert run.problem

    def test_files_without_end_stop_at_the_limit(self, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("hotfix.adapters.test_runner.Limits", partial(Limits, disk=8 * 1024**2))
        code = (
            "import os, time\n"
            "for n in range(40):\n"
            "    with open(f'part{n}', 'wb') as file: file.write(os.urandom(2**20)); os.fsync(file.fileno())\n"
            "    time.sleep(0.05)\n"
            "time.sleep(60)"
        )
        run = self.run(checkout, test=script(code), seconds=50)
        assert run.problem == "the tests filled the disk"
        assert run.exit_code is None

    def test_a_success_without_a_result_is_none(self, checkout: Path) -> None:
        run = self.run(checkout, test=("true", "{tests}"))
        assert run.exit_code == 0
        assert "wrote no JUnit" in run.problem
        assert run.junit == ""

    def test_a_shorter_time_limit_wins_and_a_longer_does_not(self, checkout: Path) -> None:
        runner = CommandTestRunner(profile(test=script("import time; time.sleep(60)"), seconds=5), None, None)
        assert "within 1 s" in runner.run(checkout, ("t",), time_limit=1).problem
        assert "within 5 s" in runner.run(checkout, ("t",), time_limit=50).problem

    def test_every_core_is_used_where_pytest_can(self, checkout: Path) -> None:
        tests = ("tests/test_shop.py::test_price", "tests/test_shop.py::TestMore")
        runner = CommandTestRunner(profile(), None, None)
        together = runner.run(checkout, tests, parallel=True)
        alone = runner.run(checkout, tests)
        assert {case.id: case.outcome for case in together.cases} == {case.id: case.outcome for case in alone.cases}
        assert together.problem == ""
        assert "bringing up nodes" in together.output
        assert "bringing up nodes" not in alone.output

    def test_a_pytest_without_xdist_runs_as_it_is(self, checkout: Path) -> None:
        command = (*PYTEST[:3], "-p", "no:xdist", *PYTEST[3:])
        run = CommandTestRunner(profile(test=command), None, None).run(checkout, ("tests", "shop.py"), parallel=True)
        assert "unrecognized" not in run.output
        assert len(run.cases) == 4

    def test_a_map_is_of_exactly_its_version(self, tmp_path: Path) -> None:
        one, other, broken = "a" * 40, "b" * 40, "c" * 40
        text = map_to_text(
            TestMap(one, {"tests/test_a.py::test_a": {"a.py": frozenset({1, 2, 4})}}, {}, {}, frozenset())
        )
        for name, content in ((one, text), (other, text), (broken, text[:40])):
            (tmp_path / f"{name}.json").write_text(content)
        known = profile()
        tests = known.tests.model_copy(update={"maps": str(tmp_path)})
        runner = CommandTestRunner(known.model_copy(update={"tests": tests}), None, None)
        found = runner.test_map(one)
        assert found is not None
        assert found.executing("a.py", frozenset({4, 5})) == {"tests/test_a.py::test_a"}
        assert [runner.test_map(each) for each in (other, broken, "d" * 40)] == [None, None, None]

    def test_the_junit_of_a_run_is_kept(self, checkout: Path) -> None:
        assert "<testcase" in self.run(checkout).junit
