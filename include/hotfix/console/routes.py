"""The console's addresses."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Request, Response
from fastapi.responses import RedirectResponse

from hotfix.adapters.bug_database.errors import BugDatabaseUnusable
from hotfix.console import views
from hotfix.console.markdown import render
from hotfix.console.pages import page, picture
from hotfix.domain.errors import HotfixError
from hotfix.domain.follow_up import PullRequest
from hotfix.ports.bug_database import BugDatabase, IncidentRow, IncidentStatus

ROWS_SHOWN = 200

router = APIRouter()


def _bug_database(request: Request) -> BugDatabase:
    found: BugDatabase = request.app.state.bug_database()
    return found


Ledger = Annotated[BugDatabase, Depends(_bug_database)]
IncidentId = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,60}$")]
Branch = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9_./-]{0,200}$")]
RunId = Annotated[str, Path(pattern=r"^[^\x00-\x1f]{1,250}$")]


@router.get("/")
def incidents(request: Request, bug_database: Ledger, status: IncidentStatus | None = None) -> Response:
    """All attempts at all incidents, newest first, or those with one status."""
    try:
        rows, owed = bug_database.incidents(), bug_database.owed()
    except BugDatabaseUnusable as error:
        return _no_tables(request, error)
    counts = {each: sum(row.status is each for row in rows) for each in IncidentStatus}
    shown = tuple(row for row in rows if status in (None, row.status))
    return page(
        request,
        "incidents.html",
        rows=shown[:ROWS_SHOWN],
        found=len(shown),
        recorded=len(rows),
        counts=counts,
        chosen=status,
        owed=owed,
    )


@router.get("/owed")
def owed(request: Request, bug_database: Ledger) -> Response:
    """Follow-up items that nobody has done yet, the most urgent first."""
    try:
        return page(request, "owed.html", debts=views.debts(bug_database))
    except BugDatabaseUnusable as error:
        return _no_tables(request, error)


@router.get("/incidents/{incident_id}")
def incident(request: Request, bug_database: Ledger, incident_id: IncidentId) -> Response:
    """One incident with all attempts."""
    attempts = views.attempts(bug_database, incident_id)
    if not attempts:
        raise _not_found(f"No incident {incident_id} is recorded.")
    items = tuple(item for _, item in bug_database.owed(incident_id, only_open=False))
    return page(request, "incident.html", incident_id=incident_id, attempts=attempts, items=items)


@router.get("/incidents/{incident_id}/attempts/{number}/post-mortem")
def post_mortem(request: Request, bug_database: Ledger, incident_id: IncidentId, number: int) -> Response:
    """The post-mortem of one attempt.

    Raises:
        HotfixError: the document is gone, or is not what was stored.
    """
    row = next((row for row in bug_database.attempts(incident_id) if row.attempt == number), None)
    found = views.attempt(bug_database, row).post_mortem if row else None
    if row is None or found is None:
        raise _not_found(f"No post-mortem of attempt {number} at {incident_id} is recorded.")
    text = request.app.state.artefacts(row.id, row.attempt).read(found.document)
    return _document(request, row, f"Post-mortem, attempt {row.attempt}", text)


@router.get("/incidents/{incident_id}/attempts/{number}/error-rate.svg")
def error_rate(bug_database: Ledger, request: Request, incident_id: IncidentId, number: int) -> Response:
    """The error rate before, during and after, as the watch has drawn it.

    Raises:
        HotfixError: the picture is gone, or is not what was stored.
    """
    row = next((row for row in bug_database.attempts(incident_id) if row.attempt == number), None)
    stability = views.attempt(bug_database, row).stability if row else None
    if row is None or stability is None or stability.plot is None:
        raise _not_found(f"No error rate of attempt {number} at {incident_id} is recorded.")
    return picture(request.app.state.artefacts(row.id, row.attempt).read(stability.plot))


@router.get("/pull-requests/{incident_id}/{branch:path}")
def pull_request(request: Request, bug_database: Ledger, incident_id: IncidentId, branch: Branch) -> Response:
    """A pull request where the bug database keeps it, for a service without a code host."""
    for attempt in views.attempts(bug_database, incident_id):
        pulls = attempt.follow_up.pull_requests if attempt.follow_up else ()
        if branch in {pull.branch for pull in pulls} and (found := bug_database.pull_request(incident_id, branch)):
            pull, text = found
            return _document(request, attempt.row, pull.title, text, pull)
    raise _not_found(f"No pull request of {incident_id} from {branch} is recorded here.")


@router.get("/runs/{run_id}")
def run(request: Request, bug_database: Ledger, run_id: RunId) -> Response:
    """To the incident of a run of ``emergency_hotfix``, or of a run that it started (``<incident>__<attempt>``)."""
    try:
        found = bug_database.incident_of_run(run_id)
        incident_id, _, attempt = run_id.rpartition("__")
        target = (found.id, str(found.attempt)) if found else (incident_id, attempt)
        if target not in {(row.id, str(row.attempt)) for row in bug_database.attempts(target[0] or run_id)}:
            raise _not_found(f"The run {run_id} opened no incident (yet).")
    except BugDatabaseUnusable as error:
        return _no_tables(request, error)
    return RedirectResponse(f"{request.scope.get('root_path', '')}/incidents/{target[0]}#attempt-{target[1]}", 303)


def _document(request: Request, row: IncidentRow, title: str, text: str, pull: PullRequest | None = None) -> Response:
    return page(request, "document.html", row=row, title=title, body=render(text), pull=pull)


def _no_tables(request: Request, error: HotfixError) -> Response:
    return page(request, "nothing_recorded.html", text=str(error))


def _not_found(what: str) -> HTTPException:
    return HTTPException(404, what)
