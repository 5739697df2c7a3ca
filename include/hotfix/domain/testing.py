"""What the critical tests say about the fix."""

from __future__ import annotations

from enum import Enum

from hotfix.domain.document import Artefact, Document


class Outcome(str, Enum):
    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"


class TestCase(Document):
    __test__ = False

    id: str
    outcome: Outcome
    seconds: float
    message: str = ""


class TestRun(Document):
    """One execution of a selection on one version. ``problem`` is set when its result cannot be trusted."""

    __test__ = False

    cases: tuple[TestCase, ...]
    exit_code: int | None
    seconds: float
    output: str
    problem: str = ""

    def with_outcome(self, *outcomes: Outcome) -> tuple[TestCase, ...]:
        return tuple(case for case in self.cases if case.outcome in outcomes)


class TestVerdict(str, Enum):
    __test__ = False

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"


class SelectedTest(Document):
    path: str
    reasons: tuple[str, ...]


class TestReport(Document):
    __test__ = False

    verdict: TestVerdict
    why: str
    selected: tuple[SelectedTest, ...]
    ran: int
    passed: int
    skipped: int
    fixed: tuple[str, ...]
    broken: tuple[TestCase, ...]
    already_broken: tuple[str, ...]
    seconds: float
    output: Artefact | None

    @property
    def headline(self) -> str:
        return f"{self.verdict.value}: {self.why}"
