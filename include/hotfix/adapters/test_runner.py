"""The service's own tests, run as its profile says, in child processes that are confined."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hotfix.adapters import pytest_command
from hotfix.adapters.environments import DEPENDENCY_FILES, Environments
from hotfix.adapters.exit_codes import contradiction
from hotfix.adapters.junit import UnusableJunit, junit_cases, junit_text
from hotfix.adapters.placeholders import fill
from hotfix.adapters.processes import Completed, Limits, minimal_environment, run
from hotfix.adapters.reproducer_file import ReproducerRefused, write_reproducer
from hotfix.adapters.reproduction import run_reproducer
from hotfix.adapters.scratch import Scratch, scratch
from hotfix.adapters.untrusted_file import read_untrusted
from hotfix.domain.diagnosis import ReproducerRun, Verdict
from hotfix.domain.document import Sha, clip
from hotfix.domain.execution import Observation
from hotfix.domain.service import Argv, ServiceProfile
from hotfix.domain.test_map import TestMap, map_from_text
from hotfix.domain.testing import TestCase, TestRun

OUTPUT_LIMIT = 8_000
MAP_LIMIT = 512 * 1024 * 1024
_PROBE_SECONDS = 60
_PYTEST_WRONG_USAGE = 4
_WITHOUT_XDIST = "the service's test environment has no pytest-xdist: its tests ran one after another"


class _Unusable(Exception):
    """This version cannot be tried; the text says why."""


@dataclass(frozen=True)
class _Launch:
    """``remark``: why it is not ``parallel``, where it should be."""

    command: tuple[str, ...]
    parallel: bool = False
    remark: str = ""


class CommandTestRunner:
    """Implements ``ports.test_runner.TestRunner`` with the commands of a service profile.

    ``reproducer`` is the text of a test file, ``failing_request`` a request path; with both, the test is used.
    Every command runs in the checkout after the profile's setup commands, which alone may use the network, with HOME
    and TMPDIR in folders that are removed afterwards.
    """

    def __init__(
        self,
        profile: ServiceProfile,
        reproducer: str | None,
        failing_request: str | None,
        environments: Path | None = None,
    ) -> None:
        """``environments``: where those that ``environment_setup`` makes are kept; without it they cannot be made."""
        self._profile = profile
        self._environments = environments
        self._reproducer = reproducer
        self._failing_request = failing_request
        self._xdist: dict[tuple[tuple[str, ...], Path], bool] = {}

    def reproduce(self, checkout: Path, sha: Sha) -> ReproducerRun:
        """Run the incident's reproducer once on a checkout of ``sha``; see ``run_reproducer``.

        UNTESTABLE also when the profile has no command for it, or a setup command fails.
        """
        return self._reproduce(checkout, sha, observed=False).run

    def observe(self, checkout: Path, sha: Sha) -> Observation:
        """The same, with a note of what it executed."""
        return self._reproduce(checkout, sha, observed=True)

    def test_map(self, version: Sha) -> TestMap | None:
        """The map in the profile's folder; None also when it cannot be read or is of another version."""
        if self._profile.tests.maps is None:
            return None
        try:
            content = read_untrusted(Path(self._profile.tests.maps) / f"{version}.json", MAP_LIMIT)
            found = map_from_text(content.decode())
        except (OSError, ValueError):
            return None
        return found if found.version == version else None

    def run(
        self, checkout: Path, tests: tuple[str, ...], *, time_limit: float | None = None, parallel: bool = False
    ) -> TestRun:
        """Run ``tests`` and read the JUnit XML that they write outside the checkout; seconds include the setup.

        ``problem`` is set, and the run is no pass whatever its cases say, when the two accounts of it (exit code and
        JUnit XML) are incomplete or contradict each other. ``parallel`` matters to pytest alone, where its interpreter
        has pytest-xdist; without it pytest uses one process, whatever the repository's settings say.
        """
        started = time.monotonic()
        limit = min(time_limit or self._profile.tests.time_limit, self._profile.tests.time_limit)
        cases: tuple[TestCase, ...] = ()
        text = ""
        done: Completed | None = None
        launch = _Launch(())
        try:
            _check_selection(tests)
            with scratch() as folders:
                environment = self._set_up(checkout, folders)
                junit = folders.results / "junit.xml"
                command = self._fill(self._profile.commands.test, checkout, environment, tests, str(junit))
                launch = self._launch(pytest_command.to_the_end(command), tests, parallel, checkout, folders)
                if launch.parallel:
                    limit /= 2
                done = self._confined(launch.command, checkout, folders, limit)
                cases, text, problem = _judge(launch.command, junit, done, limit)
        except _Unusable as error:
            problem = str(error)
        return TestRun(
            cases=cases,
            exit_code=done.exit_code if done else None,
            seconds=round(time.monotonic() - started, 3),
            output=clip(done.output, OUTPUT_LIMIT) if done else "",
            problem=problem,
            junit=text,
            parallel=launch.parallel,
            remark=launch.remark,
        )

    def rerun(
        self, checkout: Path, tests: tuple[str, ...], cases: tuple[str, ...], *, time_limit: float | None = None
    ) -> TestRun:
        """Run ``cases`` by what pytest calls them; ``tests`` where another tool runs, or pytest does not know them."""
        names = pytest_command.node_ids(checkout, cases) if self._profile.commands.tests_with_pytest else ()
        run = self.run(checkout, names or tests, time_limit=time_limit)
        if names and run.exit_code == _PYTEST_WRONG_USAGE:
            return self.run(checkout, tests, time_limit=time_limit)
        return run

    def _launch(
        self, command: tuple[str, ...], tests: tuple[str, ...], parallel: bool, checkout: Path, folders: Scratch
    ) -> _Launch:
        if not pytest_command.is_pytest(command):
            return _Launch(command)
        if len(tests) == 1 and "::" in tests[0] and not pytest_command.own_number(command):
            parallel = False
        if not parallel and not pytest_command.asks_for_workers(command, checkout, self._profile.commands.environment):
            return _Launch(command)
        if pytest_command.turned_off(command) or not self._has_xdist(command, checkout, folders):
            return _Launch(command, remark=_WITHOUT_XDIST if parallel else "")
        if not parallel:
            return _Launch(pytest_command.one_process(command))
        return _Launch(pytest_command.every_core(command), parallel=True)

    def _has_xdist(self, command: tuple[str, ...], checkout: Path, folders: Scratch) -> bool:
        """Asked in the checkout: its settings may turn the plugin off. Asked once for each interpreter and checkout."""
        asked = pytest_command.probe(command)
        key = (asked, checkout)
        if key not in self._xdist:
            self._xdist[key] = self._confined(asked, checkout, folders, _PROBE_SECONDS).exit_code == 0
        return self._xdist[key]

    def _reproduce(self, checkout: Path, sha: Sha, observed: bool) -> Observation:
        started = time.monotonic()
        try:
            with scratch() as folders:
                template = self._reproducer_command()
                if self._reproducer is not None:
                    self._write_reproducer(checkout, self._reproducer)
                environment = self._set_up(checkout, folders)
                return run_reproducer(
                    self._fill(template, checkout, environment, junit=str(folders.results / "junit.xml")),
                    checkout,
                    sha,
                    folders=folders,
                    environment=self._profile.commands.environment,
                    time_limit=self._profile.tests.reproducer_time_limit,
                    limits=Limits(network=False),
                    observed=observed,
                )
        except _Unusable as error:
            seconds = round(time.monotonic() - started, 3)
            run = ReproducerRun(sha=sha, verdict=Verdict.UNTESTABLE, signature=str(error), seconds=seconds)
            return Observation(run, "", None)

    def _write_reproducer(self, checkout: Path, text: str) -> None:
        try:
            write_reproducer(checkout, self._profile.tests.reproducer_path, text)
        except ReproducerRefused as error:
            raise _Unusable(str(error)) from None

    def _reproducer_command(self) -> Argv:
        commands, name = self._profile.commands, self._profile.name
        if self._reproducer is not None:
            if commands.reproduce_test is None:
                raise _Unusable(f"the profile of {name} has no commands.reproduce_test: add it")
            return commands.reproduce_test
        if self._failing_request is None:
            raise _Unusable("the incident has neither a reproducer nor a failing request: give one")
        if commands.reproduce_request is None:
            raise _Unusable(f"the profile of {name} has no commands.reproduce_request: add it")
        return commands.reproduce_request

    def _set_up(self, checkout: Path, folders: Scratch) -> Path | None:
        """Make the checkout ready; its environment, where the profile has commands for one."""
        commands = self._profile.commands
        environment = None
        if commands.environment_setup and self._environments is not None:
            kept = Environments(self._environments, commands.dependency_files or DEPENDENCY_FILES)

            def build(place: Path) -> None:
                self._run_all(commands.environment_setup, "environment_setup", checkout, folders, place)

            environment = kept.ready(checkout, commands.environment_setup, build)
        self._run_all(commands.setup, "setup", checkout, folders, environment)
        return environment

    def _run_all(
        self, templates: Sequence[Argv], key: str, checkout: Path, folders: Scratch, environment: Path | None
    ) -> None:
        for template in templates:
            command = self._fill(template, checkout, environment)
            done = self._confined(command, checkout, folders, self._profile.tests.time_limit, network=True)
            if done.exit_code != 0:
                how = "took too long" if done.timed_out else f"exited with {done.exit_code}"
                if done.disk_filled:
                    how = "filled the disk"
                raise _Unusable(f"the {key} command {command[0]} {how}: {clip(done.output.strip(), 500)}")

    def _fill(
        self,
        argv: Argv,
        checkout: Path,
        environment: Path | None,
        tests: tuple[str, ...] = (),
        junit: str = "",
    ) -> tuple[str, ...]:
        values = {
            "python": sys.executable,
            "checkout": str(checkout),
            "junit": junit,
            "reproducer": self._profile.tests.reproducer_path,
            "request": self._failing_request or "",
        }
        if environment is not None:
            values["environment"] = str(environment)
        return fill(argv, values, tests)

    def _confined(
        self, command: tuple[str, ...], checkout: Path, folders: Scratch, seconds: float, network: bool = False
    ) -> Completed:
        environment = minimal_environment({**self._profile.commands.environment, **folders.environment})
        try:
            return run(
                command,
                cwd=checkout,
                environment=environment,
                time_limit=seconds,
                limits=Limits(network=network),
            )
        except OSError as error:
            raise _Unusable(f"{command[0]} does not start ({error}): check the commands of the profile") from None


def _check_selection(tests: tuple[str, ...]) -> None:
    if not tests:
        raise _Unusable("no tests were selected, and a test command without a selection may run anything")
    for test in tests:
        if test.startswith("-"):
            raise _Unusable(f"the selected test {test!r} would be read as an option: rename the file")


def _judge(
    command: tuple[str, ...], junit: Path, done: Completed, time_limit: float
) -> tuple[tuple[TestCase, ...], str, str]:
    """The cases of a finished run, their JUnit XML, and why they cannot be trusted (empty when they can)."""
    too_long = f"the tests {done.overrun(time_limit)}" if done.exit_code is None else ""
    try:
        text = junit_text(junit)
        cases = junit_cases(text)
    except UnusableJunit as error:
        return (), "", too_long or f"{error} (exit code {done.exit_code})"
    problem = too_long if done.exit_code is None else contradiction(command, done.exit_code, cases)
    return cases, text.decode("utf-8", "replace"), problem
