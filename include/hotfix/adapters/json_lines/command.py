"""Lines that a command prints, for monitoring that this package does not know."""

from __future__ import annotations

import sys
import tempfile
from datetime import datetime
from pathlib import Path

from hotfix.adapters.passed_environment import passed, without_secrets
from hotfix.adapters.placeholders import fill
from hotfix.adapters.processes import minimal_environment, run
from hotfix.domain.document import clip
from hotfix.domain.errors import HotfixError
from hotfix.domain.service import JsonLines

OUTPUT_CHARACTERS = 600
MOST_OUTPUT = 32 * 1024 * 1024


def printed_lines(profile: JsonLines, since: datetime, until: datetime) -> list[bytes]:
    """What the command printed about [since, until); ``{since}`` and ``{until}`` are seconds since 1970.

    The command is trusted: it runs with the worker's rights and network, like a deployer's.

    Raises:
        HotfixError: it cannot be started, does not end in time or ends badly, or prints too much.
    """
    assert profile.command is not None
    values = {"since": f"{since.timestamp():.3f}", "until": f"{until.timestamp():.3f}", "python": sys.executable}
    argv = fill(profile.command, values)
    environment = minimal_environment({**profile.environment, **passed(profile.pass_environment)})
    with tempfile.TemporaryDirectory() as folder:
        try:
            completed = run(
                argv,
                cwd=Path(folder),
                environment=environment,
                time_limit=profile.time_limit,
                output_limit=MOST_OUTPUT,
            )
        except FileNotFoundError as error:
            raise HotfixError(f"The monitoring command: {error}.", "Correct it in the service's profile.") from None
    said = clip(without_secrets(completed.output, profile.pass_environment).strip(), OUTPUT_CHARACTERS) or "(nothing)"
    if completed.timed_out:
        raise HotfixError(
            f"The monitoring command {argv[0]} did not end within {profile.time_limit} s; it printed: {said}",
            "Make it faster, or raise time_limit in the service's profile.",
        )
    if completed.exit_code != 0:
        raise HotfixError(
            f"The monitoring command {argv[0]} ended with exit code {completed.exit_code}; it printed: {said}",
            "Run it by hand as the worker's user.",
        )
    if len(completed.output) >= MOST_OUTPUT:
        raise HotfixError(
            f"The monitoring command {argv[0]} printed more than {MOST_OUTPUT // 1024**2} MiB.",
            "Let it print samples (t, requests, errors) instead of single requests.",
        )
    return [line.encode() for line in completed.output.splitlines() if line.strip()]
