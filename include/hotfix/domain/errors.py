"""What can go wrong, as types. Every error says what happened and what to do about it."""

from __future__ import annotations


class HotfixError(Exception):
    """A failure of the workflow that a person will read.

    ``retryable`` is true where the same call may succeed a moment later.
    """

    retryable = False

    def __init__(self, what: str, advice: str = "") -> None:
        super().__init__(f"{what} {advice}".strip())
        self.what = what
        self.advice = advice


class WrongUsage(HotfixError):
    """What was asked for does not make sense; nothing was touched."""


class InvalidIncident(HotfixError):
    """The incident params cannot be used; nothing was touched."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        lines = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(
            f"The incident params cannot be used:\n{lines}\n",
            "Nothing was touched. Correct them and trigger again.",
        )


class InvalidCatalog(HotfixError):
    """A service profile cannot be used."""


class AlertRefused(HotfixError):
    """An alert cannot be read, or is about no service or several; nothing was started."""


class CannotStartRun(HotfixError):
    """Airflow cannot start a run now; it may in a moment."""

    retryable = True


class ServiceBusy(HotfixError):
    """Another hotfix holds the service's lock."""


class TakenOver(HotfixError):
    """Another run finishes this attempt; the one that began it may change nothing any more."""

    def __init__(self, incident_id: str, attempt: int, run_id: str) -> None:
        super().__init__(
            f"Attempt {attempt} at incident {incident_id} was taken over by the run {run_id}; nothing was done.",
            "This run was taken for dead. See that run's log for what became of the incident.",
        )


class GitFailed(HotfixError):
    """A git command failed."""


class RemoteUnavailable(GitFailed):
    """The remote did not answer; it may in a moment."""

    retryable = True


class RefMoved(GitFailed):
    """A ref on the remote is not where it must be."""


class PushRefused(GitFailed):
    """The remote has a rule against this push."""


class CodeHostFailed(HotfixError):
    """The code host refused a call."""


class CodeHostUnavailable(CodeHostFailed):
    """The code host did not answer, or not now; ``retry_after`` is how many seconds it asked to be left alone."""

    retryable = True

    def __init__(self, what: str, advice: str = "", retry_after: float | None = None) -> None:
        super().__init__(what, advice)
        self.retry_after = retry_after


class CannotReproduce(HotfixError):
    """The reproducer does not show the failure where it must, or shows it where it must not."""


class CulpritNotFound(HotfixError):
    """The analysis ended without a usable suspect."""


class NoUsableFix(HotfixError):
    """No candidate applies, is within the policy and is proved."""


class ProductionMoved(HotfixError):
    """Production runs another version than the one the fix was made for."""


class DeploymentFailed(HotfixError):
    """The version did not become live."""


class RollbackFailed(HotfixError):
    """Production or git could not be put back."""


class NotFixed(HotfixError):
    """The run ended and the problem is not fixed in production."""


class ChatRefused(HotfixError):
    """The chat service understood and said no; the next try would get the same answer."""


class ChatUnavailable(HotfixError):
    """The chat service did not answer, or not now. ``retry_after`` is what it asked for, in seconds."""

    retryable = True

    def __init__(self, what: str, advice: str = "", retry_after: float = 0.0) -> None:
        super().__init__(what, advice)
        self.retry_after = retry_after
