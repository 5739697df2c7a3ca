"""GitHub for tests: the front, the emulator behind it, and the code host that is tested."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from hotfix.adapters.github import GithubApi, GithubCodeHost
from hotfix.domain.outcome import Ending
from hotfix.domain.run_state import ApprovalState, DeploymentState, GateResult, GateState, RunState, ShippedVersion
from hotfix.domain.service import Github
from tests.contract.fakes.clock import FakeClock
from tests.support.documents import BASE, an_artefact, an_incident
from tests.support.emulated import OWNER, REPOSITORY, TOKENS, Emulated, emulated_services
from tests.support.github_front import REPO_PATH, GithubFront, github_front
from tests.support.github_rules import judge
from tests.support.rig import free_ports

SLUG = f"{OWNER}/{REPOSITORY}"
PEOPLE = {"grace": "approver", "ada": "reviewer", "alan": "on-call"}
SARIF = '{"version": "2.1.0", "runs": []}'
NAMES = ("critical tests", "security review", "approval", "production stable")


@dataclass
class GithubWorld:
    front: GithubFront
    emulated: Emulated

    def api(self, login: str = "hotfix-bot", patience: float = 30, clock: FakeClock | None = None) -> GithubApi:
        return GithubApi(lambda: TOKENS[login], clock or FakeClock(), address=self.front.address, patience=patience)

    def code_host(self, patience: float = 30, **settings: Any) -> GithubCodeHost:
        return GithubCodeHost(
            self.api(patience=patience), SLUG, Github(**settings), base="main", deployed_elsewhere=True, people=PEOPLE
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
def github_world(rules: Path | None = None, git: str = "", app_key: str | None = None) -> Iterator[GithubWorld]:
    """``rules``: a folder for GitHub's own description of its API, by which every request is then judged; ``git``: the
    address of a git server; ``app_key``: see ``emulated.seed``.
    """
    port = free_ports(1)
    with ExitStack() as running:
        emulated = running.enter_context(emulated_services(f"http://localhost:{port}", app_key))
        validator = running.enter_context(judge(rules, emulated.github)) if rules else ""
        front = running.enter_context(github_front(port, emulated.github, git=git, validator=validator))
        yield GithubWorld(front, emulated)


def before_the_request() -> datetime:
    """Earlier than anything a test does, on however slow a machine."""
    return datetime.now(timezone.utc) - timedelta(hours=1)


def after_every_answer() -> datetime:
    return datetime.now(timezone.utc) + timedelta(hours=1)


def a_state(incident_id: str, **changes: Any) -> RunState:
    """In the middle of the approval."""
    gates = [GateResult(name=name, state=GateState.PASSED, why=f"{name}: 12 of 12") for name in NAMES[:2]]
    gates += [GateResult(name=name, state=GateState.WAITING, why="") for name in NAMES[2:]]
    values: dict[str, Any] = {
        "incident": an_incident(id=incident_id),
        "at": datetime(2026, 3, 1, 3, 4, tzinfo=timezone.utc),
        "phase": "approval",
        "doing": "the fix is proved",
        "waiting_for": "approval by grace",
        "gates": tuple(gates),
        "fix_commit": None,
        "pushed_branch": "",
        "security_report": None,
        "shipped": None,
        "ending": None,
        "summary": "",
        "timeline": ("03:00:00 open_incident: finished",),
        "pull_request": "",
    }
    return RunState.model_validate({**values, **changes})


def an_approval_state(commit: str, **changes: Any) -> ApprovalState:
    """Asked for just now."""
    values: dict[str, Any] = {
        "commit": commit,
        "subject": "Ship this hotfix to shop? Quotes fail",
        "body": "**What will change:** one line",
        "approvers": ("grace", "ada"),
        "requester": "alan",
        "needed": 1,
        "deadline": datetime.now(timezone.utc) + timedelta(minutes=5),
        "last_minute": False,
        "refused": (),
        "decision": "",
    }
    return ApprovalState.model_validate({**values, **changes})


def the_end(incident_id: str, commit: str) -> RunState:
    """Of a hotfix that held: everything that is ever shown."""
    return a_state(
        incident_id,
        fix_commit=commit,
        pushed_branch=f"hotfix/{incident_id}",
        security_report=an_artefact("security.sarif"),
        gates=tuple(GateResult(name=name, state=GateState.PASSED, why="well") for name in NAMES),
        shipped=ShippedVersion(
            version=commit, previous=BASE, deployer="local", state=DeploymentState.STABLE, why="no errors in 60 s"
        ),
        ending=Ending.FIXED,
        waiting_for="",
        summary="fixed by the revert",
    )
