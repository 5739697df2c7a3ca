"""Airflow Connections as the adapters need them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException
from sqlalchemy import URL

from hotfix.adapters.installation import default_bug_database_url
from hotfix.adapters.login import Login
from hotfix.domain.alert import AlertSource
from hotfix.domain.errors import CodeHostUnavailable, HotfixError, InvalidCatalog
from hotfix.ports.alert_format import Credentials

if TYPE_CHECKING:
    from hotfix.adapters.deployers.playbook import SshIdentity

BUG_DATABASE = "bug_database"
_DRIVERS = {"postgres": "postgresql"}


def bug_database_url() -> str:
    """The Connection ``bug_database``: its extra ``url``, else its fields; without it the installation's default."""
    try:
        connection = Connection.get(BUG_DATABASE)
    except AirflowNotFoundException:
        return default_bug_database_url()
    if url := connection.extra_dejson.get("url"):
        return str(url)
    return URL.create(
        _DRIVERS.get(connection.conn_type, connection.conn_type),
        username=connection.login,
        password=connection.password,
        host=connection.host,
        port=connection.port,
        database=connection.schema,
    ).render_as_string(hide_password=False)


def ssh_identity(connection_id: str | None) -> SshIdentity:
    """The Connection's login, and of its extra ``key_file`` (a path) or ``agent`` (a socket); nothing without one.

    Raises:
        InvalidCatalog: there is no such Connection, or it holds a password or the key itself.
    """
    # Here: every task asks for the bug database, and few for the deployers.
    from hotfix.adapters.deployers.playbook import SshIdentity

    if connection_id is None:
        return SshIdentity()
    try:
        connection = Connection.get(connection_id)
    except AirflowNotFoundException:
        raise InvalidCatalog(
            f"There is no Connection {connection_id}, which a service's deployer names.",
            "Make it (type SSH), with the user as login and key_file in the extra.",
        ) from None
    extra = connection.extra_dejson
    if connection.password or extra.get("private_key"):
        raise InvalidCatalog(
            f"The Connection {connection_id} holds a password or the key itself.",
            "Put the key into a file that only the worker's user may read and name it as key_file in the extra, or "
            "give it to an ssh-agent and name its socket as agent.",
        )
    key_file, agent = extra.get("key_file"), extra.get("agent")
    return SshIdentity(connection.login or None, key_file and str(key_file), agent and str(agent))


def login(connection_id: str) -> Login:
    """Login and password of a Connection.

    Raises:
        HotfixError: there is no such Connection, or it holds no password.
    """
    try:
        connection = Connection.get(connection_id)
    except AirflowNotFoundException:
        raise HotfixError(
            f"There is no Airflow Connection {connection_id}, which the service's profile names.",
            "Create it, with login and password, or with a bearer token as its password.",
        ) from None
    if not connection.password:
        raise HotfixError(f"The Airflow Connection {connection_id} has no password.", "Give it one.")
    return Login(user=connection.login or "", password=connection.password)


@dataclass(frozen=True)
class GithubAccess:
    """``token`` gives one that is valid now: an App's are renewed when they end."""

    address: str
    token: Callable[[], str] = field(repr=False)


def github(connection_id: str) -> GithubAccess | None:
    """What a GitHub Connection gives, by the provider's hook: token or App, GitHub Enterprise by host; None without it.

    Raises:
        HotfixError: the Connection is there and cannot be used.
    """
    try:
        Connection.get(connection_id)
    except AirflowNotFoundException:
        return None
    from airflow.providers.github.hooks.github import GithubHook

    try:
        client = GithubHook(connection_id).get_conn()
    except Exception as error:
        # Only its kind: the text may quote the key.
        raise HotfixError(
            f"The Connection {connection_id} cannot be used ({type(error).__name__}).", "docs/github.md says how."
        ) from None
    requester = client.requester
    return GithubAccess(address=requester.base_url, token=lambda: _token(requester, connection_id))


def _token(requester: Any, connection_id: str) -> str:
    try:
        return str(requester.auth.token)
    except Exception as error:
        raise CodeHostUnavailable(
            f"GitHub gives the App of the Connection {connection_id} no token ({type(error).__name__}).",
            "Look at app_id, installation_id and the key, and whether the App is still installed.",
        ) from None


def intake_credentials(source: AlertSource) -> Credentials | None:
    """The Connection ``hotfix_intake_<source>``: its password, and ``previous_password`` of its extra."""
    try:
        connection = Connection.get(f"hotfix_intake_{source.value}")
    except AirflowNotFoundException:
        return None
    secrets = (connection.password, connection.extra_dejson.get("previous_password"))
    return Credentials(secrets=tuple(str(secret) for secret in secrets if secret), user=connection.login or "")
