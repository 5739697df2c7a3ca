"""At most one run: known alerts, other alerts of the same service, and the ends of alerts."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from hotfix.adapters.bug_database import SqlBugDatabase
from hotfix.intake.desk import Desk
from tests.contract.bug_database_contract import an_incident
from tests.contract.fakes.hotfix_runs import InMemoryHotfixRuns
from tests.intake.conftest import RULES, Sender, describe, payload


def notification(*alerts: dict[str, Any]) -> dict[str, Any]:
    """Alertmanager's payload with an alert for each set of changes; ``labels`` are merged."""
    content = payload("alertmanager")
    (usual,) = content["alerts"]
    content["alerts"] = []
    for change in alerts:
        alert = copy.deepcopy(usual)
        alert["labels"].update(change.get("labels", {}))
        content["alerts"].append({**alert, **{name: value for name, value in change.items() if name != "labels"}})
    return content


def receptions(answer: dict[str, Any]) -> list[str]:
    return [each["reception"] for each in answer["alerts"]]


def test_no_service_has_a_rule(sender: Sender, runs: InMemoryHotfixRuns) -> None:
    status, answer = sender.send("alertmanager", notification({"labels": {"service": "nobody-s"}}))
    assert status == 422
    assert "matches no intake rule" in answer["alerts"][0]["why"]
    assert runs.runs == []


def test_two_services_have_a_rule(sender: Sender, runs: InMemoryHotfixRuns, catalog: Path) -> None:
    describe(catalog, "shop-next", RULES)
    status, answer = sender.send("alertmanager", payload("alertmanager"))
    assert status == 422
    assert "matches rules of 2 services: shop, shop-next" in answer["alerts"][0]["why"]
    assert runs.runs == []


def test_a_profile_that_cannot_be_read_hides_no_other(sender: Sender, catalog: Path) -> None:
    (catalog / "broken.yaml").write_text("name: [\n")
    assert sender.send("alertmanager", payload("alertmanager"))[0] == 200
    other = notification({"fingerprint": "other", "labels": {"service": "broken"}})
    status, answer = sender.send("alertmanager", other)
    assert status == 422
    assert "The profiles of broken cannot be used" in answer["alerts"][0]["why"]


def test_a_rule_that_changes_is_read_again(sender: Sender, runs: InMemoryHotfixRuns, catalog: Path) -> None:
    assert sender.send("alertmanager", notification({"labels": {"severity": "low"}}))[0] == 422
    describe(catalog, "shop", [{"source": "alertmanager", "match": {"labels.severity": "low"}}])
    assert sender.send("alertmanager", notification({"labels": {"severity": "low"}}))[0] == 200
    assert len(runs.runs) == 1


def test_params_that_no_run_may_have(sender: Sender, runs: InMemoryHotfixRuns) -> None:
    wrong = {"failing_request": "https://elsewhere.example/"}
    status, answer = sender.send("alertmanager", notification({"annotations": {"summary": "Quotes fail", **wrong}}))
    assert status == 422
    assert "failing_request" in answer["alerts"][0]["why"]
    assert runs.runs == []


def test_other_alerts_of_the_service_join_its_run(sender: Sender, runs: InMemoryHotfixRuns) -> None:
    both = notification(
        {"fingerprint": "second", "startsAt": "2026-03-01T02:58:00Z", "annotations": {"summary": "Orders fail too"}},
        {"fingerprint": "first", "startsAt": "2026-03-01T02:55:00Z"},
    )
    for expected in (["started", "joined"], ["repeated", "joined"]):
        status, answer = sender.send("alertmanager", both)
        assert (status, receptions(answer)) == (200, expected)
    (run,) = runs.runs
    assert run.params["description"].startswith("12 % of the quotes fail"), "the oldest alert starts the run"
    assert [line.partition(" http")[0] for line in run.lines[1:]] == ["alert joined: alertmanager: Orders fail too"]


def test_an_alert_that_still_fires_after_another_one_s_run_gets_its_own(
    sender: Sender, runs: InMemoryHotfixRuns
) -> None:
    one, other = {"fingerprint": "first"}, {"fingerprint": "second"}
    assert receptions(sender.send("alertmanager", notification(one))[1]) == ["started"]
    assert receptions(sender.send("alertmanager", notification(other))[1]) == ["joined"]
    runs.finish(runs.runs[0].run_id)
    assert receptions(sender.send("alertmanager", notification(other))[1]) == ["started"]
    assert receptions(sender.send("alertmanager", notification(one))[1]) == ["repeated"]
    assert len(runs.runs) == 2


def test_a_run_that_a_person_started_is_joined(sender: Sender, runs: InMemoryHotfixRuns) -> None:
    runs.start("manual__1", {"service": "shop", "description": "Quotes fail for everybody"}, "on-call", "")
    answer = sender.send("alertmanager", payload("alertmanager"))[1]
    assert (receptions(answer), answer["alerts"][0]["run_id"]) == (["joined"], "manual__1")


