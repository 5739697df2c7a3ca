"""Deployment with any tool that has a command line."""

from __future__ import annotations

import re
import shlex
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from hotfix.adapters.passed_environment import passed, without_secrets
from hotfix.adapters.placeholders import fill
from hotfix.adapters.processes import Completed, minimal_environment, run
from hotfix.domain.document import Sha, clip
from hotfix.domain.errors import DeploymentFailed, InvalidCatalog, RollbackFailed
from hotfix.domain.release import DeployerStatus, Release
from hotfix.domain.service import CommandDeployerProfile

OUTPUT_CHARACTERS = 3_000


class CommandDeployer:
    """The tool decides how; this class only believes what its ``status`` command says.

    Without a ``history`` command every version is taken for one that can be restored: only the tool knows.
    """

    name = "command"

    def __init__(self, profile: CommandDeployerProfile) -> None:
        for command in (profile.status, profile.rollback, profile.history or ()):
            if any("{source}" in argument for argument in command):
                raise InvalidCatalog(
                    "A deployer's status, rollback or history command uses {source}.",
                    "Only the deploy command has a checkout; use {version}.",
                )
        self._profile = profile

    def status(self) -> DeployerStatus:
        live = self.live()
        problem = "" if live else f"the status command names no commit: {shlex.join(self._profile.status)}"
        return DeployerStatus(live=live, problems=(problem,) if problem else ())

    def live(self) -> Sha | None:
        lines = self._lines(self._profile.status)
        return lines[-1] if lines and _is_sha(lines[-1]) else None

    def history(self) -> tuple[Release, ...]:
        versions = filter(_is_sha, self._lines(self._profile.history)) if self._profile.history else ()
        return tuple(Release(version=version, deployed_at=None) for version in versions)

    def can_restore(self, version: Sha) -> bool:
        return self._profile.history is None or any(known.version == version for known in self.history())

    def deploy(self, version: Sha, source: Path) -> None:
        if self.live() == version:
            return
        problem = self._run_for(self._profile.deploy, {"version": version, "source": str(source)}, source, version)
        if problem:
            raise DeploymentFailed(
                f"The deployment of {version} failed: {problem}", "Correct the cause and deploy again."
            )

    def restore(self, version: Sha) -> None:
        if self.live() == version:
            return
        with tempfile.TemporaryDirectory() as folder:
            problem = self._run_for(self._profile.rollback, {"version": version}, Path(folder), version)
        if problem:
            commands = "\n".join(f"  {command}" for command in self.by_hand(version))
            raise RollbackFailed(f"The return to {version} failed: {problem}", f"By hand:\n{commands}")

    def by_hand(self, version: Sha) -> tuple[str, ...]:
        """Variables of ``pass_environment`` are taken to be set where a person types."""
        settings = [f"{name}={value}" for name, value in self._profile.environment.items()]
        rollback, status = (
            shlex.join([*(("env", *settings) if settings else ()), *self._filled(argv, {"version": version})])
            for argv in (self._profile.rollback, self._profile.status)
        )
        return (rollback, status)

    def _run_for(self, argv: Sequence[str], values: Mapping[str, str], folder: Path, version: Sha) -> str:
        """Run ``argv``, and say what is wrong unless ``version`` is live thereafter."""
        try:
            completed = self._execute(argv, values, folder)
        except FileNotFoundError as error:
            return f"{error}. Nothing was changed."
        live = self.live()
        if completed.exit_code == 0 and live == version:
            return ""
        if completed.timed_out:
            what = f"the command did not end within {self._profile.time_limit} s."
        elif completed.exit_code:
            what = f"the command ended with exit code {completed.exit_code}."
        else:
            what = "the command ended well, but the version is not live."
        output = clip(without_secrets(completed.output, self._profile.pass_environment).strip(), OUTPUT_CHARACTERS)
        output = output or "(none)"
        return f"{what} Live now: {live or 'unknown'}. Its output: {output}"

    def _lines(self, argv: Sequence[str]) -> list[str]:
        """What a question to the tool printed; nothing where it could not be asked."""
        with tempfile.TemporaryDirectory() as folder:
            try:
                completed = self._execute(argv, {}, Path(folder))
            except FileNotFoundError:
                return []
        return (
            [line.strip() for line in completed.output.splitlines() if line.strip()] if completed.exit_code == 0 else []
        )

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
