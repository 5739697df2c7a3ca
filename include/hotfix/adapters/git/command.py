"""One git process."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

from hotfix.adapters.git.credentials import Credentials
from hotfix.adapters.git.refusals import why_refused
from hotfix.domain.errors import GitFailed, PushRefused, RemoteUnavailable

LOCAL_TIME_LIMIT = 120
NETWORK_TIME_LIMIT = 300
IDENTITY = {"NAME": "Emergency Hotfix", "EMAIL": "hotfix@localhost"}

# Hooks of a mirror are not ours, and signing or fancy diffs of the user's configuration would change what we read.
_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.quotePath=false",
    "commit.gpgSign=false",
    "protocol.ext.allow=never",
)
_NOT_INHERITED = ("GIT_", "AIRFLOW_", "HOTFIX_")
_Lent = tuple[dict[str, str], tuple[int, ...]]
_REMOTE_PROBLEM = re.compile(
    r"could not resolve|connection (refused|reset|timed out)|unable to access|could not read from remote|"
    r"early eof|hung up|does not appear to be a git repository|operation timed out|rpc failed",
    re.IGNORECASE,
)


def environment(network: bool, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The caller's environment without GIT_*, which would redirect ours, AIRFLOW_* and HOTFIX_*, which may hold
    Connections and the password of the bug database.

    Network commands keep the user's git configuration, where credential helpers are set up; the others do not see it.
    """
    scrubbed = {key: value for key, value in os.environ.items() if not key.startswith(_NOT_INHERITED)}
    scrubbed.update({"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8", "TZ": "UTC"})
    if not network:
        scrubbed.update({"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"})
    scrubbed.update(extra or {})
    return scrubbed


def command_line(arguments: Sequence[str]) -> list[str]:
    """``git <arguments>`` with the settings that what we read depends on."""
    return ["git", *(part for setting in _SETTINGS for part in ("-c", setting)), *arguments]


def git(
    arguments: Sequence[str],
    *,
    cwd: Path,
    network: bool = False,
    credentials: Credentials | None = None,
    extra_environment: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    accepted: Collection[int] = (0,),
) -> bytes:
    """Standard output of ``git <arguments>``.

    Raises:
        RemoteUnavailable: the remote did not answer.
        PushRefused: the remote has a rule against this push.
        GitFailed: git ended otherwise than ``accepted``.
    """
    command = command_line(arguments)
    limit = NETWORK_TIME_LIMIT if network else LOCAL_TIME_LIMIT
    lending = credentials.lent() if credentials and network else nullcontext[_Lent](({}, ()))
    try:
        with lending as (lent, descriptors):
            done = subprocess.run(
                command,
                cwd=cwd,
                env=environment(network, {**lent, **(extra_environment or {})}),
                pass_fds=descriptors,
                input=stdin if stdin is not None else b"",
                capture_output=True,
                timeout=limit,
                check=False,
            )
    except subprocess.TimeoutExpired:
        kind = RemoteUnavailable if network else GitFailed
        raise kind(
            f"git {arguments[0]} did not end within {limit} s.", "Look at the remote and at this disk."
        ) from None
    except OSError as error:
        raise GitFailed(f"git {arguments[0]} cannot be run in {cwd}: {error.strerror}.") from None
    if done.returncode not in accepted:
        said = without_credentials(done.stderr.decode("utf-8", "replace").strip())
        if arguments[0] == "push" and (rule := why_refused(said)):
            raise PushRefused(f"The remote refuses the push: {rule}.")
        unavailable = network and _REMOTE_PROBLEM.search(said)
        kind = RemoteUnavailable if unavailable else GitFailed
        raise kind(f"git {arguments[0]} failed ({done.returncode}): {said}")
    return done.stdout


def text(arguments: Sequence[str], *, cwd: Path, network: bool = False, credentials: Credentials | None = None) -> str:
    return (
        git(arguments, cwd=cwd, network=network, credentials=credentials)
        .decode("utf-8", "surrogateescape")
        .rstrip("\n")
    )


def without_credentials(value: str) -> str:
    """``https://user:token@host`` becomes ``https://host``."""
    return re.sub(r"(\w+://)[^/\s]+@", r"\1", value)
