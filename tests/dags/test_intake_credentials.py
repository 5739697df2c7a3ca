"""The secrets of the intake in Airflow's Connections."""

from __future__ import annotations

import json

import pytest

from hotfix.airflow.connections import intake_credentials
from hotfix.domain.alert import AlertSource
from hotfix.ports.alert_format import Credentials

pytestmark = pytest.mark.airflow


def test_password_user_and_the_password_of_before(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {"conn_type": "generic", "login": "am", "password": "new", "extra": {"previous_password": "old"}}
    monkeypatch.setenv("AIRFLOW_CONN_HOTFIX_INTAKE_ALERTMANAGER", json.dumps(fields))
    assert intake_credentials(AlertSource.ALERTMANAGER) == Credentials(("new", "old"), "am")


def test_a_connection_without_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_HOTFIX_INTAKE_SENTRY", json.dumps({"conn_type": "generic", "login": "sentry"}))
    assert intake_credentials(AlertSource.SENTRY) == Credentials((), "sentry")
