"""How well emergencies are handled: resolution time, rollback rate, follow-up completion, incident rate."""

from __future__ import annotations

import statistics
from datetime import timedelta

from hotfix.domain.document import Document, Instant
from hotfix.ports.bug_database import BugDatabase, IncidentStatus
from hotfix.ports.clock import Clock


class Metrics(Document):
    """Over incidents opened in the period (days). A rate is None where nothing was there to count."""

    since: Instant
    days: int
    incidents: int
    by_status: dict[str, int]
    median_resolution_seconds: float | None
    rollback_rate: float | None
    follow_ups_done: float | None
    follow_ups_overdue: int
    incidents_per_week: float


def measure(*, bug_database: BugDatabase, clock: Clock, days: int) -> Metrics:
    """Resolution time is from the opening to the closing of attempts that fixed the problem (median, seconds).

    The rollback rate is the share of deployed hotfixes that did not stay (DORA's change failure rate, counted by run).
    """
    now = clock.now()
    since = now - timedelta(days=days)
    rows = bug_database.incidents(since)
    by_status = {status.value: sum(row.status is status for row in rows) for status in IncidentStatus}
    resolved = [
        (row.closed_at - row.opened_at).total_seconds()
        for row in rows
        if row.status is IncidentStatus.RESOLVED and row.closed_at
    ]
    deployed = [row for row in rows if "deployed" in row.facts and row.status is not IncidentStatus.OPEN]
    stayed = [row for row in deployed if row.status is IncidentStatus.RESOLVED]
    items = [item for row in {row.id for row in rows} for _, item in bug_database.owed(row, only_open=False)]
    return Metrics(
        since=since,
        days=days,
        incidents=len({row.id for row in rows}),
        by_status=by_status,
        median_resolution_seconds=statistics.median(resolved) if resolved else None,
        rollback_rate=1 - len(stayed) / len(deployed) if deployed else None,
        follow_ups_done=sum(item.done_at is not None for item in items) / len(items) if items else None,
        follow_ups_overdue=sum(item.done_at is None and item.due_at <= now for item in items),
        incidents_per_week=round(len({row.id for row in rows}) / days * 7, 2),
    )


def digest(metrics: Metrics) -> str:
    """Markdown."""

    def rate(value: float | None) -> str:
        return "no data" if value is None else f"{value:.0%}"

    median = metrics.median_resolution_seconds
    resolution = "no data" if median is None else f"{median / 60:.1f} min"
    return "\n".join(
        [
            f"# Emergency hotfixes of the last {metrics.days} days",
            "",
            "| | |",
            "|---|---|",
            f"| incidents | {metrics.incidents} ({metrics.incidents_per_week} a week) |",
            *(f"| – {status} | {count} |" for status, count in metrics.by_status.items() if count),
            f"| median time to resolution | {resolution} |",
            f"| deployed and rolled back | {rate(metrics.rollback_rate)} |",
            f"| follow-up done | {rate(metrics.follow_ups_done)} |",
            f"| follow-up overdue | {metrics.follow_ups_overdue} |",
            "",
        ]
    )
