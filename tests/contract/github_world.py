"""GitHub for tests: the front, the emulator behind it, and the code host that is tested."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from hotfix.adapters.github import GithubApi, GithubCodeHost
from hotfix.domain.service import Github
from tests.contract.fakes.clock import FakeClock
from tests.support.emulated import OWNER, REPOSITORY, TOKENS, Emulated, emulated_services
from tests.support.github_front import REPO_PATH, GithubFront, github_front
from tests.support.rig import free_ports

SLUG = f"{OWNER}/{REPOSITORY}"


@dataclass
class GithubWorld:
    front: GithubFront
    emulated: Emulated

    def api(self, login: str = "hotfix-bot", patience: float = 30, clock: FakeClock | None = None) -> GithubApi:
        return GithubApi(lambda: TOKENS[login], clock or FakeClock(), address=self.front.address, patience=patience)

    def code_host(self, patience: float = 30, **settings: Any) -> GithubCodeHost:
        return GithubCodeHost(
            self.api(patience=patience), SLUG, Github(**settings), base="main", deployed_elsewhere=True
        )

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None, login: str = "on-call") -> Any:
        """A call of somebody else, below the repository."""
        return self.emulated.ask_github(method, f"{REPO_PATH}{path}", body, login)

    def head(self, branch: str = "main") -> str:
        return str(self.ask("GET", f"/commits/{branch}")["sha"])

    def branch(self, name: str) -> str:
        """A branch with one commit on top of main."""
        base = self.head()
        tree = self.ask("GET", f"/git/commits/{base}")["tree"]["sha"]
        made = self.ask("POST", "/git/commits", {"message": f"Change of {name}", "tree": tree, "parents": [base]})
        self.ask("POST", "/git/refs", {"ref": f"refs/heads/{name}", "sha": made["sha"]})
        return str(made["sha"])


@contextmanager
def github_world() -> Iterator[GithubWorld]:
    port = free_ports(1)
    with emulated_services(f"http://localhost:{port}") as emulated, github_front(port, emulated.github) as front:
        yield GithubWorld(front, emulated)


def just_now() -> datetime:
    return datetime.now(timezone.utc) - timedelta(seconds=5)
