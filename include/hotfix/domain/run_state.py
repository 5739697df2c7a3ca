"""What a run looks like from outside at one moment: what the places where people are get shown."""

from __future__ import annotations

from enum import Enum

from hotfix.domain.document import Artefact, Document, Instant, Sha
from hotfix.domain.incident import Incident
from hotfix.domain.outcome import Ending


class GateState(str, Enum):
    WAITING = "waiting"
    PASSED = "passed"
    FAILED = "failed"
    NOT_REACHED = "not_reached"


class GateResult(Document):
    """``name`` is the same in every run, so that it can be required, searched and compared.

    A gate that waits when the run has ended was not reached.
    """

    name: str
    state: GateState
    why: str


class DeploymentState(str, Enum):
    WATCHED = "watched"
    STABLE = "stable"
    UNSTABLE = "unstable"
    ROLLED_BACK = "rolled_back"


class ShippedVersion(Document):
    version: Sha
    previous: Sha
    deployer: str
    state: DeploymentState
    why: str


class RunState(Document):
    """``waiting_for`` says who must act and how, empty when nobody must; ``ending`` is None while the run goes on.

    ``fix_commit`` is the candidate, from when there is one; ``pushed_branch`` is empty until it is published. The
    ``security_report`` is SARIF. ``timeline`` has one line an
    event, oldest first.
    """

    incident: Incident
    at: Instant
    phase: str
    doing: str
    waiting_for: str
    gates: tuple[GateResult, ...]
    fix_commit: Sha | None
    pushed_branch: str
    security_report: Artefact | None
    shipped: ShippedVersion | None
    ending: Ending | None
    summary: str
    timeline: tuple[str, ...]
    pull_request: str


class Untold(Document):
    """What could not be shown of a run's newest state, one sentence each."""

    problems: tuple[str, ...]
    at: Instant
