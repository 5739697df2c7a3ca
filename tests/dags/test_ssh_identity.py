"""An ansible deployer gets the place of its key from a Connection, and never the key."""

from __future__ import annotations

import json

import pytest

from hotfix.adapters.deployers.playbook import SshIdentity
from hotfix.airflow.connections import ssh_identity
from hotfix.domain.errors import InvalidCatalog

pytestmark = pytest.mark.airflow


def connect(monkeypatch: pytest.MonkeyPatch, **fields: object) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_SSH", json.dumps({"conn_type": "ssh", **fields}))


def test_the_connection_says_who_and_where_the_key_is(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, login="deployer", extra={"key_file": "/keys/shop", "agent": "/run/agent.sock"})
    assert ssh_identity("shop_ssh") == SshIdentity("deployer", "/keys/shop", "/run/agent.sock")


def test_without_a_connection_ssh_is_used_as_it_is() -> None:
    assert ssh_identity(None) == SshIdentity()


@pytest.mark.parametrize("secret", [{"password": "s3cr3t"}, {"extra": {"private_key": "s3cr3t"}}])
def test_a_connection_that_holds_the_key_itself_is_refused(
    monkeypatch: pytest.MonkeyPatch, secret: dict[str, object]
) -> None:
    connect(monkeypatch, login="deployer", **secret)
    with pytest.raises(InvalidCatalog, match="key_file in the extra") as refusal:
        ssh_identity("shop_ssh")
    assert "s3cr3t" not in str(refusal.value)


def test_a_missing_connection_is_named() -> None:
    with pytest.raises(InvalidCatalog, match="There is no Connection shop_ssh"):
        ssh_identity("shop_ssh")
