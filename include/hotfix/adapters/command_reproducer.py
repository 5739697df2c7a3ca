"""A reproducer as an engineer gives it: a command, and files that are put into every version before it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hotfix.adapters.environments import PLACEHOLDER, Environments
from hotfix.adapters.placeholders import fill
from hotfix.adapters.processes import Limits, minimal_environment, run
from hotfix.adapters.reproducer_file import ReproducerRefused, write_reproducer
from hotfix.adapters.reproduction import run_reproducer
from hotfix.adapters.scratch import scratch
from hotfix.domain.diagnosis import ReproducerRun, Verdict
from hotfix.domain.document import Sha, clip
from hotfix.domain.execution import Observation

# Seconds: installing what a version needs.
SETUP_LIMIT = 900.0


@dataclass(frozen=True)
class CommandReproducer:
    """Implements ``ports.test_runner.Reproducer``. ``overlays``: path → text; ``time_limit``: seconds.

    ``setup``: a command that makes the folder ``{environment}`` once for each state of the dependency files.
    ``workplace``: where throw-away folders are made.
    """

    command: Sequence[str]
    overlays: Mapping[str, str]
    environment: Mapping[str, str]
    time_limit: float
    network: bool = False
    setup: Sequence[str] = ()
    environments: Environments | None = None
    workplace: Path | None = None

    def reproduce(self, checkout: Path, sha: Sha) -> ReproducerRun:
        return self._run(checkout, sha, observed=False).run

    def observe(self, checkout: Path, sha: Sha) -> Observation:
        return self._run(checkout, sha, observed=True)

    def _run(self, checkout: Path, sha: Sha, observed: bool) -> Observation:
        try:
            for path, text in self.overlays.items():
                write_reproducer(checkout, path, text)
            environment = self._environment(checkout)
        except (ReproducerRefused, _SetupFailed) as error:
            return Observation(
                ReproducerRun(sha=sha, verdict=Verdict.UNTESTABLE, signature=str(error), seconds=0.0), "", None
            )
        with scratch(self.workplace) as folders:
            return run_reproducer(
                fill(self.command, {"environment": environment}),
                checkout,
                sha,
                folders=folders,
                environment=self.environment,
                time_limit=self.time_limit,
                limits=Limits(network=self.network),
                observed=observed,
            )

    def _environment(self, checkout: Path) -> str:
        if not self.setup or self.environments is None:
            return PLACEHOLDER

        def build(place: Path) -> None:
            with scratch(self.workplace) as folders:
                done = run(
                    fill(self.setup, {"environment": str(place)}),
                    cwd=checkout,
                    environment=minimal_environment({**self.environment, **folders.environment}),
                    time_limit=SETUP_LIMIT,
                    limits=Limits(network=True),
                )
            if done.exit_code != 0:
                raise _SetupFailed(f"the setup command ended with {done.exit_code}: {clip(done.output.strip(), 500)}")

        try:
            return str(self.environments.ready(checkout, tuple(self.setup), build))
        except OSError as error:
            raise _SetupFailed(f"the setup command does not start: {error}") from None


class _SetupFailed(Exception):
    """There is no environment for this version; the text says why."""
