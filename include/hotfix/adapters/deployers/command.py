"""Deployment with any tool that has a command line."""

from __future__ import annotations

import re
import shlex
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from hotfix.adapters.deployers.machine_lock import held_by
from hotfix.adapters.deployers.turns import Turns
from hotfix.adapters.deployers.waiting import wait_for
from hotfix.adapters.passed_environment import passed, without_secrets
from hotfix.adapters.placeholders import fill
from hotfix.adapters.processes import Completed, minimal_environment, run
from hotfix.domain.document import Sha, clip
from hotfix.domain.errors import DeploymentFailed, InvalidCatalog, RollbackFailed
from hotfix.domain.release import DeployerStatus, Release
from hotfix.domain.service import CommandDeployerProfile
from hotfix.ports.clock import Clock

OUTPUT_CHARACTERS = 3_000
STATES = ("running", "succeeded", "failed", "none")


class CommandFailed(Exception):
    """The tool did not do it; the text says what is live."""


class CommandDeployer:
    """The tool decides how; this class only believes what its ``status`` command says.

    ``folder`` is this worker's own, for the lock. A tool that goes on by itself after ``deploy`` has returned, or after
    it was killed, says so by ``progress``: then its work is waited for, and not begun a second time.
    """

    name = "command"

    def __init__(self, profile: CommandDeployerProfile, folder: Path, clock: Clock) -> None:
        for command in (
            profile.status,
            profile.rollback,
            *(each for each in (profile.history, profile.progress, profile.can_restore) if each),
        ):
            if any("{source}" in argument for argument in command):
                raise InvalidCatalog(
                    f"A deployer's command uses {{source}}: {shlex.join(command)}.",
                    "Only the deploy command has a checkout; use {version}.",
                )
        self._profile = profile
        self._clock = clock
        self._turns = Turns(folder / "deploy.lock", clock, profile.time_limit, self.live, self.by_hand)

    def status(self) -> DeployerStatus:
        live = self.live()
        problems = []
        if live is None:
            problems.append(f"the status command names no commit: {shlex.join(self._profile.status)}")
        if self._profile.history is None and self._profile.can_restore is None:
            problems.append("no way back can be proved: give deployer.history or deployer.can_restore in the profile")
        return DeployerStatus(live=live, busy=held_by(self._turns.lock), problems=tuple(problems))

    def live(self) -> Sha | None:
        lines = self._lines(self._profile.status)
        return lines[-1] if lines and _is_sha(lines[-1]) else None

    def history(self) -> tuple[Release, ...]:
        versions = filter(_is_sha, self._lines(self._profile.history)) if self._profile.history else ()
        return tuple(Release(version=version, deployed_at=None) for version in versions)

    def can_restore(self, version: Sha) -> bool:
        if self._profile.can_restore is None:
            return any(known.version == version for known in self.history())
        return self._asked(self._profile.can_restore, {"version": version}) is not None

    def deploy(self, version: Sha, source: Path) -> None:
        with self._turns.take(version, DeploymentFailed, (CommandFailed,)):
            values = {"version": version, "source": str(source)}
            self._reach(version, lambda: self._execute(self._profile.deploy, values, source))

    def restore(self, version: Sha) -> None:
        with (
            tempfile.TemporaryDirectory() as folder,
            self._turns.take(version, RollbackFailed, (CommandFailed,)),
        ):
            self._reach(version, lambda: self._execute(self._profile.rollback, {"version": version}, Path(folder)))

    def by_hand(self, version: Sha) -> tuple[str, ...]:
        """Variables of ``pass_environment`` are taken to be set where a person types."""
        settings = [f"{name}={value}" for name, value in self._profile.environment.items()]
        rollback, status = (
            shlex.join([*(("env", *settings) if settings else ()), *self._filled(argv, {"version": version})])
            for argv in (self._profile.rollback, self._profile.status)
        )
        return (rollback, status)

    def _reach(self, version: Sha, begin: Callable[[], Completed]) -> None:
        """Let the tool begin, unless it is done or under way, and wait until ``version`` is live."""
        if self.live() == version:
            return
        try:
            completed = None if self._under_way(version) else begin()
        except FileNotFoundError as error:
            raise CommandFailed(f"{error}. Nothing was changed.") from error
        if completed is not None and completed.exit_code != 0:
            what = (
                f"the command did not end within {self._profile.time_limit} s."
                if completed.timed_out
                else f"the command ended with exit code {completed.exit_code}."
            )
            raise CommandFailed(self._told(what, completed))

        def look() -> str | None:
            if self.live() == version:
                return "live"
            state = self._progress(version)
            return state if state in ("failed", "none", "succeeded") else None

        outcome = wait_for(self._clock, self._profile.time_limit, look)
        if outcome == "live" or self.live() == version:
            return
        if outcome is None:
            what = f"the tool is at it for more than {self._profile.time_limit} s."
        elif outcome == "failed":
            what = "the tool says that it failed."
        else:
            what = "the command ended well, but the version is not live."
        raise CommandFailed(self._told(what, completed))

    def _under_way(self, version: Sha) -> bool:
        """Whether the tool is at it already.

        Raises:
            CommandFailed: it does not say, and beginning might begin a second time.
        """
        state = self._progress(version)
        if state not in STATES:
            raise CommandFailed(
                f"the progress command says {state!r} and none of {', '.join(STATES)}: it cannot be told whether a "
                "deployment is under way. Nothing was begun."
            )
        return state == "running"

    def _progress(self, version: Sha) -> str:
        """``none`` for a tool that is done when its command has returned."""
        if self._profile.progress is None:
            return "none"
        lines = self._lines(self._profile.progress, {"version": version})
        return lines[-1] if lines else ""

    def _told(self, what: str, completed: Completed | None) -> str:
        said = without_secrets(completed.output, self._profile.pass_environment) if completed else ""
        output = clip(said.strip(), OUTPUT_CHARACTERS)
        return f"{what} Live now: {self.live() or 'unknown'}. Its output: {output or '(none)'}"

    def _lines(self, argv: Sequence[str], values: Mapping[str, str] | None = None) -> list[str]:
        """What a question to the tool printed; nothing where it could not be asked."""
        completed = self._asked(argv, values or {})
        return [line.strip() for line in completed.output.splitlines() if line.strip()] if completed else []

    def _asked(self, argv: Sequence[str], values: Mapping[str, str]) -> Completed | None:
        """A question that the tool answered with exit code 0; None for any other."""
        with tempfile.TemporaryDirectory() as folder:
            try:
                completed = self._execute(argv, values, Path(folder))
            except FileNotFoundError:
                return None
        return completed if completed.exit_code == 0 else None

    def _execute(self, argv: Sequence[str], values: Mapping[str, str], folder: Path) -> Completed:
        return run(
            self._filled(argv, values),
            cwd=folder,
            environment=minimal_environment({**self._profile.environment, **passed(self._profile.pass_environment)}),
            time_limit=self._profile.time_limit,
        )

    def _filled(self, argv: Sequence[str], values: Mapping[str, str]) -> tuple[str, ...]:
        return fill(argv, {**values, "python": sys.executable})


def _is_sha(text: str) -> bool:
    return re.fullmatch("[0-9a-f]{40}", text) is not None
