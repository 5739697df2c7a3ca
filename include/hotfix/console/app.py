"""The console as a FastAPI app, to be mounted in Airflow's api-server."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import Depends, FastAPI

from hotfix.console import errors
from hotfix.console.access import may_read
from hotfix.console.routes import router
from hotfix.ports.artefacts import ArtefactStore
from hotfix.ports.bug_database import BugDatabase


def console(bug_database: Callable[[], BugDatabase], artefacts: Callable[[str, int], ArtefactStore]) -> FastAPI:
    """The app; every route of it needs a login and the right to read the hotfix runs.

    ``bug_database`` is asked once a request; ``artefacts`` gives the store of (incident id, attempt).
    """
    app = FastAPI(title="Hotfixes", docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(may_read)])
    app.state.bug_database = bug_database
    app.state.artefacts = artefacts
    app.include_router(router)
    errors.install(app)
    return app
