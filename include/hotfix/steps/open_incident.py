"""Validate everything, record the incident, take the service's lock."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hotfix.domain.document import Artefact, Sha
from hotfix.domain.errors import HotfixError, InvalidIncident, RefMoved, ServiceBusy
from hotfix.domain.incident import ROLLED_BACK_TAGS, ApprovalMode, Incident, IncidentReport
from hotfix.domain.outcome import RunOutcome
from hotfix.domain.service import Policy, ServiceProfile
from hotfix.ports.artefacts import ArtefactStore
from hotfix.ports.bug_database import BugDatabase, Event, IncidentStatus
from hotfix.ports.catalog import Catalog
from hotfix.ports.clock import Clock
from hotfix.ports.deployer import Deployer
from hotfix.ports.repository import Repository

TITLE_LENGTH = 72
LOCK_WAIT_SECONDS = 60


@dataclass(frozen=True)
class RunIdentity:
    """Which run of which DAG this is, and who started it."""

    dag_id: str
    run_id: str
    triggered_by: str


def check_report(params: Mapping[str, Any], catalog: Catalog, now: datetime) -> IncidentReport:
    """The params as a report about a known service.

    Raises:
        InvalidIncident: with every problem found.
    """
    names = catalog.names()
    service = params.get("service")
    unknown = f"service: there is no service {service!r} in the catalog (known: {', '.join(names) or 'none yet'})"
    try:
        report = IncidentReport.parse(params, now)
    except InvalidIncident as error:
        if isinstance(service, str) and service and service not in names:
            raise InvalidIncident((*error.problems, unknown)) from None
        raise
    if report.service not in names:
        raise InvalidIncident((unknown,))
    return report


def open_incident(
    report: IncidentReport,
    profile: ServiceProfile,
    run: RunIdentity,
    *,
    repository: Repository,
    deployer: Deployer,
    bug_database: BugDatabase,
    artefacts: Callable[[str, int], ArtefactStore],
    clock: Clock,
) -> Incident:
    """The incident as recorded. A retry gets the first record back and keeps its lock.

    Raises:
        InvalidIncident: the report names something that does not exist; nothing was touched.
        ServiceBusy: another hotfix of this service is under way.
    """
    known = bug_database.incident_of_run(run.run_id)
    incident = known or bug_database.open_incident(
        _describe(report, profile, run, repository, deployer, bug_database, artefacts, clock)
    )
    _take_lock(incident, repository, bug_database, clock)
    return incident


def _describe(
    report: IncidentReport,
    profile: ServiceProfile,
    run: RunIdentity,
    repository: Repository,
    deployer: Deployer,
    bug_database: BugDatabase,
    artefacts: Callable[[str, int], ArtefactStore],
    clock: Clock,
) -> Incident:
    identity = report.issue or f"{report.service}-{hashlib.sha256(run.run_id.encode()).hexdigest()[:8]}"
    attempt = _attempt(identity, report.attempt, bug_database)
    approval = _approval(report.approval, profile.policy)
    repository.fetch()
    production = _production(deployer, repository)
    good = _good(report.good, production, deployer, repository)
    fix_commit = _resolve("fix_ref", report.fix_ref, repository) if report.fix_ref else None
    files = repository.files(production)
    missing = [
        path
        for path in report.suspected_paths
        if path not in files and not any(file.startswith(f"{path.rstrip('/')}/") for file in files)
    ]
    if missing:
        raise InvalidIncident(tuple(f"suspected_paths: {path} is not in production's version" for path in missing))
    now = clock.now()
    since = next((release.deployed_at for release in deployer.history() if release.version == production), None)
    store = artefacts(identity, attempt)

    def keep(name: str, content: str | None) -> Artefact | None:
        return store.put(name, content) if content else None

    return Incident(
        id=identity,
        attempt=attempt,
        service=profile.name,
        title=_title(report.description),
        description=report.description,
        criteria=report.criteria,
        dag_id=run.dag_id,
        run_id=run.run_id,
        reported_by=run.triggered_by,
        opened_at=now,
        started_at=report.started_at or _began(identity, since, now, bug_database),
        production=production,
        good=good,
        failing_request=report.failing_request,
        stack_trace=keep("stack-trace.txt", report.stack_trace),
        reproducer=keep("reproducer.txt", report.reproducer),
        patch=keep("operator.patch", report.patch),
        fix_commit=fix_commit,
        suspected_paths=report.suspected_paths,
        approval=approval,
        approval_window=report.approval_window,
        irreversible_change_accepted=report.irreversible_change_accepted,
        revert_accepted=report.revert_accepted,
        excluded_candidates=report.exclude_candidates,
    )


def _began(identity: str, live_since: datetime | None, now: datetime, bug_database: BugDatabase) -> datetime:
    """When production's version went live; for a further attempt, when the problem began according to the first.

    A rollback makes production's version look new; the incident is not.
    """
    earlier = bug_database.attempts(identity)
    first = bug_database.incident_of_run(earlier[0].run_id) if earlier else None
    if first is not None:
        return first.started_at
    return live_since if live_since and live_since < now else now


def _title(description: str) -> str:
    first = description.strip().splitlines()[0].strip()
    return first if len(first) <= TITLE_LENGTH else first[: TITLE_LENGTH - 1].rstrip() + "…"


def _attempt(identity: str, wanted: int, bug_database: BugDatabase) -> int:
    earlier = bug_database.attempts(identity)
    if not earlier:
        return wanted
    last = earlier[-1]
    if last.status is IncidentStatus.RESOLVED:
        raise InvalidIncident((f"issue: {identity} was resolved by run {last.run_id}; report a new issue",))
    if last.status is IncidentStatus.OPEN and wanted <= last.attempt:
        raise ServiceBusy(
            f"Incident {identity} is being handled by run {last.run_id}.", "Watch that run; this one has done nothing."
        )
    return max(wanted, last.attempt + 1)


def _approval(asked: ApprovalMode | None, policy: Policy) -> ApprovalMode:
    mode = asked or policy.approval
    if mode is ApprovalMode.NOT_REQUIRED and not policy.allow_not_required:
        raise InvalidIncident(("approval: this service's profile does not allow not_required",))
    if policy.approval is ApprovalMode.REQUIRED and mode is not ApprovalMode.REQUIRED:
        raise InvalidIncident(("approval: this service's profile requires an approval by a person",))
    return mode


def _production(deployer: Deployer, repository: Repository) -> Sha:
    live = deployer.live()
    if live is None:
        raise HotfixError(
            f"The {deployer.name} deployer cannot tell which version production runs.",
            "Check the deployer's settings in the service profile; without this nothing can be rolled back.",
        )
    if repository.resolve(live) is None:
        raise HotfixError(
            f"Production runs {live}, which {repository.remote} does not have.", "Push that commit, then trigger again."
        )
    return live


def _good(name: str | None, production: Sha, deployer: Deployer, repository: Repository) -> Sha | None:
    """The last version known to be healthy: as reported, else the release before production's, else the last tag."""
    if name:
        good = _resolve("good", name, repository)
        if good == production or not repository.is_ancestor(good, production):
            raise InvalidIncident((f"good: {name} is not an earlier version of production ({production[:10]})",))
        return good
    for release in deployer.history():
        version = release.version
        if version != production and repository.resolve(version) and repository.is_ancestor(version, production):
            return version
    tags = repository.tags_before(production)
    return next((sha for name, sha in tags if not name.startswith(ROLLED_BACK_TAGS)), None)


