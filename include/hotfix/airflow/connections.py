"""Airflow Connections as the adapters need them."""

from __future__ import annotations

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException
from sqlalchemy import URL

from hotfix.adapters.installation import default_bug_database_url

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
