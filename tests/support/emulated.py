"""GitHub and Slack as `emulate` plays them: stateful servers on loopback that tests may write to and look into."""

from __future__ import annotations

import json
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.rig import free_ports, program, server

OWNER, REPOSITORY = "acme", "shop"
APP, INSTALLATION = 12345, 100
# Logins and their tokens, on GitHub and on Slack alike. The workflow is hotfix-bot.
TOKENS = {login: f"token-of-{login}" for login in ("hotfix-bot", "on-call", "approver", "reviewer", "stranger")}


def seed(github_address: str | None = None, app_key: str | None = None) -> dict[str, Any]:
    """An organisation with one repository and a Slack workspace with one channel.

    ``github_address``: what GitHub's answers say that it is reached under, where something stands in front of it.
    ``app_key``: the private key (PEM) of a GitHub App ``APP`` that is installed in the organisation.
    """
    users = [{"login": login, "name": login, "email": f"{login}@example.com"} for login in TOKENS]
    github: dict[str, Any] = {
        "users": users,
        "orgs": [{"login": OWNER, "name": "Acme", "members": [{"login": each, "role": "admin"} for each in TOKENS]}],
        "repos": [{"owner": OWNER, "name": REPOSITORY, "auto_init": True}],
    }
    if app_key:
        installed = [{"installation_id": INSTALLATION, "account": OWNER}]
        names = {"app_id": APP, "slug": "hotfix", "name": "Hotfix", "private_key": app_key}
        github["apps"] = [{**names, "installations": installed}]
    if github_address:
        github["baseUrl"] = github_address
    return {
        "tokens": {token: {"login": login, "scopes": ["repo", "user"]} for login, token in TOKENS.items()},
        "github": github,
        "slack": {
            "team": {"name": "Acme", "domain": "acme"},
            "users": [{"name": login, "real_name": login, "email": f"{login}@example.com"} for login in TOKENS],
            "channels": [{"name": "incidents", "topic": "Incidents"}],
        },
    }


@dataclass(frozen=True)
class Emulated:
    """``github`` and ``slack`` are addresses without a slash at the end."""

    github: str
    slack: str
    pid: int

    def ask_github(
        self, method: str, path: str, body: dict[str, Any] | None = None, login: str = "on-call"
    ) -> dict[str, Any] | list[dict[str, Any]] | Any:
        """A call as somebody, past the code that is tested."""
        request = urllib.request.Request(
            f"{self.github}{path}",
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Authorization": f"token {TOKENS[login]}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            content = answer.read()
        return json.loads(content) if content else None


@contextmanager
def emulated_services(github_address: str | None = None, app_key: str | None = None) -> Iterator[Emulated]:
    """Both servers, empty but for the seed; up in about a second."""
    emulate = str(program("emulate"))
    first = free_ports(2)
    with tempfile.TemporaryDirectory(prefix="emulate-") as folder:
        settings = Path(folder) / "seed.json"
        settings.write_text(json.dumps(seed(github_address, app_key)))
        command = [emulate, "start", "--service", "github,slack", "--port", str(first), "--seed", str(settings)]
        with server(command, (first, first + 1)) as pid:
            yield Emulated(f"http://localhost:{first}", f"http://localhost:{first + 1}", pid)


@pytest.fixture(scope="session")
def emulated() -> Iterator[Emulated]:
    """One pair of servers for all tests of a process: name what you create after your test."""
    with emulated_services() as services:
        yield services
