"""What each source's alerts start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hotfix.adapters.alert_formats import ALERT_FORMATS
from hotfix.domain.alert import AlertSource
from tests.contract.fakes.hotfix_runs import InMemoryHotfixRuns
from tests.intake.conftest import RULES, Sender, describe, payload

STARTED: dict[str, tuple[str, dict[str, Any]]] = {
    "alertmanager": (
        "alertmanager",
        {
            "service": "shop",
            "description": "12 % of the quotes fail\nQuotes for ten or more pieces answer 500.",
            "criteria": ["critical_business_impact"],
            "started_at": "2026-03-01T02:45:04.471000+00:00",
            "failing_request": "/api/quote?sku=mug&qty=12",
            "approval": "required",
        },
    ),
    "pagerduty": (
        "pagerduty",
        {
            "service": "shop",
            "description": "Checkout: the error rate is above 5 % (P1), incident 2417",
            "criteria": [],
            "issue": "PD-2417",
        },
    ),
    "github": (
        "github:night-watch",
        {
            "service": "shop",
            "description": "Quotes for ten or more pieces fail with 500",
            "criteria": [],
            "issue": "GH-88",
        },
    ),
    "generic": (
        "generic",
        {
            "service": "shop",
            "description": "The synthetic checkout fails",
            "criteria": [],
            "failing_request": "/api/quote?sku=mug&qty=12",
        },
    ),
}


@pytest.mark.parametrize("source", STARTED)
def test_an_alert_starts_a_run_with_what_its_rule_says(source: str, sender: Sender, runs: InMemoryHotfixRuns) -> None:
    status, answer = sender.send(source, payload(source))
    assert status == 200
    (run,) = runs.runs
    (receipt,) = answer["alerts"]
    assert (receipt["reception"], receipt["service"], receipt["run_id"]) == ("started", "shop", run.run_id)
    assert (run.started_by, run.params) == STARTED[source]
    assert run.run_id.startswith(f"intake__{source}__")
    assert "Started by an alert" in run.lines[0]


def test_an_issue_alert_of_sentry_brings_its_stack_trace(sender: Sender, runs: InMemoryHotfixRuns) -> None:
    assert sender.send("sentry", payload("sentry"))[0] == 200
    (run,) = runs.runs
    assert run.params["description"] == "KeyError: 'tier'\nSince shop@1.5.0, rule Many errors in production"
    assert run.params["stack_trace"].splitlines() == [
        "Traceback (most recent call last):",
        '  File "shop/app.py", line 41, in application',
        "    return handler(request)",
        '  File "shop/quotes.py", line 27, in discount',
        "    return TIERS[order['tier']]",
        "KeyError: 'tier'",
    ]


def test_a_metric_alert_of_sentry(sender: Sender, runs: InMemoryHotfixRuns) -> None:
    alert = payload("sentry-metric")
    assert sender.send("sentry", alert, Sentry_Hook_Resource="metric_alert")[0] == 200
    assert runs.runs[0].params["description"].startswith("Critical: Too many errors")
    alert["action"] = "resolved"
    status, answer = sender.send("sentry", alert, Sentry_Hook_Resource="metric_alert")
    assert (status, answer["alerts"][0]["reception"]) == (200, "ended")


def test_an_issue_of_sentry_is_one_run_a_release(sender: Sender, runs: InMemoryHotfixRuns) -> None:
    alert = payload("sentry")
    sender.send("sentry", alert)
    runs.finish(runs.runs[0].run_id)
    alert["data"]["event"] |= {"event_id": "0" * 32, "datetime": "2026-03-01T02:59:00Z"}
    assert sender.send("sentry", alert)[1]["alerts"][0]["reception"] == "repeated"
    alert["data"]["event"]["release"] = "shop@1.6.0"
    assert sender.send("sentry", alert)[1]["alerts"][0]["reception"] == "started"
    assert len(runs.runs) == 2


def test_a_reopened_incident_of_pagerduty_is_another_run(sender: Sender, runs: InMemoryHotfixRuns) -> None:
    message = payload("pagerduty")
    sender.send("pagerduty", message)
    runs.finish(runs.runs[0].run_id)
    message["event"] |= {"event_type": "incident.reopened", "occurred_at": "2026-03-01T05:00:00Z"}
    for reception in ("started", "repeated"):
        assert sender.send("pagerduty", message)[1]["alerts"][0]["reception"] == reception
    message["event"] |= {"event_type": "incident.resolved", "occurred_at": "2026-03-01T05:10:00Z"}
    ended = sender.send("pagerduty", message)[1]["alerts"][0]
    assert (ended["reception"], ended["run_id"]) == ("ended", runs.runs[1].run_id)


MESSAGES: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("pagerduty", {"event_type": "pagey.ping", "data": {"message": "Hello from your friend Pagey!"}}, {}),
    ("pagerduty", {"event_type": "incident.acknowledged"}, {}),
    ("sentry", {"action": "created"}, {"Sentry_Hook_Resource": "installation"}),
    ("sentry", {"action": "assigned"}, {"Sentry_Hook_Resource": "issue"}),
    ("github", {"zen": "Keep it logically awesome."}, {"X_GitHub_Event": "ping"}),
    ("github", {"action": "unlabeled"}, {}),
    ("alertmanager", {"alerts": []}, {}),
]


@pytest.mark.parametrize(("source", "change", "headers"), MESSAGES)
def test_a_message_that_is_no_alert_starts_nothing(
    source: str, change: dict[str, Any], headers: dict[str, str], sender: Sender, runs: InMemoryHotfixRuns
) -> None:
    message = payload(source)
    (message["event"] if source == "pagerduty" else message).update(change)
    assert sender.send(source, message, **headers) == (200, {"alerts": []})
    assert runs.runs == []


def test_every_source_has_a_format() -> None:
    assert set(ALERT_FORMATS) == set(AlertSource)


def test_who_labels_an_issue_and_is_known_is_the_reporter(
    sender: Sender, runs: InMemoryHotfixRuns, catalog: Path
) -> None:
    describe(catalog, "shop", RULES, identities={"ada": {"github": "Night-Watch"}})
    assert sender.send("github", payload("github"))[0] == 200
    assert runs.runs[0].started_by == "ada"
