"""The console on a real bug database and a real artefact store."""

# ruff: noqa: E402

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

# Airflow writes its configuration where this points when it is imported: that comes after.
_HOME = tempfile.TemporaryDirectory(prefix="airflow-of-console-tests-", ignore_cleanup_errors=True)
os.environ.setdefault("AIRFLOW_HOME", _HOME.name)

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from hotfix.adapters.bug_database import SqlBugDatabase, upgrade
from hotfix.airflow.artefact_store import ObjectArtefactStore
from hotfix.console.access import may_read
from hotfix.console.app import console


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'bugs.db'}"


@pytest.fixture
def bug_database(url: str) -> SqlBugDatabase:
    upgrade(url)
    return SqlBugDatabase(url)


@pytest.fixture
def artefact_root(tmp_path: Path) -> str:
    return (tmp_path / "artefacts").as_uri()


@pytest.fixture
def app(url: str, artefact_root: str) -> FastAPI:
    """As the plugin makes it."""
    return console(
        lambda: SqlBugDatabase(url), lambda incident, attempt: ObjectArtefactStore(artefact_root, incident, attempt)
    )


@pytest.fixture
def reader(app: FastAPI) -> Iterator[TestClient]:
    """A browser whose user may read."""
    app.dependency_overrides[may_read] = lambda: None
    with TestClient(_airflow(app), follow_redirects=False) as client:
        yield client


@pytest.fixture
def behind_a_path(app: FastAPI) -> Iterator[TestClient]:
    """A reader where Airflow's base url has a path."""
    app.dependency_overrides[may_read] = lambda: None
    with TestClient(_airflow(app, "/airflow"), follow_redirects=False) as client:
        yield client


@pytest.fixture
def stranger(app: FastAPI) -> Iterator[TestClient]:
    """A browser without a login."""
    with TestClient(_airflow(app), follow_redirects=False) as client:
        yield client


def _airflow(app: FastAPI, path: str = "") -> FastAPI:
    api_server = FastAPI(root_path=path)
    api_server.mount("/hotfix", app)
    return api_server
