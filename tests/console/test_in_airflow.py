"""The console in a running api-server: found by the plugin manager, closed to strangers, open to a viewer."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from demo.airflow_api import AirflowApi
from demo.airflow_stack import START_LIMIT, USERS, AirflowStack
from hotfix.adapters.bug_database import SqlBugDatabase, upgrade
from hotfix.airflow.artefact_store import ObjectArtefactStore
from hotfix.domain.follow_up import FollowUp, PostMortem, PullRequest
from tests.contract.bug_database_contract import SHA, an_incident

pytestmark = [pytest.mark.stack, pytest.mark.airflow]

INCIDENT = an_incident(title="Checkout answers 500", run_id="manual__2026-03-01T03:00:00+00:00")
READABLE = {
    "": "Checkout answers 500",
    "owed": "Nothing is owed",
    "incidents/INC-1": "Checkout answers 500",
    "incidents/INC-1/attempts/1/post-mortem": "<h1>What happened</h1>",
    "pull-requests/INC-1/follow-up/INC-1": "the full fix",
    "runs/manual__2026-03-01T03%3A00%3A00%2B00%3A00": "Checkout answers 500",
}


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowStack]:
    """Nothing but an api-server, whose bug database holds one incident."""
    stack = AirflowStack(tmp_path_factory.mktemp("airflow"), tmp_path_factory.mktemp("services"))
    fill(stack.home / "hotfix")
    (stack.home / "passwords.json").write_text(json.dumps({user: user for user in USERS}))
    migrate = [sys.executable, "-m", "airflow", "db", "migrate"]
    subprocess.run(migrate, env=stack.environment, check=True, capture_output=True, timeout=START_LIMIT)
    try:
        stack.start_component("api-server")
        wait_for(f"{stack.url}/api/v2/version")
        yield stack
    finally:
        stack.stop()


def fill(home: Path) -> None:
    home.mkdir()
    url = f"sqlite:///{home / 'bugs.db'}"
    upgrade(url)
    bug_database = SqlBugDatabase(url)
    bug_database.open_incident(INCIDENT)
    store = ObjectArtefactStore((home / "artefacts").as_uri(), INCIDENT.id, INCIDENT.attempt)
    post_mortem = PostMortem(document=store.put("post-mortem.md", "# What happened"), summary="", action_items=0)
    bug_database.record(INCIDENT, post_mortem)
    pull = PullRequest(branch="follow-up/INC-1", title="Follow-up", url="bug-database:1", draft=True, head=SHA)
    bug_database.save_pull_request(INCIDENT, pull, "the full fix")
    bug_database.record(INCIDENT, FollowUp(pull_request=pull, items=()))


def wait_for(url: str) -> None:
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise TimeoutError(f"{url} does not answer")


def get(airflow: AirflowStack, address: str, **headers: str) -> tuple[int, str]:
    request = urllib.request.Request(f"{airflow.url}/hotfix/{address}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status), answer.read().decode()
    except urllib.error.HTTPError as error:
        return int(error.code), error.read().decode()


def token_of(airflow: AirflowStack, user: str) -> str:
    body = json.dumps({"username": user, "password": user}).encode()
    request = urllib.request.Request(f"{airflow.url}/auth/token", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return str(json.load(answer)["access_token"])


def test_the_plugin_is_registered_without_an_error(airflow: AirflowStack) -> None:
    api = AirflowApi(airflow.url, "viewer")
    assert api.call("GET", "/plugins/importErrors")["import_errors"] == []
    (plugin,) = (each for each in api.call("GET", "/plugins")["plugins"] if each["name"] == "hotfix_console")
    assert [(view["destination"], view["href"]) for view in plugin["external_views"]] == [
        ("nav", "hotfix/"),
        ("dag_run", "hotfix/runs/{RUN_ID}"),
    ]


@pytest.mark.parametrize("address", READABLE)
def test_a_stranger_is_refused(airflow: AirflowStack, address: str) -> None:
    status, page = get(airflow, address)
    assert status == HTTPStatus.UNAUTHORIZED
    assert "Checkout" not in page
    assert get(airflow, address, Cookie="_token=made-up")[0] == HTTPStatus.FORBIDDEN
    assert get(airflow, address, Authorization="Bearer made-up")[0] == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("address", ["docs", "redoc", "openapi.json"])
def test_there_is_no_description_of_the_routes(airflow: AirflowStack, address: str) -> None:
    assert get(airflow, address)[0] == HTTPStatus.NOT_FOUND
    assert get(airflow, address, Cookie=f"_token={token_of(airflow, 'admin')}")[0] == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize(("address", "content"), READABLE.items())
def test_a_viewer_reads_with_the_cookie_of_the_browser(airflow: AirflowStack, address: str, content: str) -> None:
    status, page = get(airflow, address, Cookie=f"_token={token_of(airflow, 'viewer')}")
    assert status == HTTPStatus.OK
    assert content in page


def test_the_connection_says_where_the_bug_database_is(airflow: AirflowStack, tmp_path: Path) -> None:
    other = f"sqlite:///{tmp_path / 'other.db'}"
    upgrade(other)
    SqlBugDatabase(other).open_incident(an_incident(title="Recorded somewhere else"))
    api = AirflowApi(airflow.url, "admin")
    extra = json.dumps({"url": other})
    api.connect("bug_database", conn_type="generic", extra=extra)
    assert "Recorded somewhere else" in get(airflow, "", Cookie=f"_token={token_of(airflow, 'viewer')}")[1]
