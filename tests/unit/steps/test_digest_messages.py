"""Digests: what is owed, and how well emergencies go."""

from __future__ import annotations

from datetime import timedelta

from hotfix.steps.check_compliance import ComplianceReport
from hotfix.steps.digest_messages import LINES_SHOWN, compliance_message, metrics_message
from hotfix.steps.measure import Metrics
from tests.support.documents import NOW


def figures(**changes: object) -> Metrics:
    values: dict[str, object] = {
        "since": NOW - timedelta(days=30),
        "days": 30,
        "incidents": 4,
        "by_status": {"resolved": 3, "rolled_back": 1, "open": 0},
        "median_resolution_seconds": 90.0,
        "rollback_rate": 0.25,
        "follow_ups_done": 0.8,
        "follow_ups_overdue": 2,
        "incidents_per_week": 0.9,
        **changes,
    }
    return Metrics.model_validate(values)


def test_where_nothing_is_owed_nothing_is_said() -> None:
    assert compliance_message(ComplianceReport(settled=(), open=(), overdue=()), NOW) is None


def test_what_is_overdue_comes_first_and_says_what_to_do() -> None:
    report = ComplianceReport(settled=("INC-3: done",), open=("INC-2: later",), overdue=("INC-1: Review the hotfix",))
    message = compliance_message(report, NOW)
    assert message is not None
    assert message.key == "compliance/2026-03-01", "one message a day"
    assert "1 overdue" in message.title
    assert "python -m hotfix settle" in message.to_do
    assert [name for name, _ in message.facts] == ["Overdue", "Open", "Settled by evidence"]
    assert message.facts[0][1] == "• INC-1: Review the hotfix"


def test_what_is_only_open_is_not_made_to_look_late() -> None:
    message = compliance_message(ComplianceReport(settled=(), open=("INC-2: later",), overdue=()), NOW)
    assert message is not None
    assert message.to_do == "Nothing is late."


def test_a_long_list_says_how_much_more_there_is() -> None:
    many = tuple(f"INC-{number}: Review" for number in range(LINES_SHOWN + 5))
    message = compliance_message(ComplianceReport(settled=(), open=(), overdue=many), NOW)
    assert message is not None
    assert message.facts[0][1].endswith("• … and 5 more")


def test_the_figures_of_a_week_are_one_message() -> None:
    message = metrics_message(figures(), NOW)
    assert message.key == metrics_message(figures(incidents=9), NOW - timedelta(days=3)).key == "metrics/2026-W09"
    facts = dict(message.facts)
    assert facts["How they ended"] == "3 resolved, 1 rolled_back"
    assert facts["Median time to resolution"] == "1.5 min"
    assert facts["Deployed and rolled back"] == "25%"
    assert "2 overdue" in message.to_do


def test_no_data_is_called_no_data() -> None:
    empty = figures(
        incidents=0, by_status={}, median_resolution_seconds=None, rollback_rate=None, follow_ups_done=None,
        follow_ups_overdue=0,
    )  # fmt: skip
    message = metrics_message(empty, NOW)
    assert [value for _, value in message.facts].count("no data") == 3
    assert message.to_do == "Nothing."
