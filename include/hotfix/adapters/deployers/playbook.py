"""Runs of the playbook of an ``ansible`` deployer, each in a process of its own."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hotfix.adapters.processes import Limits, minimal_environment, run
from hotfix.domain.document import Sha, clip
from hotfix.domain.service import AnsibleDeployerProfile

OUTPUT_CHARACTERS = 3_000
CONFIGURATION = Path(__file__).with_name("ansible.cfg")


class PlaybookFailed(Exception):
    """The playbook cannot be run or ended with an error; the text has the end of its output."""


@dataclass(frozen=True)
class SshIdentity:
    """As whom ssh goes to the hosts. The key stays where it is: its file's path, or the socket of an agent."""

    user: str | None = None
    key_file: str | None = None
    agent: str | None = None


@dataclass
class HostState:
    """What a host has: the release that its link names, complete releases, and what was live, newest first."""

    current: Sha | None = None
    releases: set[Sha] = field(default_factory=set)
    history: list[Sha] = field(default_factory=list)
    busy: str = ""


class Playbook:
    """Values for the playbook go through a file, and nothing of this process's environment reaches it."""

    def __init__(self, profile: AnsibleDeployerProfile, identity: SshIdentity) -> None:
        self._profile = profile
        self._identity = identity

    def problem(self) -> str:
        """What can be seen to be missing without asking a host; empty when nothing is."""
        if _program() is None:
            return "ansible-playbook is not installed on this worker: install the package ansible-core."
        files = {
            "deployer.playbook": self._profile.playbook,
            "deployer.inventory": self._profile.inventory,
            "deployer.known_hosts": self._profile.known_hosts,
            f"key_file of the Connection {self._profile.connection}": self._identity.key_file,
        }
        for what, path in files.items():
            if path is not None and not os.access(path, os.R_OK):
                return f"{what}, {path}, is not there or cannot be read."
        if self._identity.agent is not None and not Path(self._identity.agent).is_socket():
            return f"agent of the Connection {self._profile.connection}, {self._identity.agent}, is not a socket."
        return ""

    def run(self, action: str, values: Mapping[str, str] | None = None) -> dict[str, HostState]:
        """Run it to its end; what each host has thereafter.

        Raises:
            PlaybookFailed: something is missing, a task failed, or it took longer than its time limit.
        """
        if problem := self.problem():
            raise PlaybookFailed(problem)
        with tempfile.TemporaryDirectory(prefix="hotfix-ansible-") as name:
            folder = Path(name)
            result = folder / "result"
            result.mkdir()
            variables = folder / "variables.json"
            given = {**self._profile.variables, **(values or {}), "hotfix_action": action, "hotfix_result": str(result)}
            variables.write_text(json.dumps(given), encoding="utf-8")
            completed = run(
                [*self._command(), "--extra-vars", f"@{variables}", self._profile.playbook],
                cwd=folder,
                environment=minimal_environment({**self._settings(), "HOME": name, "ANSIBLE_HOME": name}),
                time_limit=self._profile.time_limit,
                # Not for mistrust: ansible's workers lead sessions of their own; only a namespace ends them with us.
                limits=Limits(network=True),
            )
            states = {file.stem: _state(file.read_text(encoding="utf-8")) for file in sorted(result.glob("*.txt"))}
        output = clip(completed.output.strip(), OUTPUT_CHARACTERS) or "(none)"
        if completed.timed_out:
            raise PlaybookFailed(
                f"the playbook did not end within {self._profile.time_limit} s ({action}). Its output:\n{output}"
            )
        if completed.exit_code:
            raise PlaybookFailed(
                f"the playbook ended with exit code {completed.exit_code} ({action}). Its output:\n{output}"
            )
        if not states:
            raise PlaybookFailed(
                f"no host of {self._profile.inventory} reported what it has: is it empty, or does the playbook not "
                f"write to hotfix_result? Its output:\n{output}"
            )
        return states

    def by_hand(self, version: Sha) -> str:
        """The restoring run as a person types it."""
        values = {**self._profile.variables, "hotfix_action": "restore", "hotfix_version": version}
        settings = [f"{name}={value}" for name, value in self._settings().items()]
        return shlex.join(
            ["env", *settings, *self._command(), "--extra-vars", json.dumps(values), self._profile.playbook]
        )

    def _command(self) -> tuple[str, ...]:
        return (_program() or "ansible-playbook", "--inventory", self._profile.inventory)

    def _settings(self) -> dict[str, str]:
        ssh = [
            # A shared connection would outlive us, and with pipelining one a task is no loss.
            *("-o", "ControlMaster=no"),
            *("-o", "BatchMode=yes"),
            *("-o", "StrictHostKeyChecking=yes"),
        ]
        settings = {"ANSIBLE_CONFIG": str(CONFIGURATION)}
        if self._profile.known_hosts:
            ssh += ["-o", f"UserKnownHostsFile={self._profile.known_hosts}", "-o", "GlobalKnownHostsFile=/dev/null"]
        if self._identity.user:
            settings["ANSIBLE_REMOTE_USER"] = self._identity.user
        if self._identity.key_file:
            settings["ANSIBLE_PRIVATE_KEY_FILE"] = self._identity.key_file
            ssh += ["-o", "IdentitiesOnly=yes"]
        if self._identity.agent:
            settings["SSH_AUTH_SOCK"] = self._identity.agent
        return {**settings, "ANSIBLE_SSH_ARGS": shlex.join(ssh)}


def _program() -> str | None:
    """Beside this interpreter, where pip puts it, or on PATH."""
    beside = str(Path(sys.executable).parent)
    return shutil.which("ansible-playbook", path=os.pathsep.join((beside, os.environ.get("PATH", os.defpath))))


def _state(text: str) -> HostState:
    state = HostState()
    for line in text.splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "current":
            state.current = rest or None
        elif word == "release":
            state.releases.add(rest)
        elif word == "was":
            state.history.append(rest)
        elif word == "busy":
            state.busy = rest
    return state
