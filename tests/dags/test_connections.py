"""Connections of Airflow as plain values for the adapters."""

from __future__ import annotations

import json

import pytest

from hotfix.domain.errors import HotfixError

pytestmark = pytest.mark.airflow


@pytest.mark.parametrize(
    ("connection", "user"),
    [({"login": "watcher", "password": "hush-hush"}, "watcher"), ({"password": "hush-hush"}, "")],
)
def test_login_and_password_or_a_token_alone(
    monkeypatch: pytest.MonkeyPatch, connection: dict[str, str], user: str
) -> None:
    from hotfix.airflow.connections import login

    monkeypatch.setenv("AIRFLOW_CONN_PROMETHEUS_SHOP", json.dumps({"conn_type": "http", **connection}))
    found = login("prometheus_shop")
    assert (found.user, found.password) == (user, "hush-hush")
    assert "hush-hush" not in repr(found)


def test_a_connection_without_a_password_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from hotfix.airflow.connections import login

    monkeypatch.setenv("AIRFLOW_CONN_PROMETHEUS_SHOP", json.dumps({"conn_type": "http", "login": "watcher"}))
    with pytest.raises(HotfixError, match="prometheus_shop has no password"):
        login("prometheus_shop")
