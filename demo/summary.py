"""What happened, on one screen."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from demo.play import Played
from demo.verdict import Ending
from hotfix.ports.bug_database import BugDatabase
from hotfix.steps.record import Record, read_record
from hotfix.steps.what_went_wrong import what_went_wrong


def print_summary(console: Console, played: Played, bug_database: BugDatabase, url: str) -> None:
    """``url`` is Airflow's."""
    ending, rates = played.ending, played.rates
    record = read_record(ending.incident, bug_database)
    table = Table(title=f"Incident {ending.incident.id}", show_header=False, title_justify="left", box=None)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in _rows(record, ending, rates):
        table.add_row(name, value)
    table.add_row("Airflow", f"{url}/dags/emergency_hotfix/runs/{ending.attempts[-1].run_id} (admin / admin)")
    console.print()
    console.print(table)
    for problem in ending.problems:
        console.print(f"[red]not as it should be: {problem}[/]")
    console.print()


def _rows(record: Record, ending: Ending, rates: Mapping[str, tuple[int, int]]) -> list[tuple[str, str]]:
    rows = [
        ("culprit", record.diagnosis.summary if record.diagnosis else ""),
        ("fix", f"{record.fix.candidate.description}, {record.fix.lines} lines" if record.fix else ""),
        ("tests", f"{record.tests.verdict.value}: {record.tests.why}" if record.tests else ""),
        ("security", f"{record.security.verdict.value}: {record.security.why}" if record.security else ""),
        ("approval", f"{record.approval.decision.value}: {record.approval.why}" if record.approval else ""),
        ("production", f"{ending.version} ({'the hotfix' if _is_fix(ending) else 'as before the incident'})"),
        ("stability", f"{record.stability.verdict.value}: {record.stability.why}" if record.stability else ""),
        ("why not", what_went_wrong(record)),
        ("error rate", "   ".join(f"{when} {_rate(*counts)}" for when, counts in rates.items())),
        ("took", _took(ending)),
        ("post-mortem", record.post_mortem.document.uri if record.post_mortem else ""),
        ("follow-up", record.follow_up.pull_request.url if record.follow_up else ""),
    ]
    return [(name, value) for name, value in rows if value]


def _is_fix(ending: Ending) -> bool:
    return ending.fix is not None and ending.version == ending.fix.commit


def _rate(requests: int, errors: int) -> str:
    return f"{errors / requests:.1%} of {requests}" if requests else "no requests"


def _took(ending: Ending) -> str:
    first, last = ending.attempts[0], ending.attempts[-1]
    if last.closed_at is None:
        return ""
    return f"{(last.closed_at - first.opened_at).total_seconds():.0f} s from report to end"
