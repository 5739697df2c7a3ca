"""One run of a reproducer's command in a checkout, judged."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from hotfix.adapters.execution_tracer import instrumented, read_execution
from hotfix.adapters.exit_codes import says_nothing
from hotfix.adapters.failure_signature import DISK_FILLED, TIMEOUT, failure_signature
from hotfix.adapters.processes import Limits, minimal_environment, run
from hotfix.adapters.scratch import Scratch
from hotfix.domain.diagnosis import ReproducerRun, Verdict
from hotfix.domain.document import Sha
from hotfix.domain.execution import Observation

OUTPUT_LIMIT = 60_000


def run_reproducer(
    command: Sequence[str],
    checkout: Path,
    sha: Sha,
    *,
    folders: Scratch,
    environment: Mapping[str, str],
    time_limit: float,
    limits: Limits,
    observed: bool = False,
) -> Observation:
    """Run ``command`` once; seconds are those of the command alone.

    GOOD when it exits with 0. UNTESTABLE, with the reason as signature, when the version says nothing about the
    failure: the command does not start, or an exit code that means "did not run". Everything else is OTHER_FAILURE
    with its signature, also running out of time (signature ``timeout``): a hang may be the symptom. SAME_FAILURE is
    never the answer here, since only the caller knows production's signature.
    """
    started = time.monotonic()
    argv, variables = tuple(command), minimal_environment({**environment, **folders.environment})
    if observed:
        argv, variables = instrumented(argv, variables, checkout, folders.results)

    def observation(verdict: Verdict, signature: str, output: str) -> Observation:
        seconds = round(time.monotonic() - started, 3)
        executed = read_execution(folders.results) if observed else None
        return Observation(
            ReproducerRun(sha=sha, verdict=verdict, signature=signature, seconds=seconds), output, executed
        )

    try:
        done = run(
            argv, cwd=checkout, environment=variables, time_limit=time_limit, output_limit=OUTPUT_LIMIT, limits=limits
        )
    except OSError as error:
        return observation(Verdict.UNTESTABLE, f"{argv[0]} does not start ({error}): check the command", "")
    if done.exit_code is None:
        return observation(Verdict.OTHER_FAILURE, DISK_FILLED if done.disk_filled else TIMEOUT, done.output)
    if done.exit_code == 0:
        return observation(Verdict.GOOD, "", done.output)
    signature = failure_signature(done.output, done.exit_code, checkout)
    if says_nothing(command, done.exit_code):
        return observation(Verdict.UNTESTABLE, f"exit {done.exit_code}: {signature}", done.output)
    return observation(Verdict.OTHER_FAILURE, signature, done.output)
