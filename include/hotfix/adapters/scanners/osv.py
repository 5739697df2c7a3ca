"""Known vulnerabilities of the dependencies that a change adds or moves, from OSV (https://google.github.io/osv.dev/api)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hotfix.adapters.git.command import git
from hotfix.adapters.scanners.manifests import Dependency, UnreadableManifest, dependencies, is_manifest
from hotfix.adapters.scanners.staging import printable
from hotfix.adapters.scanners.workplace import NothingToScan, ScanFailed, Workplace, conduct
from hotfix.domain.document import Sha
from hotfix.domain.errors import GitFailed
from hotfix.domain.security import Confidence, Finding, FindingMaker, ScanResult, Severity

# The API's own limit of a batch.
_BATCH = 1000
_MAX_DETAILS = 200
_ANSWER_LIMIT = 20 * 1024 * 1024
_WORDS = {
    "CRITICAL": Severity.CRITICAL,
    "HIGH": Severity.HIGH,
    "MODERATE": Severity.MEDIUM,
    "MEDIUM": Severity.MEDIUM,
    "LOW": Severity.LOW,
}
_MALICIOUS = "MAL-"

T = TypeVar("T", bound=BaseModel)


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Reference(_Answer):
    id: str = Field(min_length=1, max_length=100)


class _Hits(_Answer):
    vulns: list[_Reference] = Field(default_factory=list)
    next_page_token: str = ""


class _BatchAnswer(_Answer):
    results: list[_Hits]


class _Vulnerability(_Answer):
    id: str
    summary: str = ""
    aliases: list[str] = Field(default_factory=list)
    withdrawn: str = ""
    database_specific: dict[str, Any] = Field(default_factory=dict)

    @property
    def severity(self) -> Severity:
        """As its database puts it in a word; HIGH where it says nothing, MAL-… is always critical."""
        if self.id.startswith(_MALICIOUS):
            return Severity.CRITICAL
        return _WORDS.get(str(self.database_specific.get("severity", "")).upper(), Severity.HIGH)


class OsvScanner:
    """Implements ``ports.scanner.Scanner``; ``address`` is where OSV's API answers.

    Only names and versions of dependencies leave this machine. When OSV does not answer, the scan has failed: nobody
    knows whether the dependencies are clean.
    """

    name = "osv"

    def __init__(self, address: str) -> None:
        self._address = address.rstrip("/")

    def scan(self, checkout: Path, paths: tuple[str, ...], base: Sha, head: Sha, time_limit: float) -> ScanResult:
        """Vulnerabilities of what the manifests among ``paths`` ask for at ``head`` and did not at ``base``."""
        deadline = time.monotonic() + time_limit
        return conduct(self.name, time_limit, lambda place: self._scan(place, checkout, paths, base, head, deadline))

    def _scan(
        self, place: Workplace, checkout: Path, paths: tuple[str, ...], base: Sha, head: Sha, deadline: float
    ) -> tuple[Finding, ...]:
        place.version = "v1"
        manifests = sorted(path for path in paths if is_manifest(path))
        if not manifests or base == head:
            raise NothingToScan
        added = {path: sorted(_at(checkout, head, path) - _at(checkout, base, path)) for path in manifests}
        place.covered = tuple(printable(path) for path in manifests)
        exact = sorted({each for found in added.values() for each in found if each.version})
        known = self._ask(exact, deadline) if exact else {}
        return tuple(self._findings(checkout, added, known))

    def _findings(
        self,
        checkout: Path,
        added: Mapping[str, Sequence[Dependency]],
        known: Mapping[Dependency, Sequence[_Vulnerability]],
    ) -> Iterator[Finding]:
        maker = FindingMaker(self.name)
        for path, found in added.items():
            for each in found:
                line = _line_of(checkout / path, each.name)
                if not each.version:
                    yield maker.make(
                        "not-pinned",
                        printable(path),
                        line,
                        each.name,
                        f"{each.name} has no exact version: it was not looked up",
                        Severity.LOW,
                        Confidence.HIGH,
                        1357,
                    )
                for vulnerability in known.get(each, ()):
                    names = ", ".join(vulnerability.aliases[:3])
                    yield maker.make(
                        vulnerability.id,
                        printable(path),
                        line,
                        f"{each.name} {each.version}",
                        f"{each.name} {each.version}: {vulnerability.summary[:200] or 'vulnerable'} ({names or 'OSV'})",
                        vulnerability.severity,
                        Confidence.HIGH,
                        1395,
                    )

    def _ask(self, wanted: Sequence[Dependency], deadline: float) -> dict[Dependency, list[_Vulnerability]]:
        references: dict[Dependency, set[str]] = {}
        try:
            # A redirect could lead the questions elsewhere than the address says.
            with httpx.Client(follow_redirects=False) as client:
                for start in range(0, len(wanted), _BATCH):
                    self._ask_batch(client, wanted[start : start + _BATCH], references, deadline)
                names = sorted({name for ids in references.values() for name in ids})
                if len(names) > _MAX_DETAILS:
                    raise ScanFailed(f"{len(names)} vulnerabilities: look at the dependencies by hand")
                details = {name: self._detail(client, name, deadline) for name in names}
        except httpx.HTTPError as error:
            raise ScanFailed(f"{self._address} does not answer ({type(error).__name__})") from None
        return {
            each: [details[name] for name in sorted(ids) if not details[name].withdrawn]
            for each, ids in references.items()
        }

    def _ask_batch(
        self,
        client: httpx.Client,
        wanted: Sequence[Dependency],
        references: dict[Dependency, set[str]],
        deadline: float,
    ) -> None:
        """Ask for a batch, and again for those answers that have a further page."""
        pending = [(each, "") for each in wanted]
        while pending:
            queries = [
                {
                    "package": {"ecosystem": each.ecosystem, "name": each.name},
                    "version": each.version,
                    **({"page_token": token} if token else {}),
                }
                for each, token in pending
            ]
            request = client.build_request("POST", f"{self._address}/v1/querybatch", json={"queries": queries})
            answer = _answer(client, request, _BatchAnswer, deadline)
            if len(answer.results) != len(pending):
                raise ScanFailed(f"{len(pending)} dependencies were asked for, {len(answer.results)} answered")
            following = []
            for (each, token), hits in zip(pending, answer.results, strict=True):
                references.setdefault(each, set()).update(hit.id for hit in hits.vulns)
                if hits.next_page_token and hits.next_page_token != token:
                    following.append((each, hits.next_page_token))
            pending = following

    def _detail(self, client: httpx.Client, name: str, deadline: float) -> _Vulnerability:
        request = client.build_request("GET", f"{self._address}/v1/vulns/{name}")
        return _answer(client, request, _Vulnerability, deadline)


def _answer(client: httpx.Client, request: httpx.Request, shape: type[T], deadline: float) -> T:
    left = deadline - time.monotonic()
    if left <= 0:
        raise ScanFailed("OSV did not answer in time")
    request.extensions["timeout"] = httpx.Timeout(min(left, 20)).as_dict()
    response = client.send(request, stream=True)
    try:
        content = bytearray()
        for chunk in response.iter_bytes():
            content += chunk
            # A time limit a read lets an answer that drips go on for ever.
            if len(content) > _ANSWER_LIMIT or time.monotonic() > deadline:
                raise ScanFailed("OSV's answer is too long or too slow")
    finally:
        response.close()
    if response.status_code != 200:
        raise ScanFailed(f"OSV answered {response.status_code}")
    try:
        return shape.model_validate_json(bytes(content))
    except ValidationError:
        raise ScanFailed("OSV's answer cannot be read") from None


def _at(checkout: Path, sha: Sha, path: str) -> frozenset[Dependency]:
    try:
        text = git(["cat-file", "blob", f"{sha}:{path}"], cwd=checkout).decode("utf-8", "replace")
    except GitFailed:
        # It is not there, or a link to another place was read as nothing: then everything in the other one counts.
        return frozenset()
    try:
        return dependencies(path, text)
    except UnreadableManifest as error:
        raise ScanFailed(str(error)) from None


def _line_of(manifest: Path, name: str) -> int:
    """Where a manifest names a package first; 1 where it is written in another way."""
    wanted = name.lower().replace("_", "-")
    try:
        lines = manifest.read_text(encoding="utf-8", errors="replace").lower().replace("_", "-").split("\n")
    except OSError:
        return 1
    return next((number for number, line in enumerate(lines, start=1) if wanted in line), 1)
