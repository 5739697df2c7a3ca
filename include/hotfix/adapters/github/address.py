"""Which GitHub an address belongs to, and which repository there."""

from __future__ import annotations

import re
from urllib.parse import urlsplit


def web_host(api_address: str) -> str:
    """The host (with its port) that people and git use: ``api.github.com`` is behind ``github.com``."""
    parts = urlsplit(api_address)
    # Enterprise Server answers at https://HOST/api/v3, Enterprise Cloud with data residency at https://api.HOST.
    return parts.netloc if parts.path.strip("/") else parts.netloc.removeprefix("api.")


def same_host(repository: str, api_address: str) -> bool:
    """Whether git may use the API's token for this address: the very same host, over HTTP."""
    parts = urlsplit(repository)
    return parts.scheme in ("https", "http") and parts.netloc.lower() == web_host(api_address).lower()


def repository_at(address: str, api_address: str) -> str:
    """``owner/name`` of a git address on that GitHub; empty when it is elsewhere."""
    found = re.fullmatch(
        r"(?:https?://|ssh://(?:[^@/]+@)?|[^@/]+@)([^/:]+(?::\d+)?)[/:]([^/]+)/([^/]+?)(?:\.git)?/?", address
    )
    if found is None:
        return ""
    host = found[1].lower()
    wanted = web_host(api_address).lower()
    # Over SSH the port is another one.
    same = host == wanted or (not address.startswith("http") and host.split(":")[0] == wanted.split(":")[0])
    return f"{found[2]}/{found[3]}" if same else ""
