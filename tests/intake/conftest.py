"""The intake with real formats, a real catalog and a real ledger; only Airflow's runs are a fake."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi import FastAPI
from fastapi.testclient import TestClient

from hotfix.adapters.alert_formats.generic import sign
from hotfix.adapters.alert_formats.signatures import hmac_sha256
from hotfix.adapters.bug_database import SqlBugDatabase, upgrade
from hotfix.adapters.catalog import YamlCatalog
from hotfix.domain.alert import AlertSource
from hotfix.intake.app import intake
from hotfix.intake.credentials import CredentialBook
from hotfix.intake.desk import Desk
from hotfix.ports.alert_format import Credentials
from tests.contract.fakes.clock import FakeClock
from tests.contract.fakes.hotfix_runs import InMemoryHotfixRuns

PAYLOADS = Path(__file__).with_name("payloads")
SECRET = "a-secret-of-these-tests"
JSON = {"Content-Type": "application/json"}
RULES: list[dict[str, Any]] = [
    {
        "source": "alertmanager",
        "match": {"labels.service": "shop", "labels.severity": ["critical", "page"]},
        "description": "{title}\n{annotations.description}",
        "criteria": ["critical_business_impact"],
        "began_before": 600,
        "params": {"failing_request": "{annotations.failing_request}", "approval": "required"},
    },
    {
        "source": "pagerduty",
        "match": {"service": "Shop", "urgency": "high"},
        "description": "{title} ({priority}), incident {number}",
        "params": {"issue": "PD-{number}"},
    },
    {
        "source": "sentry",
        "match": {"project": "shop"},
        "description": "{title}\nSince {release}, rule {rule}",
        "params": {"stack_trace": "{stack_trace}"},
    },
    {
        "source": "github",
        "match": {"repository": "acme/shop", "label": "hotfix"},
        "params": {"issue": "GH-{number}"},
    },
    {
        "source": "generic",
        "match": {"fields.service": "shop"},
        "params": {"failing_request": "{fields.path}"},
    },
]


def payload(name: str) -> dict[str, Any]:
    """A payload as the source's documentation describes it; to be changed at will."""
    found: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def describe(catalog: Path, name: str, rules: list[dict[str, Any]], **keys: Any) -> None:
    """A service of the catalog with these rules."""
    example = Path(__file__).parents[2] / "include" / "services" / "_example.yaml"
    profile = {**yaml.safe_load(example.read_text(encoding="utf-8")), "name": name, "intake": rules, **keys}
    (catalog / f"{name}.yaml").write_text(yaml.safe_dump(profile), encoding="utf-8")


class Sender:
    """All sources at once: what they send, signed as each of them signs."""

    def __init__(self, client: TestClient, clock: FakeClock) -> None:
        self.client = client
        self.clock = clock

    def signature(self, source: str, body: bytes, secret: str = SECRET) -> dict[str, str]:
        digest = hmac_sha256(secret, body)
        return {
            "alertmanager": {"Authorization": f"Bearer {secret}"},
            "pagerduty": {"X-PagerDuty-Signature": f"v1={'0' * 64},v1={digest}"},
            "sentry": {"Sentry-Hook-Signature": digest},
            "github": {"X-Hub-Signature-256": f"sha256={digest}"},
            "generic": {"X-Hotfix-Signature": sign(secret, body, self.clock.now())},
        }[source]

    def post(self, source: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        answer = self.client.post(f"/hotfix-intake/{source}", content=body, headers=dict(headers))
        return answer.status_code, answer.json()

    def send(self, source: str, content: dict[str, Any], **headers: str) -> tuple[int, dict[str, Any]]:
        body = json.dumps(content).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.post(source, body, {**JSON, **self.signature(source, body), **EVENTS.get(source, {}), **named})


EVENTS = {"github": {"X-GitHub-Event": "issues"}, "sentry": {"Sentry-Hook-Resource": "event_alert"}}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(datetime(2026, 3, 1, 3, 0, tzinfo=timezone.utc))


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    folder = tmp_path / "services"
    folder.mkdir()
    describe(folder, "shop", RULES)
    return folder


@pytest.fixture
def runs() -> InMemoryHotfixRuns:
    return InMemoryHotfixRuns()


@pytest.fixture
def bug_database(tmp_path: Path) -> SqlBugDatabase:
    url = f"sqlite:///{tmp_path / 'bugs.db'}"
    upgrade(url)
    return SqlBugDatabase(url)


@pytest.fixture
def load() -> Callable[[AlertSource], Credentials | None]:
    """Where credentials come from; a module may have it otherwise."""
    return lambda source: Credentials((SECRET,), "alertmanager" if source is AlertSource.ALERTMANAGER else "")


@pytest.fixture
def desk(
    catalog: Path,
    runs: InMemoryHotfixRuns,
    bug_database: SqlBugDatabase,
    clock: FakeClock,
    load: Callable[[AlertSource], Credentials | None],
) -> Desk:
    return Desk(
        catalog=YamlCatalog(catalog),
        runs=runs,
        bug_database=lambda: bug_database,
        credentials=CredentialBook(load),
        clock=clock,
    )


@pytest.fixture
def answer_within() -> float:
    """Seconds; long enough for a busy machine, so that only a test of the limit meets it."""
    return 60


@pytest.fixture
def sender(desk: Desk, clock: FakeClock, answer_within: float) -> Iterator[Sender]:
    api_server = FastAPI()
    api_server.mount("/hotfix-intake", intake(desk, answer_within))
    with TestClient(api_server, follow_redirects=False) as client:
        yield Sender(client, clock)
