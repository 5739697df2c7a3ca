"""What can go wrong with the bug database, as types."""

from __future__ import annotations

from hotfix.domain.errors import HotfixError
from hotfix.domain.follow_up import FollowUpKind
from hotfix.domain.incident import Incident


class BugDatabaseUnavailable(HotfixError):
    """The database did not answer, or was busy for too long; it may answer in a moment."""

    retryable = True


class BugDatabaseUnusable(HotfixError):
    """The address, the driver, the schema or the database file is wrong; waiting does not help."""


class IncidentNotRecorded(HotfixError):
    """Something is to be kept for an attempt that was never opened in this database."""

    def __init__(self, incident: Incident) -> None:
        super().__init__(
            f"Attempt {incident.attempt} at incident {incident.id} is not in the bug database; nothing was kept.",
            "Open the incident first, and check that every task uses the same bug database.",
        )


class AttemptTaken(HotfixError):
    """Another run already holds this attempt at this incident."""

    def __init__(self, incident: Incident) -> None:
        super().__init__(
            f"Attempt {incident.attempt} at incident {incident.id} belongs to another run than {incident.run_id}.",
            "Trigger with the next attempt number, or with another issue.",
        )


class NothingOwed(HotfixError):
    """A follow-up item is to be settled that nobody owes."""

    def __init__(self, incident_id: str, kind: FollowUpKind) -> None:
        super().__init__(
            f"Incident {incident_id} owes no {kind.value}; nothing was settled.",
            "Look the incident's follow-up items up and settle one of those.",
        )


class UnreadableRecord(HotfixError):
    """A record is there and this version cannot read it, which is not the same as no record."""

    def __init__(self, what: str, problem: str) -> None:
        super().__init__(
            f"The bug database holds {what}, which this version cannot read ({problem}).",
            "Finish the incident with the version that wrote it, or correct the record.",
        )
