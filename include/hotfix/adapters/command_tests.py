"""A service's tests by a command alone, for where there is no service profile."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from hotfix.adapters.exit_codes import contradiction
from hotfix.adapters.junit import UnusableJunit, read_junit
from hotfix.adapters.placeholders import fill
from hotfix.adapters.processes import Completed, Limits, minimal_environment, run
from hotfix.adapters.scratch import scratch
from hotfix.domain.document import clip
from hotfix.domain.testing import TestCase, TestRun

OUTPUT_LIMIT = 8_000
# A version with which the tests take so many times longer than with production's hangs; in seconds, at least.
PATIENCE = 5
SHORTEST = 60.0
_STOP_EARLY = ("-x", "--exitfirst", "--maxfail", "--sw", "--stepwise", "--lf", "--last-failed", "--ff")


@dataclass
class CommandTests:
    """``command`` holds an argument ``{tests}`` and, somewhere, ``{junit}``.

    ``time_limit`` (seconds) is that of the first run, which is production's; later ones get ``PATIENCE`` times what
    it took.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    time_limit: float

    def run(self, checkout: Path, tests: tuple[str, ...]) -> TestRun:
        """As ``ports.test_runner.TestRunner.run``; never raises for what that version does."""
        started = time.monotonic()
        with scratch() as folders:
            junit = folders.results / "junit.xml"
            command = fill(self.command, {"junit": str(junit)}, tests)
            environment = minimal_environment({**self.environment, **folders.environment})
            try:
                done = run(command, cwd=checkout, environment=environment, time_limit=self.time_limit, limits=Limits())
            except OSError as error:
                problem = f"{command[0]} does not start ({error})"
                return TestRun(cases=(), exit_code=None, seconds=0, output="", problem=problem)
            cases, problem = self._judged(command, junit, done)
        seconds = time.monotonic() - started
        if not problem:
            self.time_limit = min(self.time_limit, max(SHORTEST, PATIENCE * seconds))
        return TestRun(
            cases=cases,
            exit_code=done.exit_code,
            seconds=round(seconds, 3),
            output=clip(done.output, OUTPUT_LIMIT),
            problem=problem,
        )

    def _judged(self, command: Sequence[str], junit: Path, done: Completed) -> tuple[tuple[TestCase, ...], str]:
        if done.exit_code is None:
            return (), f"the tests {done.overrun(self.time_limit)}"
        try:
            cases = read_junit(junit)
        except UnusableJunit as error:
            return (), f"{error} (exit code {done.exit_code})"
        return cases, contradiction(command, done.exit_code, cases)


def command_for_tests(reproduce: Sequence[str], reproducers: Sequence[str]) -> tuple[str, ...] | None:
    """A test command made of the reproducer's, if that is pytest's; None otherwise.

    ``reproducers`` are the paths of the files that only the reproducer needs. Its test arguments become ``{tests}``.
    """
    names = [PurePath(argument).name for argument in reproduce]
    if not {"pytest", "py.test"} & set(names):
        return None
    start = max(position for position, name in enumerate(names) if name in ("pytest", "py.test"))
    arguments, tests, skip = list(reproduce[: start + 1]), 0, False
    for position, argument in enumerate(reproduce[start + 1 :], start + 1):
        if skip:
            skip = False
        elif _is_test_argument(argument, reproducers, reproduce[position - 1]):
            arguments += [] if tests else ["{tests}"]
            tests += 1
        elif argument.split("=")[0] in _STOP_EARLY:
            skip = argument == "--maxfail"
        elif argument in ("-k", "-m"):
            skip = True
        else:
            arguments.append(argument)
    return (*arguments, "--junitxml={junit}", "--continue-on-collection-errors") if tests else None


def _is_test_argument(argument: str, reproducers: Sequence[str], before: str) -> bool:
    path = argument.split("::")[0]
    if path in reproducers or path.removeprefix("./") in reproducers:
        return True
    return not reproducers and not argument.startswith("-") and before not in ("-c", "-p", "-W", "-o") and ".py" in path
