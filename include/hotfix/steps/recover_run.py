"""A run that died half-way is finished where it fixed the problem, and rolled back where it did not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hotfix.domain.document import Document
from hotfix.domain.errors import HotfixError
from hotfix.domain.incident import Incident
from hotfix.domain.rollback import RollbackReport
from hotfix.domain.service import ServiceProfile
from hotfix.domain.stability import NextLook, RollbackWatch, StabilityVerdict
from hotfix.ports.artefacts import ArtefactStore
from hotfix.ports.bug_database import BugDatabase, Event
from hotfix.ports.clock import Clock
from hotfix.ports.code_host import CodeHost
from hotfix.ports.deployer import Deployer
from hotfix.ports.monitoring import Monitoring
from hotfix.ports.repository import Repository
from hotfix.steps.close_run import handed_over
from hotfix.steps.open_follow_up_pr import open_follow_up_pr
from hotfix.steps.record import Record, read_record
from hotfix.steps.roll_back_deployment import roll_back_deployment
from hotfix.steps.roll_back_fix import roll_back_fix
from hotfix.steps.update_bug_database import update_bug_database
from hotfix.steps.verify_rollback import verify_rollback
from hotfix.steps.watch_rollback import watch_rollback
from hotfix.steps.what_went_wrong import FAILED, FINISHED
from hotfix.steps.write_post_mortem import write_post_mortem


@dataclass(frozen=True)
class RecoveryTools:
    """The ports of the service whose run is recovered. ``progress`` gets a line for each step."""

    profile: ServiceProfile
    repository: Repository
    deployer: Deployer
    alternative: Deployer | None
    monitoring: Monitoring
    code_host: CodeHost
    bug_database: BugDatabase
    artefacts: ArtefactStore
    clock: Clock
    progress: Callable[[str], None]


def recover_run(incident: Incident, tools: RecoveryTools, *, patient: bool = False) -> tuple[str, ...] | NextLook:
    """Do what the run has left undone, with its own steps; returns what was done, empty when nothing was missing.

    Nothing may run beside it. A step that says no is noted and does not stop the others, so that git goes back also
    where production could not. A ``patient`` caller gets a ``NextLook`` while what was put back is watched, and calls
    again at that moment.

    Raises:
        HotfixError: something did not answer; the same call may succeed a moment later.
    """
    record = read_record(incident, tools.bug_database)
    said = []
    for name, step in _missing(record, incident, tools, patient):
        taken = _take(name, step, incident, tools)
        if isinstance(taken, NextLook):
            return taken
        said.append(taken)
    return tuple(said)


Step = Callable[[], Document]


def _missing(record: Record, incident: Incident, tools: RecoveryTools, patient: bool) -> list[tuple[str, Step]]:
    if record.assessment is None or handed_over(record):
        return []
    if record.stability and record.stability.verdict is StabilityVerdict.STABLE:
        return _bookkeeping(record, incident, tools)
    if record.rollback and record.rollback.verified:
        return [] if record.post_mortem else _documented(incident, tools)
    # Watched is what is back already.
    watched = patient and tools.bug_database.find(incident, RollbackWatch) is not None
    back = [] if watched else _rollback(incident, tools)
    return [*back, ("verify_rollback", lambda: _verified(incident, tools, patient)), *_documented(incident, tools)]


def _verified(incident: Incident, tools: RecoveryTools, patient: bool) -> RollbackReport | NextLook:
    report = verify_rollback(
        incident,
        repository=tools.repository,
        deployer=tools.deployer,
        monitoring=tools.monitoring,
        bug_database=tools.bug_database,
        clock=tools.clock,
    )
    if not patient:
        return report
    return watch_rollback(
        incident,
        tools.profile,
        report,
        deployer=tools.deployer,
        monitoring=tools.monitoring,
        artefacts=tools.artefacts,
        bug_database=tools.bug_database,
        clock=tools.clock,
        progress=tools.progress,
    )


def _rollback(incident: Incident, tools: RecoveryTools) -> list[tuple[str, Step]]:
    return [
        (
            "roll_back_deployment",
            lambda: roll_back_deployment(
                incident,
                deployer=tools.deployer,
                alternative=tools.alternative,
                bug_database=tools.bug_database,
                progress=tools.progress,
            ),
        ),
        ("roll_back_fix", lambda: roll_back_fix(incident, repository=tools.repository)),
    ]


def _documented(incident: Incident, tools: RecoveryTools) -> list[tuple[str, Step]]:
    return [
        (
            "write_post_mortem",
            lambda: write_post_mortem(
                incident, bug_database=tools.bug_database, artefacts=tools.artefacts, clock=tools.clock
            ),
        ),
        (
            "update_bug_database",
            lambda: update_bug_database(incident, bug_database=tools.bug_database, clock=tools.clock),
        ),
    ]


def _bookkeeping(record: Record, incident: Incident, tools: RecoveryTools) -> list[tuple[str, Step]]:
    if record.post_mortem and record.follow_up:
        return []
    return [
        *_documented(incident, tools),
        (
            "open_follow_up_pr",
            lambda: open_follow_up_pr(
                incident,
                tools.profile,
                repository=tools.repository,
                code_host=tools.code_host,
                bug_database=tools.bug_database,
                artefacts=tools.artefacts,
            ),
        ),
    ]


def _take(name: str, step: Step, incident: Incident, tools: RecoveryTools) -> str | NextLook:
    try:
        document = step()
    except HotfixError as error:
        if error.retryable:
            raise
        said = f"{FAILED}{error}"
    except OSError as error:
        # The artefact storage is full or gone: the rest has to be put back all the same.
        said = f"{FAILED}{type(error).__name__}: {error}"
    else:
        if isinstance(document, NextLook):
            return document
        tools.bug_database.record(incident, document)
        said = f"{FINISHED}: {document.headline}" if document.headline else FINISHED
    tools.progress(f"{name}: {said}")
    event = Event(at=tools.clock.now(), step=name, what=said[:2000], key=f"{name}/recovered")
    tools.bug_database.note(incident, event)
    return f"{name}: {said}"
