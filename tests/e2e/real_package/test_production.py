"""Production shows the regression and loses it when a mended revision is deployed, without a restart."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.real_package.history import RealHistory

pytestmark = [pytest.mark.network, pytest.mark.xdist_group("real-package")]

HERE = Path(__file__).parent
PATIENCE = 60
SYMPTOM = "/render?theme=seasonal&page=welcome"


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


@pytest.fixture
def access_log(production_root: Path, port: int, tmp_path: Path) -> Iterator[Path]:
    """Of a production that runs."""
    log = tmp_path / "access.jsonl"
    command = [sys.executable, str(HERE / "server.py"), "--root", str(production_root), "--port", str(port)]
    with subprocess.Popen([*command, "--access-log", str(log)], stderr=subprocess.DEVNULL) as server:
        try:
            deadline = time.monotonic() + PATIENCE
            while not _listens(port) and time.monotonic() < deadline:
                time.sleep(0.05)
            yield log
        finally:
            server.terminate()


def test_production_from_the_bad_release_to_the_fix_and_back(
    history: RealHistory, production_root: Path, port: int, access_log: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad"
    git(tmp_path, "clone", "--quiet", str(history.repository), str(bad))
    git(bad, "checkout", "--quiet", history.bad)

    deploy(production_root, history.bad, bad)
    assert status(production_root) == history.bad
    assert fetch(port, "/version") == (200, json.dumps({"version": history.bad}))
    assert fetch(port, "/render?theme=plain&page=welcome") == (200, "Welcome to the shop.\n")
    assert fetch(port, SYMPTOM)[0] == 500

    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    git(bad, *identity, "revert", "--no-edit", history.culprit)
    fixed = git(bad, "rev-parse", "HEAD")
    for _twice in range(2):
        deploy(production_root, fixed, bad)
        assert status(production_root) == fixed
    assert git(bad, "status", "--porcelain", "--ignored") == ""
    assert fetch(port, "/version") == (200, json.dumps({"version": fixed}))
    assert fetch(port, SYMPTOM) == (200, "Welcome to the winter sale.\n")

    run("rollback.py", "--root", str(production_root), "--version", history.bad)
    assert status(production_root) == history.bad
    assert fetch(port, SYMPTOM)[0] == 500

    entries = logged(access_log, requests=6)
    assert [entry["status"] for entry in entries if entry["path"] == SYMPTOM] == [500, 200, 500]
    assert all(set(entry) == {"t", "method", "path", "status", "ms"} for entry in entries)


def test_a_deployment_that_was_cut_short_is_taken_up(
    history: RealHistory, production_root: Path, tmp_path: Path
) -> None:
    good = tmp_path / "good"
    git(tmp_path, "clone", "--quiet", str(history.repository), str(good))
    git(good, "checkout", "--quiet", history.good)
    half_done = production_root / "venvs" / history.good / "bin"
    half_done.mkdir(parents=True)
    (half_done / "python").write_text("cut short")

    deploy(production_root, history.good, good)

    assert status(production_root) == history.good


def test_nothing_is_switched_to_a_version_that_was_never_installed(production_root: Path) -> None:
    before = status(production_root)

    with pytest.raises(subprocess.CalledProcessError):
        run("rollback.py", "--root", str(production_root), "--version", "0" * 40)

    assert status(production_root) == before


def deploy(root: Path, version: str, source: Path) -> None:
    run("deploy.py", "--root", str(root), "--source", str(source), "--version", version)


def status(root: Path) -> str:
    return run("status.py", "--root", str(root)).splitlines()[-1]


def run(script: str, *arguments: str) -> str:
    command = [sys.executable, str(HERE / "deploy" / script), *arguments]
    # An environment as bare as a deployer's: nothing here may need the network or its settings.
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def fetch(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def logged(access_log: Path, requests: int) -> list[dict[str, Any]]:
    """All lines, once there are so many: the server writes a line after it has answered."""
    deadline = time.monotonic() + PATIENCE
    while access_log.read_text().count("\n") < requests and time.monotonic() < deadline:
        time.sleep(0.05)
    return [json.loads(line) for line in access_log.read_text().splitlines()]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()
