"""Registers the console in Airflow (pages at /hotfix, an entry in the navigation, a tab on runs) and the intake."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, MutableMapping
from functools import cached_property
from typing import Any

from airflow.plugins_manager import AirflowPlugin

Message = MutableMapping[str, Any]


class Console:
    """An ASGI app that is made at the first request.

    Every component and every task process loads the plugins, and only the api-server needs the app. An error in it
    is an error of these pages; the api-server starts.
    """

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        await self._app(scope, receive, send)

    @cached_property
    def _app(self) -> Any:
        from hotfix.adapters.bug_database import SqlBugDatabase
        from hotfix.airflow.connections import bug_database_url
        from hotfix.airflow.toolbox import artefacts_of
        from hotfix.console.app import console

        return console(lambda: SqlBugDatabase(bug_database_url()), artefacts_of)


class SlackCallbacks(Console):
    """Where Slack tells of pressed buttons, apart from the console: Slack has no login of Airflow, it signs."""

    @cached_property
    def _app(self) -> Any:
        from hotfix.airflow.pressed_buttons import press, signing_secret
        from hotfix.console.slack import slack_callbacks

        return slack_callbacks(signing_secret, press)


class Intake(Console):
    """Where alerts come in, apart from the console: their sources have no login of Airflow, each has a secret."""

    @cached_property
    def _app(self) -> Any:
        from hotfix.adapters.bug_database import SqlBugDatabase
        from hotfix.adapters.catalog import YamlCatalog
        from hotfix.adapters.clock import SystemClock
        from hotfix.adapters.installation import catalog_folder
        from hotfix.airflow.connections import bug_database_url, intake_credentials
        from hotfix.airflow.hotfix_runs import AirflowHotfixRuns
        from hotfix.intake.app import intake
        from hotfix.intake.credentials import CredentialBook
        from hotfix.intake.desk import Desk

        desk = Desk(
            catalog=YamlCatalog(catalog_folder()),
            runs=AirflowHotfixRuns(),
            bug_database=lambda: SqlBugDatabase(bug_database_url()),
            credentials=CredentialBook(intake_credentials),
            clock=SystemClock(),
        )
        # Whoever comes first, a health check at best, does not wait for it.
        threading.Thread(target=desk.warm_up, name="hotfix intake", daemon=True).start()
        return intake(desk)


class HotfixConsole(AirflowPlugin):
    name = "hotfix_console"
    fastapi_apps = [
        {"app": Console(), "url_prefix": "/hotfix", "name": "Hotfixes"},
        {"app": SlackCallbacks(), "url_prefix": "/hotfix-slack", "name": "Hotfixes: Slack"},
        {"app": Intake(), "url_prefix": "/hotfix-intake", "name": "Hotfixes: intake"},
    ]
    # Relative addresses: Airflow's UI resolves them against its own base url.
    external_views = [
        {"name": "Hotfixes", "href": "hotfix/", "destination": "nav", "url_route": "hotfixes"},
        {"name": "Incident", "href": "hotfix/runs/{RUN_ID}", "destination": "dag_run", "url_route": "incident"},
    ]
