"""What of a selection fits into the time that there is."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from hotfix.domain.testing import SelectedTest, TestHistory

# Seconds, where nothing is known of any test of the service.
UNKNOWN_FILE, UNKNOWN_FUNCTION = 1.0, 0.1


def within_budget(
    tests: Sequence[SelectedTest], history: TestHistory, budget: float
) -> tuple[tuple[SelectedTest, ...], tuple[SelectedTest, ...]]:
    """The first of ``tests`` that are expected to take ``budget`` seconds together, and the rest.

    Critical tests are never left out: the profile says that they must run. A test that was never timed is taken for a
    median one.
    """
    known_functions = [seconds for name, seconds in history.seconds.items() if "::" in name]
    known_files = [seconds for name, seconds in history.seconds.items() if "::" not in name]
    function = median(known_functions) if known_functions else UNKNOWN_FUNCTION
    file = median(known_files) if known_files else UNKNOWN_FILE
    spent = 0.0
    kept: list[SelectedTest] = []
    left: list[SelectedTest] = []
    for test in tests:
        expected = history.seconds.get(test.path, function if "::" in test.path else file)
        if test.critical or (spent + expected <= budget and not left):
            kept.append(test)
            spent += expected
        else:
            left.append(test)
    return tuple(kept), tuple(left)