def test_the_same_alert_breaking_out_again_is_another_run(sender: Sender, runs: InMemoryHotfixRuns) -> None:
    sender.send("alertmanager", notification({}))
    runs.finish(runs.runs[0].run_id)
    # The same moment, written otherwise.
    repeated = sender.send("alertmanager", notification({"startsAt": "2026-03-01T03:55:04.471000000+01:00"}))[1]
    assert receptions(repeated) == ["repeated"]
    assert receptions(sender.send("alertmanager", notification({"startsAt": "2026-03-01T02:59:00Z"}))[1]) == ["started"]


def test_what_can_start_does_whatever_else_is_told(sender: Sender, runs: InMemoryHotfixRuns) -> None:
    mixed = notification({"fingerprint": "unknown", "labels": {"service": "nobody-s"}}, {})
    status, answer = sender.send("alertmanager", mixed)
    assert (status, receptions(answer)) == (200, ["started", "refused"])
    assert len(runs.runs) == 1


def test_the_end_is_noted_on_the_run_and_in_the_ledger(
    sender: Sender, runs: InMemoryHotfixRuns, bug_database: SqlBugDatabase
) -> None:
    sender.send("alertmanager", notification({}))
    (run,) = runs.runs
    incident = bug_database.open_incident(an_incident(run_id=run.run_id))
    for _ in range(2):
        status, answer = sender.send("alertmanager", notification({"status": "resolved"}))
        assert (status, receptions(answer), answer["alerts"][0]["run_id"]) == (200, ["ended"], run.run_id)
    assert [line.partition(" http")[0] for line in run.lines[1:]] == [
        "alert resolved: alertmanager: 12 % of the quotes fail"
    ]
    (event,) = bug_database.timeline(incident)
    assert event.step == "intake"
    assert event.what == run.lines[1]
    assert not run.ended, "the end of an alert stops nothing"


def test_the_end_of_an_alert_that_joined(
    sender: Sender, runs: InMemoryHotfixRuns, bug_database: SqlBugDatabase
) -> None:
    sender.send("alertmanager", notification({}, {"fingerprint": "second"}))
    (run,) = runs.runs
    incident = bug_database.open_incident(an_incident(run_id=run.run_id))
    ended = notification({"fingerprint": "second", "status": "resolved"})
    assert sender.send("alertmanager", ended)[1]["alerts"][0]["run_id"] == run.run_id
    assert [event.what.partition(":")[0] for event in bug_database.timeline(incident)] == ["alert resolved"]


@pytest.mark.parametrize("labels", [{}, {"service": "nobody-s"}])
def test_the_end_of_an_alert_that_never_began(sender: Sender, runs: InMemoryHotfixRuns, labels: dict[str, str]) -> None:
    status, answer = sender.send("alertmanager", notification({"status": "resolved", "labels": labels}))
    assert (status, receptions(answer)) == (200, ["nothing to end"])
    assert runs.runs == []


@pytest.mark.parametrize("source", ["github", "sentry"])
def test_an_end_that_does_not_say_which_outbreak(source: str, sender: Sender, runs: InMemoryHotfixRuns) -> None:
    content = payload(source)
    sender.send(source, content)
    if source == "github":
        content["action"] = "closed"
        del content["label"]
        status, answer = sender.send(source, content)
    else:
        issue = {"id": content["data"]["event"]["issue_id"], "title": "KeyError: 'tier'", "status": "resolved"}
        content |= {"action": "resolved", "data": {"issue": issue}}
        status, answer = sender.send(source, content, Sentry_Hook_Resource="issue")
    assert (status, receptions(answer), answer["alerts"][0]["run_id"]) == (200, ["ended"], runs.runs[0].run_id)


def test_texts_of_an_alert_are_only_texts(sender: Sender, runs: InMemoryHotfixRuns) -> None:
    hostile = "{labels.alertname} {0.__class__} %s ${HOME} \x1b[31mred\x00 <script>"
    annotations = {"summary": hostile, "description": "x" * 5000}
    assert sender.send("alertmanager", notification({"annotations": annotations}))[0] == 200
    (run,) = runs.runs
    assert run.params["description"].startswith("{labels.alertname} {0.__class__} %s ${HOME}  [31mred  <script>\nxxx")
    assert len(run.params["description"]) <= 2000
    assert "failing_request" not in run.params, "a template whose field is missing leaves its param out"


def test_a_source_whose_clock_is_ahead(sender: Sender, runs: InMemoryHotfixRuns) -> None:
    assert sender.send("alertmanager", notification({"startsAt": "2026-03-01T09:00:00Z"}))[0] == 200
    assert runs.runs[0].params["started_at"] == "2026-03-01T02:50:00+00:00"


class TestWarmingUp:
    def test_it_starts_nothing_and_reads_every_profile(
        self, desk: Desk, runs: InMemoryHotfixRuns, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read: list[str] = []
        profile = desk.catalog.profile
        monkeypatch.setattr(desk.catalog, "profile", lambda name: read.append(name) or profile(name))
        desk.warm_up()
        assert runs.runs == []
        assert read == list(desk.catalog.names()) != []

    def test_what_is_wrong_is_left_to_the_alerts(self, desk: Desk, runs: InMemoryHotfixRuns, sender: Sender) -> None:
        runs.paused = True
        desk.warm_up()
        status, answer = sender.send("alertmanager", payload("alertmanager"))
        assert (status, "paused" in answer["error"]) == (503, True)
