"""GitHub by an Airflow Connection: what a task gets, what is shown after it, and that the token stays where it is."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from hotfix.adapters.github import GithubCodeHost
from hotfix.adapters.journaled import Work
from hotfix.domain.errors import CodeHostUnavailable, GitFailed, HotfixError
from hotfix.domain.incident import Incident
from hotfix.domain.run_state import Untold
from tests.contract.github_world import SLUG, GithubWorld, github_world
from tests.support.documents import (
    a_change,
    a_fix,
    a_push,
    a_security_report,
    a_test_report,
    an_assessment,
    an_incident,
)
from tests.support.emulated import APP, INSTALLATION, TOKENS
from tests.support.git_history import GitHistory
from tests.support.git_over_http import GitServer, git_over_http
from tests.support.github_front import Fault

if TYPE_CHECKING:
    from hotfix.airflow.toolbox import Toolbox

pytestmark = pytest.mark.airflow

TOKEN = TOKENS["hotfix-bot"]
PROFILE = """\
name: shop
repository: {address}/acme/shop.git
deployer: {{kind: command, deploy: ["true"], rollback: ["true"], status: ["true"]}}
commands: {{test: ["true"]}}
tests: {{critical: [tests/test_shop.py]}}
monitoring: {{url: "http://127.0.0.1:9", probes: [/healthz]}}
"""


@pytest.fixture(scope="module")
def git_server() -> Iterator[GitServer]:
    # Not pytest's own folder: the path of a socket is short.
    with (
        tempfile.TemporaryDirectory(prefix="git-") as folder,
        git_over_http(Path(folder), "x-access-token", TOKEN) as server,
    ):
        server.create("acme/shop.git")
        yield server


@pytest.fixture(scope="module")
def app_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


@pytest.fixture(scope="module")
def shared(git_server: GitServer, app_key: str) -> Iterator[GithubWorld]:
    with github_world(git=git_server.address, app_key=app_key) as world:
        yield world


@pytest.fixture
def world(shared: GithubWorld) -> GithubWorld:
    shared.front.forget()
    return shared


@pytest.fixture
def tools(world: GithubWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Toolbox]:
    from hotfix.airflow import work
    from hotfix.airflow.toolbox import migrate_bug_database, toolbox

    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "shop.yaml").write_text(PROFILE.format(address=world.front.address))
    monkeypatch.setenv("HOTFIX_SERVICES", str(tmp_path / "services"))
    monkeypatch.setenv("HOTFIX_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("HOTFIX_BUG_DATABASE", raising=False)
    connect(monkeypatch, password=TOKEN, host=world.front.address)
    toolbox.cache_clear()
    migrate_bug_database()
    monkeypatch.setattr(work, "work_at_hand", lambda database: Work(database.incident_of_run("run-1"), "run-1"))
    yield toolbox()
    toolbox.cache_clear()


def connect(monkeypatch: pytest.MonkeyPatch, **values: object) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_GITHUB_DEFAULT", json.dumps({"conn_type": "github", **values}))


def opened(tools: Toolbox, name: str) -> Incident:
    return tools.bug_database.open_incident(an_incident(id=name))


def told(tools: Toolbox, incident: Incident) -> list[str]:
    return [event.what for event in tools.bug_database.timeline(incident)]


# --- the Connection


def test_a_token_and_a_host_make_a_code_host(tools: Toolbox, world: GithubWorld) -> None:
    assert tools.code_host("shop").introduction == f"shown on GitHub, in {SLUG}"
    assert tools.code_host("shop").pull_for(an_incident(), "nothing") is None
    assert world.front.seen


def test_an_app_gets_a_token_of_its_own(
    tools: Toolbox, world: GithubWorld, app_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = {"app_id": APP, "installation_id": INSTALLATION, "private_key": app_key}
    connect(monkeypatch, host=world.front.address, extra=extra)
    assert tools.code_host("shop").pull_for(an_incident(), "nothing") is None
    minted = [each.path for each in world.front.seen if each.path.startswith("/app/")]
    assert minted == [f"/app/installations/{INSTALLATION}/access_tokens"]


def test_an_app_that_gets_none_is_told_apart(
    tools: Toolbox, world: GithubWorld, app_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = {"app_id": APP, "installation_id": INSTALLATION, "private_key": app_key}
    connect(monkeypatch, host=world.front.address, extra=extra)
    world.front.faults.append(Fault("POST", "^/app/", 401, times=9))
    with pytest.raises(CodeHostUnavailable, match="gives the App of the Connection github_default no token"):
        tools.code_host("shop").pull_for(an_incident(), "nothing")


def test_a_connection_that_cannot_be_used_is_said_so_at_once(tools: Toolbox, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, extra={"app_id": APP, "installation_id": "not a number", "private_key": "-----SECRET"})
    with pytest.raises(HotfixError, match=r"github_default cannot be used \(ValueError\)") as failure:
        tools.service("shop")
    assert "SECRET" not in str(failure.value)


def test_without_a_connection_it_works_and_says_what_is_not_done(
    tools: Toolbox, world: GithubWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hotfix.airflow.announcements import announce_incident

    monkeypatch.delenv("AIRFLOW_CONN_GITHUB_DEFAULT")
    incident = opened(tools, "ALONE-1")
    announce_incident(incident, "open_incident")
    (said,) = told(tools, incident)
    assert "nowhere else: there is no Connection github_default" in said
    assert "checks, deployment, security findings and release are shown on no code host" in said
    assert world.front.seen == []


# --- announcements


def test_a_run_is_shown_once_for_every_state_and_what_fails_is_in_the_ledger(
    tools: Toolbox, world: GithubWorld
) -> None:
    from hotfix.airflow.announcements import announce_incident

    incident = opened(tools, "TOLD-1")
    announce_incident(incident, "open_incident")
    assert f"GitHub: shown on GitHub, in {SLUG}" in told(tools, incident)
    world.front.forget()
    announce_incident(incident, "open_incident")
    before = len(world.front.seen)
    announce_incident(incident, "open_incident")
    assert len(world.front.seen) == before, "the newest state is shown already"
    tools.bug_database.record(incident, an_assessment())
    world.front.faults.append(Fault("GET", r"/issues$", 403, times=1))
    announce_incident(incident, "assess_impact")
    untold = tools.bug_database.find(incident, Untold)
    assert untold is not None
    assert "GitHub: the incident's issue of TOLD-1: GitHub refused GET" in untold.problems[0]
    assert any(what.startswith("not told: GitHub: the incident's issue") for what in told(tools, incident))
    announce_incident(incident, "find_root_cause")
    healed = tools.bug_database.find(incident, Untold)
    assert healed is not None
    assert healed.problems == ()


def test_a_callback_never_raises(tools: Toolbox, caplog: pytest.LogCaptureFixture) -> None:
    from hotfix.airflow.announcements import announce

    class Run:
        run_id = "run-1"

    class Task:
        task_id = "fix.apply_fix"

    with caplog.at_level(logging.ERROR, logger="hotfix"):
        announce({"ti": Task(), "dag_run": object()})
    assert "apply_fix: the run could not be shown" in caplog.text
    announce({"ti": Task(), "dag_run": Run()})


# --- retries


def test_retries_are_chosen_by_the_error() -> None:
    from airflow.sdk.definitions.retry_policy import RetryAction

    from hotfix.airflow.retries import LONGEST, ByError

    def decision(error: BaseException) -> tuple[RetryAction, timedelta | None]:
        chosen = ByError().evaluate(error, 1, 3)
        return chosen.action, chosen.retry_delay

    assert decision(CodeHostUnavailable("busy", retry_after=42)) == (RetryAction.RETRY, timedelta(seconds=42))
    assert decision(CodeHostUnavailable("busy", retry_after=3600))[0] is RetryAction.FAIL
    assert timedelta(hours=1) > LONGEST
    assert decision(CodeHostUnavailable("gone")) == (RetryAction.DEFAULT, None)
    assert decision(GitFailed("refused"))[0] is RetryAction.FAIL
    assert decision(RuntimeError("a bug")) == (RetryAction.DEFAULT, None)


# --- secrets


def test_the_token_is_nowhere_after_everything_that_a_run_does_with_github(
    tools: Toolbox, world: GithubWorld, git_server: GitServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from hotfix.airflow.announcements import announce_incident
    from hotfix.steps.open_follow_up_pr import open_follow_up_pr

    history = GitHistory(tmp_path / "work.git")
    base = history.commit("Start", {"shop/pricing.py": "broken\n", "CODEOWNERS": "* @approver\n"})
    history.git("push", "--quiet", str(git_server.repositories / "acme/shop.git"), "main")
    incident = opened(tools, "SECRET-1")
    service = tools.service("shop")
    with caplog.at_level(logging.DEBUG):
        service.repository.fetch()
        assert service.repository.resolve("main") == base
        commit = service.repository.apply_patch(base, PATCH, "Fix", datetime(2026, 3, 1, tzinfo=timezone.utc))
        service.repository.push("refs/heads/hotfix/SECRET-1", commit, None)
        sarif = tools.artefacts(incident).put("security.sarif", '{"version": "2.1.0", "runs": []}')
        for document in (
            a_fix(commit=commit, base=base, changes=(a_change("shop/pricing.py"),)),
            a_test_report(),
            a_security_report(sarif=sarif),
            a_push(commit=commit, branch="hotfix/SECRET-1"),
        ):
            tools.bug_database.record(incident, document)
        announce_incident(incident, "push_hotfix")
        world.branch("follow-up/SECRET-1")
        followed = open_follow_up_pr(
            incident,
            service.profile,
            repository=service.repository,
            code_host=tools.code_host("shop"),
            bug_database=tools.bug_database,
            artefacts=tools.artefacts(incident),
        )
        tools.bug_database.record(incident, followed)
        world.front.faults.append(Fault("*", "", 401, times=99))
        announce_incident(incident, "open_follow_up_pr")
    assert followed.pull_request.url.startswith(world.front.address)
    assert [each["commit_sha"] for each in world.front.sarif] == [commit]
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "bugs.db" for path in kept)
    assert any("mirrors" in path.parts and path.name == "config" for path in kept)
    assert any(what.startswith("not told: ") for what in told(tools, incident))
    assert [str(path) for path in kept if TOKEN.encode() in path.read_bytes()] == []
    assert "not told: GitHub: the incident's issue" in caplog.text
    assert TOKEN not in caplog.text
    assert TOKEN not in git_server.log()
    assert TOKEN not in json.dumps([each.body for each in world.front.seen])
    assert isinstance(tools.code_host("shop")._behind, GithubCodeHost)  # type: ignore[attr-defined]


PATCH = """\
--- a/shop/pricing.py
+++ b/shop/pricing.py
@@ -1 +1 @@
-broken
+fixed
"""
