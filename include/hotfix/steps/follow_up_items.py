"""What is owed after this run, and until when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from hotfix.domain.follow_up import FollowUpItem, FollowUpKind
from hotfix.domain.stability import StabilityVerdict
from hotfix.domain.testing import TestReport
from hotfix.steps.record import Record

DAY, WEEK = timedelta(hours=24), timedelta(weeks=1)


def follow_up_items(record: Record) -> tuple[FollowUpItem, ...]:
    """For a shipped hotfix: what was skipped in the hurry. For one that was not: the fix itself.

    Due times count from the opening of the incident, so that every repetition says the same.
    """
    if record.assessment is None:
        # Not begun, for another run is at it: that one owes.
        return ()
    shipped = record.stability is not None and record.stability.verdict is StabilityVerdict.STABLE
    items: list[tuple[FollowUpKind, str, timedelta]] = []
    if not shipped:
        items.append((FollowUpKind.FULL_FIX, "Fix the problem: this hotfix did not", DAY))
    else:
        if record.approval and record.approval.needs_approval_after_the_fact:
            items.append((FollowUpKind.APPROVE_AFTER_THE_FACT, "Approve the hotfix that silence approved", DAY))
        items.append((FollowUpKind.CODE_REVIEW, "Review the hotfix: it shipped without a code review", DAY))
        items.append((FollowUpKind.FULL_TEST_SUITE, _full_suite(record.tests), DAY))
        open_ends = record.fix.leaves_open if record.fix else ()
        title = f"Replace the hotfix by a proper fix: {open_ends[0]}" if open_ends else "Replace it by a proper fix"
        items.append((FollowUpKind.FULL_FIX, title, WEEK))
    if record.incident.has_reproducer:
        items.append((FollowUpKind.REPRODUCER_TEST, "Add the reproducer to the service's tests", WEEK))
    if shipped and record.security and record.security.carried:
        count = max(record.security.carried_total, len(record.security.carried))
        items.append((FollowUpKind.SECURITY_FINDINGS, f"Mend {count} security findings that did not block", WEEK))
    opened = record.incident.opened_at
    return tuple(FollowUpItem(kind=kind, title=title, due_at=opened + due) for kind, title, due in items)


def _full_suite(tests: TestReport | None) -> str:
    """With what the gate had to leave out."""
    title = "Run the full test suite on the hotfix"
    if tests is None:
        return title
    left_out = []
    if tests.not_run:
        left_out.append(f"{tests.not_run_total} selected tests were left out for time ({_few(tests.not_run)})")
    if tests.no_result:
        left_out.append(f"selected tests gave no result ({_few(tests.no_result)})")
    return f"{title}: {', '.join(left_out)}" if left_out else title


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
