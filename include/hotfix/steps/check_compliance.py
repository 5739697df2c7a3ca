"""Does the promised follow-up happen? Evidence from git first, people's word second."""

from __future__ import annotations

from collections.abc import Callable

from hotfix.domain.document import Document
from hotfix.domain.errors import HotfixError
from hotfix.domain.follow_up import FollowUpItem, FollowUpKind
from hotfix.domain.incident import Incident
from hotfix.domain.release import Push
from hotfix.domain.service import ServiceProfile
from hotfix.ports.bug_database import BugDatabase
from hotfix.ports.clock import Clock
from hotfix.ports.repository import Repository


class ComplianceReport(Document):
    settled: tuple[str, ...]
    open: tuple[str, ...]
    overdue: tuple[str, ...]


def settle_by_evidence(
    *,
    bug_database: BugDatabase,
    profile: Callable[[str], ServiceProfile],
    repository: Callable[[ServiceProfile], Repository],
    clock: Clock,
) -> tuple[str, ...]:
    """Settle what git proves: work on top of the hotfix that is in the default branch is the proper fix.

    A service whose profile or repository cannot be read keeps its items open; that is said in the answer.
    """
    settled = []
    waiting = {incident for incident, item in bug_database.owed() if item.kind is FollowUpKind.FULL_FIX}
    for incident_id in sorted(waiting):
        shipped = _last_push(incident_id, bug_database)
        if shipped is None:
            continue
        incident, push = shipped
        try:
            service = profile(incident.service)
            evidence = _replaced(incident, push, service, repository(service))
        except HotfixError as error:
            settled.append(f"{incident.id}: could not be checked ({error.what})")
            continue
        if evidence:
            bug_database.settle(incident.id, FollowUpKind.FULL_FIX, clock.now(), evidence)
            settled.append(f"{incident.id}: {FollowUpKind.FULL_FIX.value}: {evidence}")
    return tuple(settled)


def compliance_report(settled: tuple[str, ...], *, bug_database: BugDatabase, clock: Clock) -> ComplianceReport:
    now = clock.now()
    owed = bug_database.owed()
    return ComplianceReport(
        settled=settled,
        open=tuple(_line(incident, item) for incident, item in owed if item.due_at > now),
        overdue=tuple(_line(incident, item) for incident, item in owed if item.due_at <= now),
    )


def _last_push(incident_id: str, bug_database: BugDatabase) -> tuple[Incident, Push] | None:
    """What the newest attempt that pushed anything pushed; an older one was rolled back."""
    for row in reversed(bug_database.attempts(incident_id)):
        incident = bug_database.incident_of_run(row.run_id)
        push = bug_database.find(incident, Push) if incident else None
        if incident is not None and push is not None:
            return incident, push
    return None


def _replaced(incident: Incident, push: Push, profile: ServiceProfile, repository: Repository) -> str:
    repository.fetch()
    head = repository.resolve(f"refs/heads/{profile.default_branch}")
    follow_up = repository.remote_ref(f"refs/heads/follow-up/{incident.id}")
    merged = follow_up is not None and follow_up != push.commit and head and repository.is_ancestor(follow_up, head)
    return f"{profile.default_branch} has {follow_up[:12]} of the follow-up branch" if merged and follow_up else ""


def _line(incident_id: str, item: FollowUpItem) -> str:
    return f"{incident_id}: {item.title} (due {item.due_at:%Y-%m-%d %H:%M} UTC)"
