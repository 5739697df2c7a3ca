"""Running a scanner, and telling a scan without findings from a scan that did not happen."""

from __future__ import annotations

import site
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from hotfix.adapters.processes import GIB, Completed, Limits, minimal_environment, run
from hotfix.adapters.scanners.staging import UnknownFile
from hotfix.domain.document import clip
from hotfix.domain.security import Finding, ScannerRun, ScannerState, ScanResult

REPORT_LIMIT = 50 * 1024 * 1024
PROBLEM_LIMIT = 1_000

T = TypeVar("T")


class ScanFailed(Exception):
    """The scan did not happen, or its result cannot be read; the text says why."""


class NothingToScan(Exception):
    """The change holds nothing for this scanner."""


class Workplace:
    """An empty folder to scan in until ``deadline`` (monotonic seconds), with ``memory`` bytes of address space.

    ``version`` is known once it was read; ``covered`` is what a scanner says that it understood.
    """

    def __init__(self, folder: Path, deadline: float, memory: int, file_size: int) -> None:
        self.folder = folder
        self.report = folder / "report.json"
        self.version = ""
        self._deadline = deadline
        self._limits = Limits(memory=memory, file_size=file_size)
        self.covered: tuple[str, ...] = ()

    def read_version(self, argv: Sequence[str]) -> None:
        """Take the version from what ``argv`` prints: its first word that starts with a digit and has a dot."""
        output = self.call(argv, expected=(0,)).output
        self.version = next((word for word in output.split() if word[:1].isdigit() and "." in word), "")[:40]
        if not self.version:
            raise ScanFailed("it does not tell its version: install the scanner again")

    def call(self, argv: Sequence[str], expected: tuple[int, ...], quoted: bool = True) -> Completed:
        """Run ``argv`` in the folder, which is its HOME too, confined and without network.

        ``quoted`` is False for a program that prints source code, which may hold a secret.

        Raises:
            ScanFailed: it does not start, is not done at the deadline, or exits with another code than ``expected``.
        """
        environment = minimal_environment(
            {
                "HOME": str(self.folder),
                # With another HOME the interpreter would not find packages that were installed for one user.
                "PYTHONUSERBASE": site.getuserbase(),
                "GIT_CONFIG_GLOBAL": "/dev/null",
                "GIT_NO_REPLACE_OBJECTS": "1",
            }
        )
        try:
            done = run(
                argv,
                cwd=self.folder,
                environment=environment,
                time_limit=max(0.0, self._deadline - time.monotonic()),
                limits=self._limits,
            )
        except OSError as error:
            raise ScanFailed(f"it does not start ({error}): install the scanner") from None
        if done.disk_filled:
            raise ScanFailed("it filled the disk: make room")
        if done.exit_code is None:
            raise ScanFailed("it was not done in time: raise policy.security.time_limit or scan by hand")
        if done.exit_code not in expected:
            said = f": {clip(done.output.strip(), PROBLEM_LIMIT)}" if quoted else ""
            raise ScanFailed(f"it exited with {done.exit_code}{said}")
        return done

    def read_report(self, shape: TypeAdapter[T]) -> T:
        """The report that the scanner wrote.

        Raises:
            ScanFailed: there is none, or it has not this shape.
        """
        try:
            return shape.validate_json(self.report.read_bytes())
        except FileNotFoundError:
            raise ScanFailed("it wrote no report") from None
        except ValidationError as error:
            # Without the input: it quotes source code, which may hold a secret.
            first = error.errors(include_input=False, include_url=False)[0]
            raise ScanFailed(f"its report cannot be read ({first['msg']:.200} at {first['loc']})") from None

    def check_agreement(self, done: Completed, findings: int) -> None:
        """Compare the exit code (0: clean) with the number of findings in the report.

        Raises:
            ScanFailed: they contradict each other.
        """
        if (findings > 0) != (done.exit_code != 0):
            raise ScanFailed(f"it exited with {done.exit_code} but its report holds {findings} findings")


def conduct(
    name: str,
    time_limit: float,
    scan: Callable[[Workplace], tuple[Finding, ...]],
    memory: int = 4 * GIB,
    file_size: int = REPORT_LIMIT,
) -> ScanResult:
    """Run ``scan`` in a fresh workplace for at most ``time_limit`` seconds and say how it went.

    Its failures become the state FAILED. ``memory`` and ``file_size`` in bytes limit each program that it calls.
    """
    started = time.monotonic()
    findings: tuple[Finding, ...] = ()
    state, problem = ScannerState.RAN, ""
    with tempfile.TemporaryDirectory(prefix="hotfix-scan-", ignore_cleanup_errors=True) as folder:
        workplace = Workplace(Path(folder).resolve(), started + time_limit, memory, file_size)
        try:
            findings = scan(workplace)
        except NothingToScan:
            state = ScannerState.NOTHING_TO_SCAN
        except (ScanFailed, UnknownFile, OSError) as error:
            state, problem = ScannerState.FAILED, f"{name}: {error}"
    outcome = ScannerRun(
        name=name,
        version=workplace.version,
        state=state,
        seconds=round(time.monotonic() - started, 3),
        problem=problem,
    )
    ran = state is ScannerState.RAN
    return ScanResult(run=outcome, findings=findings, covered=workplace.covered if ran else ())