def _resolve(param: str, name: str, repository: Repository) -> Sha:
    sha = repository.resolve(name)
    if sha is None:
        raise InvalidIncident((f"{param}: {name!r} is not a branch, tag or commit of {repository.remote}",))
    return sha


def _take_lock(incident: Incident, repository: Repository, bug_database: BugDatabase, clock: Clock) -> None:
    """One hotfix a service: whoever creates the ref holds the lock. The next attempt waits for the one before."""
    lock = lock_of(incident, repository)
    for _ in range(LOCK_WAIT_SECONDS):
        try:
            repository.push(incident.lock_ref, lock, expect=None)
        except RefMoved:
            holder = json.loads(repository.read_mark(incident.lock_ref) or "{}")
            if not holder or _given_back(holder["run"], incident, repository, bug_database, clock):
                continue
            if holder["incident"] != incident.id:
                raise ServiceBusy(
                    f"Service {incident.service} is locked by incident {holder['incident']} (run {holder['run']}).",
                    "Watch that run; trigger again when it has ended. If it died, trigger hotfix_compliance first.",
                ) from None
            clock.sleep(1)
        else:
            return
    raise ServiceBusy(f"The earlier attempt at {incident.id} still holds the lock after {LOCK_WAIT_SECONDS} s.")


def _given_back(
    run_id: str, incident: Incident, repository: Repository, bug_database: BugDatabase, clock: Clock
) -> bool:
    """Whether the lock was a leftover of a run that the ledger has closed: an emergency does not wait for it."""
    holder = bug_database.incident_of_run(run_id)
    if holder is None or bug_database.find(holder, RunOutcome) is None:
        return False
    release_lock(holder, repository)
    said = f"the lock was still held by run {run_id}, which has ended: given back"
    bug_database.note(incident, Event(at=clock.now(), step="open_incident", what=said, key="open_incident/stale_lock"))
    return True


def lock_of(incident: Incident, repository: Repository) -> Sha:
    """The lock's object; the same for the same run, so that a retry recognises its own."""
    holder = {"incident": incident.id, "attempt": incident.attempt, "run": incident.run_id}
    return repository.mark(json.dumps(holder), incident.opened_at)


def release_lock(incident: Incident, repository: Repository) -> None:
    """Give the lock back; somebody else's is left alone."""
    lock = lock_of(incident, repository)
    if repository.remote_ref(incident.lock_ref) == lock:
        repository.delete(incident.lock_ref, expect=lock)
