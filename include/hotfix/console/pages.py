"""Answers as HTML pages that may load nothing and run nothing but what this package ships."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from hotfix.console import wording
from hotfix.console.access import DAG_ID
from hotfix.console.views import time_taken

_TEMPLATES = Path(__file__).with_name("templates")
_STYLE, _SCRIPT = ((_TEMPLATES / name).read_text("utf-8").strip() for name in ("style.css", "frame.js"))


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "duration": wording.duration,
        "fact": wording.fact,
        "label": wording.label,
        "moment": wording.moment,
    }
    # Both are files of this package.
    environment.globals |= {"style": Markup(_STYLE), "script": Markup(_SCRIPT), "time_taken": time_taken}  # noqa: S704
    return environment


def _source(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


_ENVIRONMENT = _environment()
_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src {_source(_STYLE)}; script-src {_source(_SCRIPT)}; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A template as an answer.

    Every template knows ``base`` and ``airflow`` (where both are mounted), ``here`` and ``now``.
    """
    airflow = request.scope.get("app_root_path", "")
    text = _ENVIRONMENT.get_template(template).render(
        base=request.scope.get("root_path", ""),
        airflow=airflow,
        here=request.url.path,
        run_url=lambda run_id: f"{airflow}/dags/{DAG_ID}/runs/{quote(run_id, safe='')}",
        now=datetime.now(timezone.utc),
        **values,
    )
    return HTMLResponse(text, status, dict(_HEADERS))


def picture(svg: str) -> Response:
    """An SVG as an answer. It has a style of its own; opened by itself it runs and loads nothing all the same."""
    policy = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'self'"
    return Response(svg, media_type="image/svg+xml", headers={**_HEADERS, "Content-Security-Policy": policy})
