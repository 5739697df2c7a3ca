"""The smallest part of a culprit's revert that makes a reproducer pass."""

from __future__ import annotations

import argparse
import json
import shlex
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from hotfix.adapters.command_tests import CommandTests, command_for_tests
from hotfix.analysis.affected_tests import affected_tests
from hotfix.analysis.minimal_fix.flaky import repeated
from hotfix.analysis.minimal_fix.refusals import migrations, security_fix, too_old
from hotfix.analysis.minimal_fix.search import Budget, MinimalRevert, MinimalRevertSearch
from hotfix.analysis.minimal_fix.tests_guard import AffectedTests
from hotfix.cli.reproduction import Investigation, add_options, investigation
from hotfix.domain.diagnosis import ReproducerRun, Verdict
from hotfix.domain.document import Sha
from hotfix.domain.errors import CannotReproduce, WrongUsage
from hotfix.domain.revert import ReversePatch
from hotfix.domain.service import Policy
from hotfix.ports.repository import Repository

if TYPE_CHECKING:
    from argparse import _SubParsersAction

NOT_VERIFIED = 3
DEFAULT_RUNS, DEFAULT_SECONDS = 60, 900.0


def register(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser(
        "minimize",
        help="find the smallest part of a culprit's revert that makes a reproducer pass",
        description="Exit status: 0 verified, 3 not verified, 2 wrong usage, 1 it could not be tried. "
        "The repository is never changed: everything happens in a private mirror of it.",
    )
    add_options(command)
    command.add_argument("--culprit", required=True, metavar="SHA", help="the commit to take back")
    command.add_argument(
        "--test", metavar="CMD", help="runs {tests}, writes JUnit XML to {junit} (default: made of a pytest reproducer)"
    )
    command.set_defaults(run=_minimize)


def _minimize(arguments: argparse.Namespace) -> int:
    with investigation(arguments) as given:
        return _Minimize(arguments, given).run()


class _Minimize:
    def __init__(self, arguments: argparse.Namespace, given: Investigation) -> None:
        self._arguments = arguments
        self._given = given
        self._started = time.monotonic()

    def run(self) -> int:
        arguments, repository, bad = self._arguments, self._given.repository, self._given.bad
        culprit = repository.resolve_in_place(arguments.culprit)
        if culprit is None:
            raise WrongUsage(f"--culprit: {arguments.repo} has no commit {arguments.culprit!r}.")
        if (self._given.limits.flaky or 0) >= 0.5:
            raise WrongUsage("--flaky: answers that are wrong half of the time tell nothing about a fix.")
        guard, unguarded = self._guard()
        self._check_endpoints()
        patch = repository.reverse_patch(culprit, bad)
        limits = self._given.limits
        seconds = DEFAULT_SECONDS if limits.seconds is None else limits.seconds
        found = MinimalRevertSearch(
            patch=patch,
            repository=repository,
            probe=self._probe,
            tests=guard,
            unguarded=unguarded,
            budget=Budget(
                DEFAULT_RUNS if limits.runs is None else limits.runs,
                lambda: time.monotonic() - self._started > seconds,
                spent=2,
            ),
            message=f"Part of the revert of {culprit}",
            at=repository.commit(bad).at,
            progress=self._given.progress,
        ).run()
        result = self._result(repository, patch, found)
        if arguments.json:
            arguments.json.write_text(f"{json.dumps(result, indent=1)}\n", encoding="utf-8")
        _print(result)
        return 0 if found.verified else NOT_VERIFIED

    def _check_endpoints(self) -> None:
        ends = (("bad", self._given.bad, Verdict.OTHER_FAILURE), ("good", self._given.good, Verdict.GOOD))
        with ThreadPoolExecutor(max_workers=min(2, self._given.limits.jobs)) as pool:
            answers = list(pool.map(self._probe, (sha for _, sha, _ in ends)))
        for (name, sha, wanted), found in zip(ends, answers, strict=True):
            self._given.progress(f"{name} {sha[:10]}: {found.verdict.value} ({found.seconds:.1f} s) {found.signature}")
            if found.verdict is not wanted:
                must = "fail" if name == "bad" else "pass"
                raise CannotReproduce(f"The reproducer does not {must} on {sha[:10]} ({found.verdict.value}).")

    def _probe(self, sha: Sha) -> ReproducerRun:
        def run() -> ReproducerRun:
            with self._given.repository.checkout(sha) as tree:
                return self._given.reproducer.reproduce(tree, sha)

        limits = self._given.limits
        return repeated(run, limits.flaky, limits.confidence) if limits.flaky else run()

    def _guard(self) -> tuple[Any, str]:
        """What runs the affected tests, or why nothing does."""
        reproducer, repository, bad = self._given.reproducer, self._given.repository, self._given.bad
        own = self._arguments.test
        command = _words(own) if own else command_for_tests(reproducer.command, tuple(reproducer.overlays))
        if command is None:
            return None, "no test command: give --test, or a reproducer that runs pytest"
        if "{tests}" not in command or not any("{junit}" in word for word in command):
            raise WrongUsage("--test: an argument {tests} and the place {junit} must be in it")
        tests = CommandTests(command, reproducer.environment, reproducer.time_limit * 3)
        files = repository.files(bad)
        roots = [root for root in ("src", "lib") if any(path.startswith(f"{root}/") for path in files)]
        places = _test_places(files)

        def select(tree: Path, changed: Sequence[str]) -> tuple[str, ...]:
            return tuple(affected_tests(tree, changed, places, [*roots, "."]))

        return lambda changed: AffectedTests(repository, bad, changed, select, tests.run), ""

    def _result(self, repository: Repository, patch: ReversePatch, found: MinimalRevert) -> dict[str, Any]:
        parent = repository.commit(patch.culprit).parents[0]
        lines = sum(change.lines for change in repository.changes(parent, patch.culprit))
        kept = repository.changes(patch.production, found.commit) if found.commit else ()
        return {
            "culprit": patch.culprit,
            "bad": patch.production,
            "verified": found.verified,
            "why": found.why,
            "minimal": found.minimal,
            "hunks_total": found.hunks_total,
            "hunks_kept": found.hunks_kept,
            "lines_total": lines,
            "lines_kept": sum(change.lines for change in kept),
            "patch": repository.diff(patch.production, found.commit) if found.commit else "",
            "reverted": list(found.reverted),
            "stays": list(found.stays),
            "conflicts": [{"path": c.path, "header": c.header, "why": c.why} for c in patch.conflicts],
            "broken_tests": list(found.broken_tests),
            "unguarded": found.unguarded,
            "needs_acceptance": _needs_acceptance(repository, patch, found),
            "alternatives": [alternative.model_dump(mode="json") for alternative in found.alternatives],
            "runs": found.runs,
            "test_runs": found.test_runs,
            "seconds": round(time.monotonic() - self._started, 1),
        }


def _needs_acceptance(repository: Repository, patch: ReversePatch, found: MinimalRevert) -> list[str]:
    """Why the workflow would not take this back by itself, by the default policy."""
    culprit, policy = repository.commit(patch.culprit), Policy()
    paths = [change.path for change in repository.changes(culprit.parents[0], culprit.sha)]
    reasons = [
        f"it changes {path}, which cannot be rolled back" for path in migrations(paths, policy.irreversible_paths)
    ]
    old = too_old(culprit.at, repository.commit(patch.production).at, policy.max_revert_age_days)
    risk = security_fix(repository.message(patch.culprit), found.edits)
    return [*reasons, *([old] if old else []), *([f"it may be a security fix: {risk}"] if risk else [])]


def _print(result: dict[str, Any]) -> None:
    print(f"{'verified' if result['verified'] else 'NOT verified'}: {result['why']}")
    print(
        f"{result['hunks_kept']} of {result['hunks_total']} hunks, {result['lines_kept']} lines changed "
        f"(the culprit: {result['lines_total']}), "
        f"{result['runs']} runs of the reproducer, {result['test_runs']} of tests"
    )
    if result["unguarded"]:
        print(f"only the reproducer guards it: {result['unguarded']}")
    for reason in result["needs_acceptance"]:
        print(f"a person must accept it: {reason}")
    for conflict in result["conflicts"]:
        print(f"conflict: {conflict['path']} {conflict['header']}: {conflict['why']}")
    if result["alternatives"]:
        print(f"{'lines':>6} {'hunks':>6} {'broken':>7}  alternatives")
    for one in result["alternatives"]:
        broken = "-" if one["broken"] is None else one["broken"]
        print(f"{one['lines']:>6} {one['hunks']:>6} {broken:>7}  {one['description']}: {one['why_not'] or 'chosen'}")
    print(result["patch"], end="")


def _words(text: str) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise WrongUsage(f"--test: {error}.") from None
    if not words:
        raise WrongUsage("--test is empty.")
    return words


def _test_places(files: Sequence[str]) -> list[str]:
    """The folders that hold test files; those at the repository's root by their own names."""
    tests = [
        PurePosixPath(path) for path in files if PurePosixPath(path).match("test_*.py") or path.endswith("_test.py")
    ]
    return sorted({test.name if str(test.parent) == "." else str(test.parent) for test in tests})
