"""The intake as a FastAPI app."""

from __future__ import annotations

import asyncio
import logging

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException as StarletteHTTPException

from hotfix.domain.alert import AlertSource
from hotfix.intake.desk import Answer, Desk

BODY_LIMIT = 1024 * 1024
READ_SECONDS = 5.0
# Sentry gives up after one second; the rest is for a busy machine to get the answer out.
ANSWER_SECONDS = 0.75
TOO_LATE = Answer(503, {"error": "It takes longer than usual; telling it again is safe."})

log = logging.getLogger("hotfix.intake")


def intake(desk: Desk, answer_within: float = ANSWER_SECONDS) -> FastAPI:
    """One address a source, open to whoever has the source's secret and to nobody else; no others.

    ``answer_within`` seconds after it was read, a request is answered, done or not.
    """
    app = FastAPI(title="Hotfix intake", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)

    @app.post("/{source}")
    async def receive(source: AlertSource, request: Request) -> JSONResponse:
        try:
            body = await asyncio.wait_for(_read(request), READ_SECONDS)
        except asyncio.TimeoutError:
            raise HTTPException(408) from None
        # The work goes on when its time is up: the sender asks again, and finds the run.
        work = asyncio.ensure_future(run_in_threadpool(desk.receive, source, dict(request.headers), body))
        done, _ = await asyncio.wait((work,), timeout=answer_within)
        if not done:
            work.add_done_callback(_log_failure)
        answer = work.result() if done else TOO_LATE
        return JSONResponse(answer.content, answer.status, _HEADERS.get(answer.status))

    app.exception_handler(StarletteHTTPException)(_refused)
    app.exception_handler(RequestValidationError)(_no_such_source)
    return app


_HEADERS = {401: {"WWW-Authenticate": "Signature"}, 503: {"Retry-After": "5"}}


async def _read(request: Request) -> bytes:
    """The body as it came.

    Raises:
        HTTPException: 413, it is larger than ``BODY_LIMIT`` or says so.
    """
    stated = request.headers.get("content-length", "0")
    if not stated.isdigit() or int(stated) > BODY_LIMIT:
        raise _too_large()
    parts = bytearray()
    async for part in request.stream():
        parts += part
        if len(parts) > BODY_LIMIT:
            raise _too_large()
    return bytes(parts)


async def _refused(request: Request, error: StarletteHTTPException) -> JSONResponse:
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


async def _no_such_source(request: Request, error: RequestValidationError) -> JSONResponse:
    return JSONResponse({"error": "There is no such source."}, 404)


def _too_large() -> HTTPException:
    return HTTPException(413, f"A request may have {BODY_LIMIT} bytes.")


def _log_failure(work: asyncio.Future[Answer]) -> None:
    if not work.cancelled() and (error := work.exception()):
        log.error("An alert was not taken after its sender had been told to come again: %r", error)
