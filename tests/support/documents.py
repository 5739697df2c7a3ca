"""Documents with plausible values, for tests that care about one or two of them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from hotfix.domain.approval import Approval, ApprovalDecision, ApprovalRequest
from hotfix.domain.assessment import Assessment, Decision
from hotfix.domain.diagnosis import Commit, Diagnosis
from hotfix.domain.document import Artefact
from hotfix.domain.fix import Candidate, CandidateKind, FileChange, Fix, FixPlan
from hotfix.domain.follow_up import FollowUp, PostMortem, PullRequest
from hotfix.domain.incident import ApprovalMode, Criterion, Incident
from hotfix.domain.release import Deployment, LiveCheck, Push
from hotfix.domain.rollback import RollbackReport
from hotfix.domain.security import Finding, SecurityReport, SecurityVerdict, Severity
from hotfix.domain.service import ServiceProfile
from hotfix.domain.stability import StabilityReport, StabilityVerdict, Traffic
from hotfix.domain.testing import TestReport, TestVerdict

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=timezone.utc)
BASE, FIX = "a" * 40, "f" * 40
# Approvers of ``a_profile`` and the reporter of ``an_incident``, as its identities may know them.
PEOPLE = {
    "grace": {"slack": "UGRACE", "github": "Grace-H"},
    "linus": {"slack": "ULINUS"},
    "ada": {"slack": "UADA"},
}
NO_TRAFFIC = Traffic(requests=0, errors=0, p95_ms=None)


def an_artefact(name: str = "artefact.txt") -> Artefact:
    return Artefact(name=name, uri=f"memory:{name}", bytes=1, sha256="0" * 64)


def a_profile(**changes: Any) -> ServiceProfile:
    """A service ``shop``; ``changes`` replace whole sections."""
    values: dict[str, Any] = {
        "name": "shop",
        "repository": "https://git.example.com/shop.git",
        "owners": ("shop-team",),
        "approvers": ("grace", "linus"),
        "commander": "the incident commander",
        "commands": {"test": ("pytest", "{tests}")},
        "tests": {"critical": ("tests/test_pricing.py",)},
        "deployer": {"kind": "command", "deploy": ("d",), "status": ("s",), "rollback": ("r",)},
        "monitoring": {
            "url": "http://127.0.0.1:8000",
            "probes": ("/health",),
            "window": 10,
            "limit": 60,
            "min_requests": 50,
        },
    }
    return ServiceProfile.model_validate({**values, **changes})


def an_incident(**changes: Any) -> Incident:
    values: dict[str, Any] = {
        "id": "OPS-1",
        "attempt": 1,
        "service": "shop",
        "title": "Quotes fail",
        "description": "Quotes for ten pieces fail with 500.",
        "criteria": (Criterion.PRODUCTION_DOWN,),
        "dag_id": "emergency_hotfix",
        "run_id": "run-1",
        "reported_by": "ada",
        "opened_at": NOW,
        "started_at": NOW - timedelta(minutes=10),
        "production": BASE,
        "good": None,
        "failing_request": "/quote?qty=10",
        "stack_trace": None,
        "reproducer": None,
        "patch": None,
        "fix_commit": None,
        "suspected_paths": (),
        "approval": ApprovalMode.SILENCE_APPROVES,
        "approval_window": 300,
        "irreversible_change_accepted": False,
        "excluded_candidates": (),
    }
    return Incident.model_validate({**values, **changes})


def a_commit(sha: str = "c" * 40, **changes: Any) -> Commit:
    values: dict[str, Any] = {
        "sha": sha, "parents": ("b" * 40,), "author": "Dev <dev@example.com>", "at": NOW, "subject": "Round prices",
    }  # fmt: skip
    return Commit.model_validate({**values, **changes})


def a_candidate(name: str = "c", **changes: Any) -> Candidate:
    values: dict[str, Any] = {
        "id": f"revert:{name * 12}",
        "kind": CandidateKind.REVERT,
        "description": f"revert of {name * 10}",
        "paths": ("shop/pricing.py",),
        "commit": name * 40,
    }
    return Candidate.model_validate({**values, **changes})


def a_plan(*candidates: Candidate, **changes: Any) -> FixPlan:
    values: dict[str, Any] = {
        "candidates": candidates or (a_candidate(),),
        "excluded": (),
        "base": BASE,
    }
    return FixPlan.model_validate({**values, **changes})


def a_change(path: str = "shop/pricing.py", added: int = 1, removed: int = 1, binary: bool = False) -> FileChange:
    return FileChange(path=path, added=added, removed=removed, binary=binary)


def a_fix(**changes: Any) -> Fix:
    values: dict[str, Any] = {
        "candidate": a_candidate(),
        "ref": "refs/hotfix/OPS-1/candidate-1",
        "commit": FIX,
        "base": BASE,
        "message": "hotfix: Quotes fail",
        "changes": (a_change(),),
        "diff": an_artefact("fix.diff"),
        "proved": True,
        "before": None,
        "after": None,
        "rejected": (),
        "leaves_open": ("bring its good part in again",),
    }
    return Fix.model_validate({**values, **changes})


def a_test_report(**changes: Any) -> TestReport:
    values: dict[str, Any] = {
        "verdict": TestVerdict.PASSED,
        "why": "3 passed, none broken by the change",
        "selected": (),
        "ran": 3,
        "passed": 3,
        "skipped": 0,
        "fixed": (),
        "broken": (),
        "already_broken": (),
        "seconds": 1.0,
        "output": None,
    }
    return TestReport.model_validate({**values, **changes})


def a_finding(identity: str = "one", severity: Severity = Severity.MEDIUM, path: str = "shop/pricing.py") -> Finding:
    return Finding(
        identity=identity, scanner="fake", rule="R1", severity=severity, path=path, line=1, message="do not do this"
    )


def a_security_report(**changes: Any) -> SecurityReport:
    values: dict[str, Any] = {
        "verdict": SecurityVerdict.CLEAR,
        "why": "2 scanners found nothing new",
        "scanners": (),
        "blocking": (),
        "carried": (),
        "pre_existing": 0,
        "fixed": 0,
        "report": None,
    }
    return SecurityReport.model_validate({**values, **changes})


def an_approval_request(**changes: Any) -> ApprovalRequest:
    values: dict[str, Any] = {
        "commit": FIX,
        "subject": "Ship this hotfix to shop?",
        "body": "",
        "requested_at": NOW,
        "deadline": NOW + timedelta(seconds=300),
        "silence": (),
        "approvers": ("grace", "linus", "ada"),
        "requester": "ada",
        **changes,
    }
    return ApprovalRequest.model_validate(values)


def an_approval(**changes: Any) -> Approval:
    values: dict[str, Any] = {
        "decision": ApprovalDecision.APPROVED,
        "granted_by": "grace",
        "channel": "Airflow",
        "at": NOW,
        "requested_at": NOW,
        "commit": FIX,
        "why": "approved by grace",
    }
    return Approval.model_validate({**values, **changes})


def an_assessment(decision: Decision = Decision.EMERGENCY) -> Assessment:
    return Assessment(
        decision=decision, findings=(), probes=(), observed_error_rate=None, why=f"it is {decision.value}"
    )


def a_diagnosis(**changes: Any) -> Diagnosis:
    values: dict[str, Any] = {
        "culprit": a_commit(),
        "proved": True,
        "good": "b" * 40,
        "bad": BASE,
        "signature": "TypeError: no tier",
        "suspects": (),
        "runs": (),
        "commits_in_range": 4,
        "seconds": 2.0,
        "summary": "cccccccccc “Round prices”: its parent passes and it fails as production does",
    }
    return Diagnosis.model_validate({**values, **changes})


def a_stability_report(verdict: StabilityVerdict = StabilityVerdict.STABLE, **changes: Any) -> StabilityReport:
    values: dict[str, Any] = {
        "verdict": verdict,
        "why": "0 errors in 2000 requests",
        "baseline": Traffic(requests=1000, errors=1, p95_ms=20),
        "incident": Traffic(requests=500, errors=100, p95_ms=30),
        "observed": Traffic(requests=2000, errors=0, p95_ms=21),
        "symptom_gone": True,
        "samples_used": 2000,
        "started_at": NOW,
        "finished_at": NOW + timedelta(seconds=60),
    }
    return StabilityReport.model_validate({**values, **changes})


def a_push(**changes: Any) -> Push:
    return Push.model_validate({"branch": "hotfix/OPS-1", "commit": FIX, "remote": "file:///shop.git", **changes})


def a_deployment(**changes: Any) -> Deployment:
    values: dict[str, Any] = {
        "version": FIX,
        "previous": BASE,
        "deployer": "fake",
        "started_at": NOW,
        "finished_at": NOW + timedelta(seconds=5),
        "attempts": ("fake: live",),
    }
    return Deployment.model_validate({**values, **changes})


def a_live_check(**changes: Any) -> LiveCheck:
    values = {"version": FIX, "confirmations": 5, "first_seen_at": NOW, "seconds": 4.0}
    return LiveCheck.model_validate({**values, **changes})


def a_post_mortem() -> PostMortem:
    return PostMortem(document=an_artefact("post-mortem.md"), summary="fixed", action_items=3)


def a_follow_up(head: str = FIX) -> FollowUp:
    pull = PullRequest(branch="follow-up/OPS-1", title="Follow-up", url="somewhere", draft=True, head=head)
    return FollowUp(pull_request=pull, items=())


def a_rollback_report(verified: bool = True) -> RollbackReport:
    return RollbackReport(verified=verified, production=BASE, expected=BASE, checks=("yes: all is back",), at=NOW)
