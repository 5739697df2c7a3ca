"""Run git so that only its arguments decide the outcome, never the machine's configuration."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

TEAM = "Shop Team"
ADDRESS = "shop@example.org"

# A background collection would race with the removal of a temporary directory.
SETTINGS = {
    "commit.gpgsign": "false",
    "tag.gpgsign": "false",
    "core.autocrlf": "false",
    "init.defaultBranch": "main",
    "gc.auto": "0",
    "maintenance.auto": "false",
}


def git(directory: Path, *arguments: str, date: str | None = None) -> str:
    """Run git in a directory and return what it prints, without the final newline.

    ``date`` is the committer's, in ISO 8601. Raises subprocess.CalledProcessError.
    """
    options = [option for name, value in SETTINGS.items() for option in ("-c", f"{name}={value}")]
    command = ["git", "-C", str(directory), *options, *arguments]
    done = subprocess.run(command, env=_environment(date), capture_output=True, text=True, check=True)
    return done.stdout.rstrip("\n")


def _environment(date: str | None) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": TEAM,
        "GIT_AUTHOR_EMAIL": ADDRESS,
        "GIT_COMMITTER_NAME": TEAM,
        "GIT_COMMITTER_EMAIL": ADDRESS,
        "LC_ALL": "C",
    }
    return environment | {"GIT_COMMITTER_DATE": date} if date else environment
