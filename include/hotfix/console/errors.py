"""Refusals and failures as pages."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from hotfix.console.pages import page
from hotfix.domain.errors import HotfixError

_TITLES = {401: "Please log in", 403: "Not allowed", 404: "Not found"}
_ADVICE = {
    401: "The console shows what your Airflow login may read.",
    403: "Reading the console needs the right to read the runs of emergency_hotfix.",
}


def install(app: FastAPI) -> None:
    """Let ``app`` answer every error with a page."""
    app.exception_handler(HTTPException)(_refused)
    app.exception_handler(RequestValidationError)(_no_such_address)
    app.exception_handler(HotfixError)(_failed)


async def _refused(request: Request, error: HTTPException) -> HTMLResponse:
    title = _TITLES.get(error.status_code, "That did not work")
    text = _ADVICE.get(error.status_code, str(error.detail))
    return page(
        request, "message.html", error.status_code, title=title, text=text, login=error.status_code in (401, 403)
    )


async def _no_such_address(request: Request, error: RequestValidationError) -> HTMLResponse:
    return page(request, "message.html", 404, title=_TITLES[404], text="There is no such page.", login=False)


async def _failed(request: Request, error: HotfixError) -> HTMLResponse:
    status = 503 if error.retryable else 500
    return page(request, "message.html", status, title="The record cannot be read", text=str(error), login=False)
