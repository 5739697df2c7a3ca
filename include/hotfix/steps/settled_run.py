"""Tests that run beside each other, and what they show when nothing runs beside them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from hotfix.analysis.test_selection.junit_document import one_document
from hotfix.analysis.test_selection.outcomes import BAD, belongs
from hotfix.domain.testing import Outcome, TestCase, TestRun
from hotfix.ports.test_runner import PARALLEL_FAILURES, TestRunner

# Seconds; less is no time for a run.
LEAST = 1


def settled_run(
    runner: TestRunner, tree: Path, tests: tuple[str, ...], limit: float, progress: Callable[[str], None]
) -> TestRun:
    """Run ``tests`` on every core within ``limit`` seconds. What fails only then neither fails nor passes anything.

    What failed, and selected tests without a result, run again in one process, and that result counts: first exactly
    those; what passes, once more (else it is flaky); what fails, once more after the selected tests of its file, which
    it may need. Everything runs again in one process when the first run did not come to an orderly end, or when more
    fail than ``PARALLEL_FAILURES``. ``problem`` names what there was no time for.
    """
    first = runner.run(tree, tests, time_limit=limit, parallel=True)
    if not first.parallel:
        return first
    return _Settling(runner, tree, tests, limit - first.seconds, progress, first).settled()


class _Settling:
    def __init__(
        self,
        runner: TestRunner,
        tree: Path,
        tests: tuple[str, ...],
        left: float,
        progress: Callable[[str], None],
        first: TestRun,
    ) -> None:
        self._runner = runner
        self._tree = tree
        self._tests = tests
        self._left = left
        self._progress = progress
        self._first = first
        self._runs = [first]
        self._cases = {case.id: case for case in first.cases}

    def settled(self) -> TestRun:
        failing = [case.id for case in self._first.with_outcome(*BAD)]
        strange = any(not self._owners([name]) for name in failing)
        if self._first.problem or strange or len(failing) > PARALLEL_FAILURES:
            return self._everything(failing)
        unheard = tuple(test for test in self._tests if not any(belongs(name, test) for name in self._cases))
        if not failing and (not unheard or len(unheard) == len(self._tests)):
            return self._first
        problems = []
        if failing and self._left < LEAST:
            problems.append(f"{_few(failing)} failed beside other tests, and there was no time to run them alone")
            for name in failing:
                del self._cases[name]
            failing = []
        alone, flaky = self._alone(failing)
        in_order = self._in_order([name for name in failing if name not in {*alone, *flaky}])
        if unheard and len(unheard) < len(self._tests) and (problem := self._hear(unheard)):
            problems.append(problem)
        only = tuple(name for name in failing if name in {*alone, *in_order})
        if only:
            self._progress(f"{_few(only)} failed beside other tests only")
        return self._whole(only, tuple(flaky), "; ".join(problems))

    def _everything(self, failing: Sequence[str]) -> TestRun:
        why = self._first.problem or f"{len(failing)} tests failed beside each other"
        if self._left < LEAST:
            return self._first.model_copy(
                update={"problem": f"{why}, and there was no time to run them one after another"}
            )
        self._progress(f"{why}: once more, one after another")
        run = self._runner.run(self._tree, self._tests, time_limit=self._left)
        passed = {case.id for case in run.with_outcome(Outcome.PASSED)}
        return run.model_copy(
            update={
                "seconds": round(run.seconds + self._first.seconds, 3),
                "problem": f"{run.problem} (and beside each other: {why})" if run.problem else "",
                "remark": f"run one after another, since beside each other {why}"[:500],
                "only_in_parallel": tuple(name for name in failing if name in passed),
            }
        )

    def _alone(self, failing: Sequence[str]) -> tuple[list[str], list[str]]:
        """Those of ``failing`` that pass twice on their own, and those that pass once."""
        once = self._rerun(failing)
        passed = [name for name in failing if name in once]
        again = self._rerun(passed)
        # Without time for a second run the first one counts.
        failed_then = {name for name in passed if name not in again} if self._left >= LEAST else set()
        for name in passed:
            if name not in failed_then:
                self._replace(name, once[name])
        return [name for name in passed if name not in failed_then], sorted(failed_then)

    def _rerun(self, names: Sequence[str]) -> dict[str, tuple[TestCase, ...]]:
        """The cases of ``names`` that do not fail alone. One that takes the process with it says nothing of the others,
        which then run one by one."""
        if not names or self._left < LEAST:
            return {}
        run = self._run_alone(names)
        found = {name: _own(run, name) for name in names}
        if len(names) > 1:
            for name in [name for name, own in found.items() if not own]:
                if self._left >= LEAST:
                    found[name] = _own(self._run_alone([name]), name)
        return {name: own for name, own in found.items() if own and not any(case.outcome in BAD for case in own)}

    def _run_alone(self, names: Sequence[str]) -> TestRun:
        owners = self._owners(names)
        run = self._runner.rerun(self._tree, owners, tuple(names), time_limit=self._left)
        return self._count(run)

    def _in_order(self, failing: Sequence[str]) -> list[str]:
        """Those of ``failing`` that pass after the tests before them in their files, as they do without workers."""
        passed = []
        # A file at a time: a test may take the process, and every other result, with it.
        for file in dict.fromkeys(test.split("::")[0] for test in self._owners(failing)):
            tests = tuple(test for test in self._tests if test.split("::")[0] == file)
            own = [name for name in failing if any(belongs(name, test) for test in tests)]
            beside = {name for name in self._cases if any(belongs(name, test) for test in tests)}
            if beside <= set(own) or self._left < LEAST:
                continue
            run = self._count(self._runner.run(self._tree, tests, time_limit=self._left))
            for name in own:
                cases = _own(run, name)
                if name not in passed and cases and not any(case.outcome in BAD for case in cases):
                    self._replace(name, cases)
                    passed.append(name)
        return passed

    def _hear(self, unheard: tuple[str, ...]) -> str:
        """Run the selected tests of which the first run reports nothing; why that is not enough, where it is not."""
        if self._left < LEAST:
            return f"{_few(unheard)} reported no result, and there was no time to run them again"
        run = self._count(self._runner.run(self._tree, unheard, time_limit=self._left))
        for case in run.cases:
            self._cases.setdefault(case.id, case)
        # Without a case it is as in one process: the tool knows no such test, or the settings leave it out.
        return run.problem if run.exit_code is None else ""

    def _owners(self, names: Collection[str]) -> tuple[str, ...]:
        return tuple(test for test in self._tests if any(belongs(name, test) for name in names))

    def _count(self, run: TestRun) -> TestRun:
        self._left -= run.seconds
        self._runs.append(run)
        return run

    def _replace(self, name: str, own: Sequence[TestCase]) -> None:
        del self._cases[name]
        self._cases.update({case.id: case for case in own})

    def _whole(self, only: tuple[str, ...], flaky: tuple[str, ...], problem: str) -> TestRun:
        cases = tuple(self._cases.values())
        return TestRun(
            cases=cases,
            exit_code=1 if any(case.outcome in BAD for case in cases) else 0,
            seconds=round(sum(run.seconds for run in self._runs), 3),
            output="\n".join(run.output for run in self._runs),
            problem=problem,
            junit=one_document([run.junit for run in self._runs if run.junit]),
            parallel=True,
            remark=self._first.remark,
            only_in_parallel=only,
            flaky=flaky,
        )


def _own(run: TestRun, name: str) -> tuple[TestCase, ...]:
    """The cases of ``name``, which is also a file's where that could not be collected before."""
    return tuple(case for case in run.cases if case.id == name or case.id.startswith((f"{name}.", f"{name}::")))


def _few(names: Sequence[str]) -> str:
    return f"{', '.join(names[:5])}{f' and {len(names) - 5} more' if len(names) > 5 else ''}"
