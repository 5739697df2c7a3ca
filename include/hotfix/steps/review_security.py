"""What the change brings in that scanners object to, against production's version as the baseline."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from hotfix.domain.fix import Fix
from hotfix.domain.security import (
    Finding,
    ScannerState,
    ScanResult,
    SecurityReport,
    SecurityVerdict,
    Severity,
)
from hotfix.ports.artefacts import ArtefactStore
from hotfix.ports.repository import Repository
from hotfix.ports.scanner import Scanner

LISTED = 20


def review_security(
    fix: Fix,
    *,
    repository: Repository,
    scanners: Sequence[Scanner],
    artefacts: ArtefactStore,
    progress: Callable[[str], None],
) -> SecurityReport:
    """Critical new findings block; the rest is carried into the follow-up. A scanner that failed blocks too."""
    repository.fetch()
    paths = tuple(change.path for change in fix.changes)
    with repository.checkout(fix.commit) as head, repository.checkout(fix.base) as base:
        present = tuple(path for path in paths if (head / path).is_file() and not (head / path).is_symlink())
        before = tuple(path for path in paths if (base / path).is_file() and not (base / path).is_symlink())
        with ThreadPoolExecutor(max_workers=len(scanners) or 1) as pool:
            on_fix = [pool.submit(scanner.scan, head, present, fix.base, fix.commit) for scanner in scanners]
            results = [future.result() for future in on_fix]
            on_base = [pool.submit(scanner.scan, base, before, fix.base, fix.base) for scanner in scanners]
            baseline = [future.result() for future in on_base]
    for result in results:
        progress(f"{result.run.name} {result.run.version}: {result.run.state.value}, {len(result.findings)} findings")
    return _report(results, baseline, artefacts)


def _report(results: Sequence[ScanResult], baseline: Sequence[ScanResult], artefacts: ArtefactStore) -> SecurityReport:
    known = {finding.identity for result in baseline for finding in result.findings}
    found = {finding.identity: finding for result in results for finding in result.findings}
    # The worst first: the lists that travel are cut, and a serious finding must not be what is cut off.
    ranks = list(Severity)
    unknown = (finding for identity, finding in found.items() if identity not in known)
    new = sorted(unknown, key=lambda finding: ranks.index(finding.severity))
    blocking = tuple(finding for finding in new if finding.severity is Severity.CRITICAL)
    carried = tuple(finding for finding in new if finding.severity is not Severity.CRITICAL)
    runs = tuple(result.run for result in results)
    failed = [run for result in (*results, *baseline) if (run := result.run).state is ScannerState.FAILED]
    verdict, why = _verdict(blocking, carried, [f"{run.name}: {run.problem}" for run in failed], len(runs))
    return SecurityReport(
        verdict=verdict,
        why=why,
        scanners=runs,
        blocking=blocking[:LISTED],
        carried=carried[:LISTED],
        pre_existing=len(found.keys() & known),
        fixed=len(known - found.keys()),
        report=artefacts.put(
            "security.json",
            json.dumps({"new": [finding.model_dump(mode="json") for finding in new], "known": sorted(known)}, indent=1),
        ),
    )


def _verdict(
    blocking: Sequence[Finding], carried: Sequence[Finding], failed: Sequence[str], scanners: int
) -> tuple[SecurityVerdict, str]:
    if blocking:
        first = blocking[0]
        where = f"{first.rule} in {first.path}:{first.line} ({first.message})"
        return SecurityVerdict.BLOCK, f"{len(blocking)} critical findings brought in by the change, first {where}"
    if failed or not scanners:
        return SecurityVerdict.INCONCLUSIVE, "; ".join(failed) or "no scanner is configured"
    if carried:
        return SecurityVerdict.CAUTION, f"{len(carried)} findings that do not block are carried into the follow-up"
    return SecurityVerdict.CLEAR, f"{scanners} scanners found nothing new"
