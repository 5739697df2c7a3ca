"""What the critical tests say about the fix."""

from __future__ import annotations

from enum import Enum

from pydantic import Field

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
    """One execution of a selection on one version. ``problem`` is set when its result cannot be trusted.

    ``junit`` is the JUnit XML as the tests wrote it, empty when it cannot be used. ``parallel``: several processes ran
    tests beside each other; ``remark`` says why not, where that was asked for. What failed there is run again in one
    process: the ids in ``only_in_parallel`` passed then, those in ``flaky`` passed and failed.
    """

    __test__ = False

    cases: tuple[TestCase, ...]
    exit_code: int | None
    seconds: float
    output: str
    problem: str = ""
    junit: str = ""
    parallel: bool = False
    remark: str = ""
    only_in_parallel: tuple[str, ...] = ()
    flaky: tuple[str, ...] = ()

    def with_outcome(self, *outcomes: Outcome) -> tuple[TestCase, ...]:
        return tuple(case for case in self.cases if case.outcome in outcomes)


class TestVerdict(str, Enum):
    __test__ = False

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"


class SelectedTest(Document):
    """A file, a folder, or ``path::name``. ``distance``: steps to the change, the fewer the more telling."""

    path: str
    reasons: tuple[str, ...]
    critical: bool = False
    distance: int = 0


class TestHistory(Document):
    """What is known of a service's tests: ``seconds`` each took, which ``failed`` last, and which ones changes of the
    same files broke before (``broken_by_similar``)."""

    __test__ = False

    seconds: dict[str, float] = Field(default_factory=dict)
    failed: frozenset[str] = frozenset()
    broken_by_similar: tuple[str, ...] = ()


class TestReport(Document):
    """``not_run``: selected, and left out for lack of time. ``no_result``: run, and not reported by the tool.
    ``configuration``: changed settings of the tests, and what was done about each. ``reproducer``: what it said on the
    fix; empty when there is none. ``only_in_parallel``: failed beside other tests, on either version, and passed in one
    process, which counts. ``remarks``: how they were run, where it is not what the profile asks for."""

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
    flaky: tuple[str, ...] = ()
    not_run: tuple[str, ...] = ()
    not_run_total: int = 0
    widened: tuple[str, ...] = ()
    configuration: tuple[str, ...] = ()
    reproducer: str = ""
    junit: tuple[Artefact, ...] = ()
    only_in_parallel: tuple[str, ...] = ()
    no_result: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        return f"{self.verdict.value}: {self.why}"
