"""What is told about all hotfixes together."""

from __future__ import annotations

from datetime import datetime

from hotfix.domain.message import Message
from hotfix.steps.check_compliance import ComplianceReport
from hotfix.steps.measure import Metrics

COMPLIANCE, METRICS = "compliance", "metrics"
LINES_SHOWN = 10


def compliance_message(report: ComplianceReport, now: datetime) -> Message | None:
    """The day's message about what is owed; None when nothing is owed and nothing was settled."""
    if not (report.open or report.overdue or report.settled):
        return None
    late = len(report.overdue)
    return Message(
        key=f"{COMPLIANCE}/{now:%Y-%m-%d}",
        title=f"{':alarm_clock:' if late else ':ballot_box_with_check:'} Follow-up of hotfixes: {late} overdue",
        happened=f"{late} promised follow-ups are overdue, {len(report.open)} are open.",
        means="A hotfix skipped review and the full test run; until its follow-up is done that risk stays.",
        to_do="Do what is overdue, then: python -m hotfix settle INCIDENT KIND --evidence TEXT"
        if late
        else "Nothing is late.",
        facts=_lists(("Overdue", report.overdue), ("Open", report.open), ("Settled by evidence", report.settled)),
    )


def metrics_message(metrics: Metrics, now: datetime) -> Message:
    """The week's message; each day brings it up to date."""
    median = metrics.median_resolution_seconds
    statuses = ", ".join(f"{count} {name}" for name, count in metrics.by_status.items() if count)
    year, week, _ = now.isocalendar()
    return Message(
        key=f"{METRICS}/{year}-W{week:02}",
        title=f":bar_chart: Emergency hotfixes, week {week}",
        happened=f"{metrics.incidents} incidents in the last {metrics.days} days.",
        means="Rollbacks and overdue follow-ups are what emergencies cost afterwards.",
        to_do=f"Do the {metrics.follow_ups_overdue} overdue follow-ups." if metrics.follow_ups_overdue else "Nothing.",
        facts=(
            ("Incidents", f"{metrics.incidents} ({metrics.incidents_per_week} a week)"),
            ("How they ended", statuses or "none"),
            ("Median time to resolution", "no data" if median is None else f"{median / 60:.1f} min"),
            ("Deployed and rolled back", _rate(metrics.rollback_rate)),
            ("Follow-up done", _rate(metrics.follow_ups_done)),
            ("Follow-up overdue", str(metrics.follow_ups_overdue)),
        ),
    )


def _lists(*found: tuple[str, tuple[str, ...]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, _shown(lines)) for name, lines in found if lines)


def _shown(lines: tuple[str, ...]) -> str:
    more = (f"… and {len(lines) - LINES_SHOWN} more",) if len(lines) > LINES_SHOWN else ()
    return "\n".join(f"• {line}" for line in (*lines[:LINES_SHOWN], *more))


def _rate(value: float | None) -> str:
    return "no data" if value is None else f"{value:.0%}"
