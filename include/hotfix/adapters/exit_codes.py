"""What a test command's exit code says, alone and together with its test cases."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from hotfix.domain.testing import Outcome, TestCase

# git-bisect(1): 125 says "skip this version"; a shell says 126 and 127 when it cannot run a command.
_DID_NOT_RUN = frozenset({125, 126, 127})
# pytest: interrupted (also by an error while collecting), internal error, wrong usage, no tests.
_PYTEST_RAN_NOT_ALL = frozenset({2, 3, 4, 5})


def says_nothing(command: Sequence[str], exit_code: int) -> bool:
    """Whether the code means that ``command`` did not run what it was to run."""
    return exit_code in _DID_NOT_RUN or (_is_pytest(command) and exit_code in _PYTEST_RAN_NOT_ALL)


def contradiction(command: Sequence[str], exit_code: int, cases: Sequence[TestCase]) -> str:
    """Why the exit code and the test cases together cannot be trusted; empty when they can."""
    failed = sum(case.outcome in (Outcome.FAILED, Outcome.ERROR) for case in cases)
    if exit_code == 0 and failed:
        return f"the tests exited with 0 although {failed} of them failed"
    if says_nothing(command, exit_code):
        return f"the tests stopped before all of them ran (exit code {exit_code})"
    if exit_code != 0 and not failed:
        return f"the tests exited with {exit_code} although none of them failed"
    return ""


def _is_pytest(command: Sequence[str]) -> bool:
    return any(PurePath(argument).name in ("pytest", "py.test") for argument in command)
