"""The gates: each reads a document and says where the run goes on. Every one of them may lead to the rollback."""

from __future__ import annotations

from hotfix.airflow.step_task import gate
from hotfix.domain.approval import Approval, ApprovalDecision
from hotfix.domain.assessment import Assessment, Decision
from hotfix.domain.security import SecurityReport, SecurityVerdict
from hotfix.domain.stability import StabilityReport, StabilityVerdict
from hotfix.domain.testing import TestReport, TestVerdict

ROLLBACK = "rollback.roll_back_deployment"


@gate
def production_impact(assessment: Assessment) -> str:
    """An emergency goes on to the fix; anything else to the standard bug fix."""
    emergency = assessment.decision is Decision.EMERGENCY
    return "fix.find_root_cause" if emergency else "assessment.hand_over_to_standard_fix"


@gate
def tests_pass(tests: TestReport) -> str:
    """Only tests that ran and passed open this gate."""
    return "validation.review_security" if tests.verdict is TestVerdict.PASSED else ROLLBACK


@gate
def security_clear(security: SecurityReport) -> str:
    """Critical findings, and scanners that did not do their work, keep this gate closed."""
    clear = security.verdict in (SecurityVerdict.CLEAR, SecurityVerdict.CAUTION)
    return "deployment.await_approval" if clear else ROLLBACK


@gate
def approved(approval: Approval) -> str:
    """Only an approval, by a person or by a silence that can be trusted, opens this gate."""
    return "deployment.commit_hotfix" if approval.decision is ApprovalDecision.APPROVED else ROLLBACK


@gate
def production_stable(stability: StabilityReport) -> str:
    """Only a production that was seen to be healthy opens this gate."""
    return "follow_up.write_post_mortem" if stability.verdict is StabilityVerdict.STABLE else ROLLBACK
