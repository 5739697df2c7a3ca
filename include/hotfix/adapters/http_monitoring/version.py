"""Which version production says it runs."""

from __future__ import annotations

import json

import httpx
from pydantic import TypeAdapter, ValidationError

from hotfix.adapters.http_monitoring.client import get
from hotfix.domain.document import Sha

_SHA = TypeAdapter(Sha)


def read_version(client: httpx.Client, url: str) -> Sha | None:
    """The full commit id under ``version`` in the JSON at ``url``; None for any other answer, and for none."""
    answer = get(client, url)
    if answer.status != 200:
        return None
    try:
        document = json.loads(answer.body)
        return _SHA.validate_python(document["version"]) if isinstance(document, dict) else None
    except (ValueError, KeyError, RecursionError, ValidationError):
        return None
