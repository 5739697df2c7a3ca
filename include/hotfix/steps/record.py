"""Everything that the ledger holds about one attempt, for the steps that look back."""

from __future__ import annotations

from dataclasses import dataclass

from hotfix.domain.approval import Approval
from hotfix.domain.assessment import Assessment
from hotfix.domain.diagnosis import Diagnosis
from hotfix.domain.fix import Backup, Fix, FixPlan
from hotfix.domain.follow_up import FollowUp, PostMortem
from hotfix.domain.incident import Incident
from hotfix.domain.release import Deployment, HotfixCommit, LiveCheck, Push
from hotfix.domain.rollback import DeploymentRollback, Escalation, FixRollback, RollbackReport
from hotfix.domain.security import SecurityReport
from hotfix.domain.stability import StabilityReport
from hotfix.domain.testing import TestReport
from hotfix.ports.bug_database import BugDatabase, Event


@dataclass(frozen=True)
class Record:
    """None means: that step did not finish."""

    incident: Incident
    assessment: Assessment | None
    diagnosis: Diagnosis | None
    plan: FixPlan | None
    backup: Backup | None
    fix: Fix | None
    tests: TestReport | None
    security: SecurityReport | None
    approval: Approval | None
    commit: HotfixCommit | None
    push: Push | None
    deployment: Deployment | None
    live: LiveCheck | None
    stability: StabilityReport | None
    deployment_rollback: DeploymentRollback | None
    fix_rollback: FixRollback | None
    rollback: RollbackReport | None
    escalation: Escalation | None
    post_mortem: PostMortem | None
    follow_up: FollowUp | None
    timeline: tuple[Event, ...]


def read_record(incident: Incident, bug_database: BugDatabase) -> Record:
    find = bug_database.find
    return Record(
        incident=incident,
        assessment=find(incident, Assessment),
        diagnosis=find(incident, Diagnosis),
        plan=find(incident, FixPlan),
        backup=find(incident, Backup),
        fix=find(incident, Fix),
        tests=find(incident, TestReport),
        security=find(incident, SecurityReport),
        approval=find(incident, Approval),
        commit=find(incident, HotfixCommit),
        push=find(incident, Push),
        deployment=find(incident, Deployment),
        live=find(incident, LiveCheck),
        stability=find(incident, StabilityReport),
        deployment_rollback=find(incident, DeploymentRollback),
        fix_rollback=find(incident, FixRollback),
        rollback=find(incident, RollbackReport),
        escalation=find(incident, Escalation),
        post_mortem=find(incident, PostMortem),
        follow_up=find(incident, FollowUp),
        timeline=bug_database.timeline(incident),
    )
