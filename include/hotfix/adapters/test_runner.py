"""The service's own tests, run as its profile says, in child processes that are confined."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from hotfix.adapters.exit_codes import contradiction, says_nothing
from hotfix.adapters.failure_signature import TIMEOUT, failure_signature
from hotfix.adapters.junit import UnusableJunit, read_junit
from hotfix.adapters.placeholders import fill
from hotfix.adapters.processes import Completed, Limits, minimal_environment, run
from hotfix.adapters.reproducer_file import ReproducerRefused, write_reproducer
from hotfix.adapters.scratch import Scratch, scratch
from hotfix.domain.diagnosis import ReproducerRun, Verdict
from hotfix.domain.document import Sha, clip
from hotfix.domain.service import Argv, ServiceProfile
from hotfix.domain.testing import TestCase, TestRun

OUTPUT_LIMIT = 8_000


class _Unusable(Exception):
    """This version cannot be tried; the text says why."""


class CommandTestRunner:
    """Implements ``ports.test_runner.TestRunner`` with the commands of a service profile.

    ``reproducer`` is the text of a test file, ``failing_request`` a request path; with both, the test is used.
    Every command runs in the checkout after the profile's setup commands, which alone may use the network, with HOME
    and TMPDIR in folders that are removed afterwards.
    """

    def __init__(self, profile: ServiceProfile, reproducer: str | None, failing_request: str | None) -> None:
        self._profile = profile
        self._reproducer = reproducer
        self._failing_request = failing_request

    def reproduce(self, checkout: Path, sha: Sha) -> ReproducerRun:
        """Run the incident's reproducer once on a checkout of ``sha``; never raises for what the version does.

        GOOD when it exits with 0. UNTESTABLE, with the reason as signature, when the version says nothing about the
        failure: no command for it, setup fails, or an exit code that means "did not run". Everything else is
        OTHER_FAILURE with its signature, also running out of time (signature ``timeout``): a hang may be the
        symptom. SAME_FAILURE is never the answer here, since only the caller knows production's signature.
        """
        started = time.monotonic()
        try:
            verdict, signature = self._reproduce(checkout)
        except _Unusable as error:
            verdict, signature = Verdict.UNTESTABLE, str(error)
        return ReproducerRun(
            sha=sha, verdict=verdict, signature=signature, seconds=round(time.monotonic() - started, 3)
        )

    def run(self, checkout: Path, tests: tuple[str, ...]) -> TestRun:
        """Run ``tests`` and read the JUnit XML that they write outside the checkout; seconds include the setup.

        ``problem`` is set, and the run is no pass whatever its cases say, when the two accounts of it (exit code and
        JUnit XML) are incomplete or contradict each other.
        """
        started = time.monotonic()
        cases: tuple[TestCase, ...] = ()
        done: Completed | None = None
        try:
            _check_selection(tests)
            with scratch() as folders:
                self._set_up(checkout, folders)
                junit = folders.results / "junit.xml"
                command = self._fill(self._profile.commands.test, checkout, tests=tests, junit=str(junit))
                done = self._confined(command, checkout, folders, self._profile.tests.time_limit)
                cases, problem = _judge(command, junit, done, self._profile.tests.time_limit)
        except _Unusable as error:
            problem = str(error)
        return TestRun(
            cases=cases,
            exit_code=done.exit_code if done else None,
            seconds=round(time.monotonic() - started, 3),
            output=clip(done.output, OUTPUT_LIMIT) if done else "",
            problem=problem,
        )

    def _reproduce(self, checkout: Path) -> tuple[Verdict, str]:
        profile = self._profile
        template = self._reproducer_command()
        with scratch() as folders:
            if self._reproducer is not None:
                try:
                    write_reproducer(checkout, profile.tests.reproducer_path, self._reproducer)
                except ReproducerRefused as error:
                    raise _Unusable(str(error)) from None
            self._set_up(checkout, folders)
            command = self._fill(template, checkout, junit=str(folders.results / "junit.xml"))
            done = self._confined(command, checkout, folders, profile.tests.reproducer_time_limit)
        if done.exit_code is None:
            return Verdict.OTHER_FAILURE, TIMEOUT
        if done.exit_code == 0:
            return Verdict.GOOD, ""
        if says_nothing(command, done.exit_code):
            raise _Unusable(f"exit {done.exit_code}: {failure_signature(done.output, done.exit_code, checkout)}")
        return Verdict.OTHER_FAILURE, failure_signature(done.output, done.exit_code, checkout)

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

    def _set_up(self, checkout: Path, folders: Scratch) -> None:
        for template in self._profile.commands.setup:
            command = self._fill(template, checkout)
            done = self._confined(command, checkout, folders, self._profile.tests.time_limit, network=True)
            if done.exit_code != 0:
                how = "took too long" if done.timed_out else f"exited with {done.exit_code}"
                raise _Unusable(f"the setup command {command[0]} {how}: {clip(done.output.strip(), 500)}")

    def _fill(self, argv: Argv, checkout: Path, tests: tuple[str, ...] = (), junit: str = "") -> tuple[str, ...]:
        values = {
            "python": sys.executable,
            "checkout": str(checkout),
            "junit": junit,
            "reproducer": self._profile.tests.reproducer_path,
            "request": self._failing_request or "",
        }
        return fill(argv, values, tests)

    def _confined(
        self, command: tuple[str, ...], checkout: Path, folders: Scratch, seconds: int, network: bool = False
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


def _judge(command: tuple[str, ...], junit: Path, done: Completed, time_limit: int) -> tuple[tuple[TestCase, ...], str]:
    """The cases of a finished run, and why they cannot be trusted (empty when they can)."""
    too_long = f"the tests did not end within {time_limit} s" if done.exit_code is None else ""
    try:
        cases = read_junit(junit)
    except UnusableJunit as error:
        return (), too_long or f"{error} (exit code {done.exit_code})"
    return cases, too_long if done.exit_code is None else contradiction(command, done.exit_code, cases)
