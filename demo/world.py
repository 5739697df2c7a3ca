"""The world that a hotfix happens in: a service with its history, its production, and its customers."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from demo import traffic
from demo.airflow_stack import REPOSITORY
from demo.production import Production
from demo.sample_service import build
from demo.sample_service.git import git
from hotfix.adapters.clock import SystemClock
from hotfix.adapters.deployers import LocalDeployer
from hotfix.domain.service import LocalDeployerProfile

RATE = 25


class World:
    """Service ``name`` under ``root``: a bare repository, gunicorn, requests at ``RATE`` a second."""

    def __init__(self, root: Path, name: str) -> None:
        self.name = name
        self.root = root.resolve()
        self.root.mkdir(parents=True, exist_ok=True)
        self.history = build(self.root / "shop.git")
        self.production = Production(self.root / "production")
        self.requests = self.root / "requests.jsonl"
        self.started_at = 0.0
        self._traffic: subprocess.Popen[bytes] | None = None

    def profile(self) -> dict[str, Any]:
        """The service profile, as an operator would write it."""
        trial = ["{python}", "-m", "gunicorn", "--chdir", "{release}", "--bind", "127.0.0.1:{port}"]
        return {
            "name": self.name,
            "description": "The sample shop",
            "repository": (self.root / "shop.git").as_uri(),
            "default_branch": "main",
            "owners": ["on-call"],
            "approvers": ["approver", "admin"],
            "commander": "approver",
            "commands": {
                "test": ["{python}", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml={junit}", "{tests}"],
                "reproduce_test": ["{python}", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "{reproducer}"],
                "reproduce_request": ["{python}", "tools/request.py", "{request}"],
            },
            # A handful of quick tests: further processes would take longer to start than they save.
            "tests": {"critical": ["tests/test_checkout.py"], "paths": ["tests"], "parallel": False},
            # There is no opengrep for every machine that the demo runs on.
            "policy": {"security": {"optional_scanners": ["opengrep"]}},
            "deployer": {
                "kind": "local",
                "root": str(self.production.root),
                "pid_file": str(self.production.pid_file),
                "trial": [*trial, "--workers", "1", "shop.app:application"],
                "trial_environment": {"SHOP_ENV": "production"},
                "time_limit": 30,
            },
            "monitoring": {
                "url": self.production.url,
                "probes": ["/healthz", "/api/products"],
                "access_log": str(self.production.access_log),
                "window": 12,
                "limit": 60,
                "min_requests": 100,
                "tolerated_error_rate": 0.05,
                "baseline": 120,
            },
        }

    def describe(self, catalog: Path) -> None:
        """Write the profile into a catalog folder."""
        catalog.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(self.profile(), sort_keys=False, allow_unicode=True)
        (catalog / f"{self.name}.yaml").write_text(text)

    def start(self) -> None:
        """The last healthy release in production, under the customers' requests."""
        self.production.install(self.root / "shop.git", self.history.good)
        self.production.start()
        self.deploy(self.history.good)
        command = [sys.executable, "-m", "demo.traffic", "--url", self.production.url, "--rate", str(RATE)]
        self._traffic = subprocess.Popen(
            [*command, "--out", str(self.requests)], cwd=REPOSITORY, stdin=subprocess.DEVNULL, start_new_session=True
        )
        self.started_at = time.time()

    def release_regression(self) -> None:
        """Somebody releases the version with the hidden regression."""
        self.deploy(self.history.bad)

    def version(self) -> str:
        """What production itself says that it runs."""
        with urllib.request.urlopen(f"{self.production.url}/version", timeout=5) as answer:
            return str(json.load(answer)["version"])

    def error_rate(self, start: float, end: float) -> tuple[int, int]:
        """(requests, errors) that customers saw between two moments (epoch seconds)."""
        if not self.requests.exists():
            return 0, 0
        with self.requests.open() as lines:
            return traffic.error_rate(lines, start, end)

    def refs(self) -> Mapping[str, str]:
        """Every ref of the service's remote."""
        listing = git(self.root / "shop.git", "for-each-ref", "--format=%(refname) %(objectname)")
        return dict(line.split(" ") for line in listing.splitlines())

    def stop(self) -> None:
        if self._traffic is not None:
            self._traffic.terminate()
            self._traffic.wait(timeout=10)
            self._traffic = None
        self.production.stop()

    def __enter__(self) -> World:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def deploy(self, sha: str) -> None:
        """Somebody deploys a version by hand."""
        deployer = LocalDeployer(
            LocalDeployerProfile.model_validate(self.profile()["deployer"]),
            f"{self.production.url}/version",
            SystemClock(),
        )
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "source"
            git(self.root / "shop.git", "worktree", "add", "--detach", "--quiet", str(source), sha)
            try:
                deployer.deploy(sha, source)
            finally:
                git(self.root / "shop.git", "worktree", "remove", "--force", str(source))
