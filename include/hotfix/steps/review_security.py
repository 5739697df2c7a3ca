"""What a change brings in that scanners and the rules about changes object to; production's version is the baseline."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from hotfix import __version__
from hotfix.analysis import dangerous_changes, removed_protection
from hotfix.analysis.changed_file import ChangedFile, read_version
from hotfix.analysis.finding_lists import Comparison, compare
from hotfix.analysis.sarif import to_sarif
from hotfix.analysis.source_kinds import is_prose
from hotfix.domain.document import XCOM_LIMIT_BYTES, Sha
from hotfix.domain.fix import Fix
from hotfix.domain.policy import blocks
from hotfix.domain.security import (
    Finding,
    FindingMaker,
    ScannerRun,
    ScannerState,
    ScanResult,
    SecurityReport,
    SecurityVerdict,
)
from hotfix.domain.service import SecurityPolicy
from hotfix.ports.artefacts import ArtefactStore
from hotfix.ports.repository import Repository
from hotfix.ports.scanner import Scanner

LISTED = 20
NAMED = 5

# Rules about the change itself, which no scanner of one version can see.
_RULES: tuple[tuple[str, Callable[[Sequence[ChangedFile], FindingMaker], list[Finding]]], ...] = (
    ("removed-protection", removed_protection.check),
    ("dangerous-changes", dangerous_changes.check),
)


@dataclass(frozen=True)
class Scan:
    """A scanner's result on the change, and on production's version; None where it has no need of one."""

    after: ScanResult
    before: ScanResult | None


@dataclass(frozen=True)
class Review:
    """A report without artefacts, and all findings."""

    report: SecurityReport
    comparison: Comparison
    blocking: frozenset[str]


def review_security(
    fix: Fix,
    *,
    repository: Repository,
    scanners: Sequence[Scanner],
    policy: SecurityPolicy,
    artefacts: ArtefactStore,
    progress: Callable[[str], None],
) -> SecurityReport:
    """What the policy lets block blocks; the rest is carried into the follow-up. A scanner that failed blocks too."""
    repository.fetch()
    review = review_change(
        fix.base, fix.commit, repository=repository, scanners=scanners, policy=policy, progress=progress
    )
    findings = json.dumps(as_json(review), indent=1)
    sarif = json.dumps(to_sarif(review.comparison, review.report.scanners, review.blocking), indent=1)
    return review.report.model_copy(
        update={
            "report": artefacts.put("security.json", findings),
            "sarif": artefacts.put("security.sarif", sarif),
        }
    )


def review_change(
    base: Sha,
    head: Sha,
    *,
    repository: Repository,
    scanners: Sequence[Scanner],
    policy: SecurityPolicy,
    progress: Callable[[str], None],
) -> Review:
    """Review the difference of two commits of ``repository``, as last fetched; one line of progress a scanner."""
    deadline = time.monotonic() + policy.time_limit
    paths = tuple(change.path for change in repository.changes(base, head))
    with repository.checkout(head) as new, repository.checkout(base) as old:
        files = tuple(ChangedFile(path, read_version(old, path), read_version(new, path)) for path in paths)
        after, before = _present(new, paths), _present(old, paths)

        def scan(scanner: Scanner) -> Scan:
            found = _guarded(scanner, new, after, base, head, _left(deadline))
            if found.run.state is ScannerState.FAILED:
                return Scan(found, None)
            return Scan(found, _guarded(scanner, old, before, base, base, _left(deadline)))

        with ThreadPoolExecutor(max_workers=len(scanners) or 1) as pool:
            running = [pool.submit(scan, scanner) for scanner in scanners]
            rules = apply_rules(files)
            for done in rules:
                progress(_line(done))
            for finished in as_completed(running):
                progress(_line(finished.result()))
            scans = [future.result() for future in running]
    return assess([*scans, *rules], files, policy, configured=bool(scanners))


def _guarded(
    scanner: Scanner, checkout: Path, paths: tuple[str, ...], base: Sha, head: Sha, time_limit: float
) -> ScanResult:
    started = time.monotonic()
    try:
        return scanner.scan(checkout, paths, base, head, time_limit)
    # Our own mistake about what a scanner wrote must not lose what the others found.
    except Exception as error:
        seconds = round(time.monotonic() - started, 3)
        # By its type alone: the text may quote source code, which may hold a secret.
        problem = f"{scanner.name}: its result cannot be understood ({type(error).__name__})"
        run = ScannerRun(name=scanner.name, version="", state=ScannerState.FAILED, seconds=seconds, problem=problem)
        return ScanResult(run=run, findings=())


def apply_rules(files: Sequence[ChangedFile]) -> list[Scan]:
    """The rules about changes, each as if it were a scanner."""
    return [Scan(_apply(name, check, files), None) for name, check in _RULES]


def assess(scans: Sequence[Scan], files: Sequence[ChangedFile], policy: SecurityPolicy, *, configured: bool) -> Review:
    """Judge what was found in ``files``; ``configured`` is whether there were scanners at all."""
    results = [scan.after for scan in scans]
    deleted = frozenset(file.path for file in files if file.before and not file.after)
    comparison = compare(
        [finding for scan in scans if scan.before for finding in scan.before.findings],
        [finding for result in results for finding in result.findings],
        deleted,
    )
    blocking = tuple(finding for finding in comparison.new if blocks(finding, policy))
    carried = tuple(finding for finding in comparison.new if not blocks(finding, policy))
    covered = {path for result in results for path in result.covered}
    unscanned = tuple(file.path for file in files if file.after and file.path not in covered and not is_prose(file))
    verdict, why = _verdict(scans, blocking, carried, unscanned, policy, configured)
    report = SecurityReport(
        verdict=verdict,
        why=why,
        scanners=tuple(_run(scan) for scan in scans),
        blocking=blocking[:LISTED],
        carried=carried[:LISTED],
        pre_existing=len(comparison.pre_existing),
        fixed=len(comparison.fixed),
        report=None,
        blocking_total=len(blocking),
        carried_total=len(carried),
        unscanned=unscanned[:LISTED],
    )
    return Review(_within_limit(report), comparison, frozenset(finding.identity for finding in blocking))


def as_json(review: Review) -> dict[str, object]:
    """Everything that was found, for machines: each finding with its status and whether it blocks."""
    findings = [
        {"status": status, "blocks": finding.identity in review.blocking, **finding.model_dump(mode="json")}
        for status, group in (
            ("new", review.comparison.new),
            ("pre-existing", review.comparison.pre_existing),
            ("fixed", review.comparison.fixed),
        )
        for finding in group
    ]
    return {
        "verdict": review.report.verdict.value,
        "why": review.report.why,
        "findings": findings,
        "scanners": [run.model_dump(mode="json") for run in review.report.scanners],
        "unscanned": list(review.report.unscanned),
    }


def _left(deadline: float) -> float:
    return max(0.0, deadline - time.monotonic())


def _present(checkout: Path, paths: Sequence[str]) -> tuple[str, ...]:
    """The paths that are files there, and those whose name was damaged in decoding: a scanner tells that it fails."""
    return tuple(
        path
        for path in paths
        if ((checkout / path).is_file() and not (checkout / path).is_symlink()) or "\N{REPLACEMENT CHARACTER}" in path
    )


def _apply(
    name: str, check: Callable[[Sequence[ChangedFile], FindingMaker], list[Finding]], files: Sequence[ChangedFile]
) -> ScanResult:
    started = time.monotonic()
    findings: tuple[Finding, ...] = ()
    state, problem = ScannerState.RAN, ""
    try:
        findings = tuple(check(files, FindingMaker(name)))
    except (ValueError, RecursionError, OSError) as error:
        state, problem = ScannerState.FAILED, f"{name}: {error}"
    seconds = round(time.monotonic() - started, 3)
    run = ScannerRun(name=name, version=__version__, state=state, seconds=seconds, problem=problem)
    return ScanResult(run=run, findings=findings)


def _run(scan: Scan) -> ScannerRun:
    seconds = scan.after.run.seconds + (scan.before.run.seconds if scan.before else 0)
    return scan.after.run.model_copy(update={"seconds": round(seconds, 3)})


def _line(scan: Scan) -> str:
    run = _run(scan)
    known = {finding.identity for finding in scan.before.findings} if scan.before else set()
    new = sum(finding.identity not in known for finding in scan.after.findings)
    said = f" ({run.problem})" if run.problem else ""
    return f"{run.name} {run.version}: {run.state.value}, {new} new findings, {run.seconds:.1f} s{said}"


def _verdict(
    scans: Sequence[Scan],
    blocking: Sequence[Finding],
    carried: Sequence[Finding],
    unscanned: Sequence[str],
    policy: SecurityPolicy,
    configured: bool,
) -> tuple[SecurityVerdict, str]:
    failed = [scan.after.run for scan in scans if scan.after.run.state is ScannerState.FAILED]
    required = [run for run in failed if run.name not in policy.optional_scanners]
    if blocking:
        first = blocking[0]
        return SecurityVerdict.BLOCK, (
            f"{_count(len(blocking), 'finding')} brought in by the change must not ship, "
            f"first {first.severity.value} {first.where} ({first.message})"
        )
    if not configured:
        return SecurityVerdict.INCONCLUSIVE, "no scanner is configured"
    if required:
        return SecurityVerdict.INCONCLUSIVE, "; ".join(run.problem for run in required)
    notes = []
    if carried:
        notes.append(
            f"{_count(len(carried), 'finding')} that {'does' if len(carried) == 1 else 'do'} not block "
            f"{'is' if len(carried) == 1 else 'are'} carried into the follow-up, first {carried[0].severity.value} "
            f"{carried[0].where}"
        )
    if unscanned:
        names = ", ".join(unscanned[:NAMED]) + (" …" if len(unscanned) > NAMED else "")
        notes.append(f"no scanner understands {names}")
    notes += [f"optional: {run.problem}" for run in failed]
    # All that it found on the change counts as new then, which errs to the safe side.
    unread = [scan.before.run for scan in scans if scan.before and scan.before.run.state is ScannerState.FAILED]
    notes += [f"no baseline, production's version could not be scanned: {run.problem}" for run in unread]
    looked = [scan.after.run.name for scan in scans if scan.after.run.state is ScannerState.RAN]
    scanners_ran = [name for name in looked if name not in {name for name, _ in _RULES}]
    if unscanned and not scanners_ran:
        return SecurityVerdict.INCONCLUSIVE, "; ".join(notes)
    if notes:
        return SecurityVerdict.CAUTION, "; ".join(notes)
    idle = [scan.after.run.name for scan in scans if scan.after.run.state is ScannerState.NOTHING_TO_SCAN]
    rest = f"; nothing to scan for {', '.join(idle)}" if idle else ""
    return SecurityVerdict.CLEAR, f"{_count(len(looked), 'scanner')} found nothing new{rest}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _within_limit(report: SecurityReport) -> SecurityReport:
    """Drop findings from the ends of the lists until the document may travel; the totals and artefacts keep them.

    Room is left for the references to the artefacts.
    """
    while len(report.model_dump_json().encode()) > XCOM_LIMIT_BYTES - 2048:
        longer = "carried" if report.carried else "blocking"
        findings: tuple[Finding, ...] = getattr(report, longer)
        if len(findings) <= 1 and longer == "blocking":
            break
        report = report.model_copy(update={longer: findings[:-1]})
    return report
