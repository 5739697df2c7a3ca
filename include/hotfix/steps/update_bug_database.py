"""Bring the incident's row up to date: the facts that one searches for later, and what is owed."""

from __future__ import annotations

from hotfix.domain.follow_up import BugRecord
from hotfix.domain.incident import Incident
from hotfix.domain.stability import StabilityVerdict
from hotfix.ports.bug_database import BugDatabase, IncidentStatus
from hotfix.ports.clock import Clock
from hotfix.steps.follow_up_items import follow_up_items
from hotfix.steps.record import Record, read_record
from hotfix.steps.what_went_wrong import what_went_wrong


def update_bug_database(incident: Incident, *, bug_database: BugDatabase, clock: Clock) -> BugRecord:
    """Safe to repeat: due times are set once, the facts are the same."""
    record = read_record(incident, bug_database)
    stable = record.stability is not None and record.stability.verdict is StabilityVerdict.STABLE
    status = IncidentStatus.RESOLVED if stable else IncidentStatus.ROLLED_BACK
    items = follow_up_items(record)
    bug_database.close_incident(incident, status, clock.now(), facts(record))
    bug_database.owe(incident, items)
    return BugRecord(incident=incident.id, status=status.value, rows=1 + len(items))


def facts(record: Record) -> dict[str, str]:
    """What a list of incidents shows and a search looks for."""
    known: dict[str, str] = {"production": record.incident.production}
    if record.diagnosis and record.diagnosis.culprit:
        known["culprit"] = record.diagnosis.culprit.sha
        known["culprit_proved"] = "yes" if record.diagnosis.proved else "no"
    if record.fix:
        known["fix"] = record.fix.commit
        known["candidate"] = record.fix.candidate.id
    if record.approval:
        known["approval"] = f"{record.approval.decision.value} by {record.approval.granted_by or 'nobody'}"
    if record.deployment:
        known["deployed"] = record.deployment.version
    if record.stability:
        known["stability"] = record.stability.verdict.value
    if record.post_mortem:
        known["post_mortem"] = record.post_mortem.document.uri
    if wrong := what_went_wrong(record):
        known["why_not"] = wrong[:500]
    return known
