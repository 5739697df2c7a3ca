"""What a run looks like from outside at one moment: what the places where people are get shown."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum

from hotfix.domain.document import Artefact, Document, Instant, Sha
from hotfix.domain.incident import Incident
from hotfix.domain.outcome import Ending

# A decision takes seconds.
LONG_OVER = timedelta(minutes=5)


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


class RefusedAnswer(Document):
    """Of a person whose answer does not count: who they are on the ``channel``, and why."""

    channel: str
    account: str
    why: str


class ApprovalState(Document):
    """The request to ship ``commit``: ``body`` (Markdown) is what has to be decided.

    ``approvers`` are user names, empty for anybody who is known but the ``requester``; ``needed`` is how many of them
    have to say yes. ``last_minute`` is set where people are warned; ``decision`` is empty while it is awaited.
    """

    commit: Sha
    subject: str
    body: str
    approvers: tuple[str, ...]
    requester: str
    needed: int
    deadline: Instant
    last_minute: bool
    refused: tuple[RefusedAnswer, ...]
    decision: str


class RunState(Document):
    """``waiting_for`` says who must act and how, empty when nobody must; ``ending`` is None while the run goes on.

    ``fix_commit`` is the candidate, from when there is one; ``pushed_branch`` is empty until it is published. The
    ``security_report`` is SARIF. ``approval`` is None where nobody was asked. ``timeline`` has one line an event,
    oldest first.
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
    approval: ApprovalState | None = None
    shipped: ShippedVersion | None
    ending: Ending | None
    summary: str
    timeline: tuple[str, ...]
    pull_request: str


def awaited(state: RunState) -> bool:
    """Whether people can still answer the request; not where its window is long over, for then the run has died."""
    approval = state.approval
    return (
        approval is not None
        and not approval.decision
        and state.ending is None
        and state.at < approval.deadline + LONG_OVER
    )


class Untold(Document):
    """What could not be shown of a run's newest state, one sentence each."""

    problems: tuple[str, ...]
    at: Instant
