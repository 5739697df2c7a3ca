"""GitHub's own OpenAPI description as a judge of requests: Prism, with the part of the description that we use."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.rig import free_ports, npm_file, program, server

_REPO = "/repos/{owner}/{repo}"
# A judge that knows the whole description needs 290 MB and 20 seconds to begin.
USED = tuple(
    f"{_REPO}{path}"
    for path in (
        "",
        "/actions/runs/{run_id}",
        "/actions/workflows/{workflow_id}/dispatches",
        "/actions/workflows/{workflow_id}/runs",
        "/check-runs",
        "/check-runs/{check_run_id}",
        "/code-scanning/analyses",
        "/code-scanning/sarifs",
        "/commits/{commit_sha}/pulls",
        "/commits/{ref}/check-runs",
        "/commits/{ref}/statuses",
        "/deployments",
        "/deployments/{deployment_id}/statuses",
        "/issues",
        "/issues/comments/{comment_id}",
        "/issues/{issue_number}",
        "/issues/{issue_number}/comments",
        "/issues/{issue_number}/labels",
        "/git/ref/{ref}",
        "/git/refs",
        "/git/refs/{ref}",
        "/pulls",
        "/pulls/{pull_number}",
        "/pulls/{pull_number}/requested_reviewers",
        "/pulls/{pull_number}/reviews",
        "/releases",
        "/releases/tags/{tag}",
        "/releases/{release_id}",
        "/statuses/{sha}",
    )
)


def description(paths: Sequence[str] = USED) -> dict[str, Any]:
    """GitHub's description of these paths, with what they refer to; a path that it does not know is an error."""
    whole = json.loads(npm_file("@octokit/openapi/generated/api.github.com.json").read_text())
    small = {key: whole[key] for key in ("openapi", "info", "servers")}
    small["paths"] = {path: whole["paths"][path] for path in paths}
    small["components"] = {}
    wanted = set(_references(small["paths"]))
    done: set[str] = set()
    while wanted - done:
        reference = (wanted - done).pop()
        done.add(reference)
        _, kind, name = reference.removeprefix("#/").split("/")
        part = whole["components"][kind][name]
        small["components"].setdefault(kind, {})[name] = part
        wanted |= set(_references(part))
    return small


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(reference := part.get("$ref"), str):
            yield reference
        for each in part.values():
            yield from _references(each)
    elif isinstance(part, list):
        for each in part:
            yield from _references(each)


@contextmanager
def judge(folder: Path, upstream: str) -> Iterator[str]:
    """A proxy in front of ``upstream`` whose answers carry what the request broke (``sl-violations``); its address."""
    prism = str(program("prism"))
    port = free_ports(1)
    settings = folder / "github.json"
    settings.write_text(json.dumps(description()))
    with server([prism, "proxy", str(settings), upstream, "--port", str(port), "--host", "127.0.0.1"], (port,)):
        yield f"http://127.0.0.1:{port}"
