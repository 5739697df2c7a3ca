"""Dependencies are looked up over HTTP; a source that does not answer leaves nothing clean."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hotfix.adapters.git import GitRepository
from hotfix.adapters.scanners import OsvScanner
from hotfix.domain.security import ScannerState, ScanResult, Severity
from tests.support.git_history import Content, GitHistory
from tests.support.osv_server import OsvServer, osv_server


@pytest.fixture
def osv() -> Iterator[OsvServer]:
    with osv_server() as server:
        server.vulnerabilities[("PyPI", "flask", "0.5")] = ["GHSA-1", "PYSEC-2"]
        server.details["GHSA-1"] = {
            "summary": "It can be stopped",
            "aliases": ["CVE-2018-1"],
            "database_specific": {"severity": "HIGH"},
        }
        server.details["PYSEC-2"] = {"withdrawn": "2020-01-01T00:00:00Z"}
        yield server


class Service:
    def __init__(self, folder: Path, files: dict[str, Content]) -> None:
        self.history = GitHistory(folder / "remote.git")
        self.repository = GitRepository(folder / "mirrors", self.history.url)
        self.base = self.history.commit("One", {"README": "x\n", **files})

    def scan(self, scanner: OsvScanner, files: dict[str, Content], time_limit: float = 60) -> ScanResult:
        head = self.history.commit("Two", {"other": "y\n", **files})
        self.repository.fetch()
        with self.repository.checkout(head) as checkout:
            return scanner.scan(checkout, tuple(str(path) for path in files), self.base, head, time_limit)


def test_a_new_pin_with_a_known_vulnerability(osv: OsvServer, tmp_path: Path) -> None:
    service = Service(tmp_path, {"requirements.txt": "rich==1.0\nflask==3.0\n"})
    result = service.scan(OsvScanner(osv.address), {"requirements.txt": "rich==1.0\n# web\nflask==0.5\n"})
    assert result.run.state is ScannerState.RAN, result.run.problem
    (finding,) = result.findings
    assert (finding.rule, finding.path, finding.line, finding.severity) == (
        "GHSA-1",
        "requirements.txt",
        3,
        Severity.HIGH,
    )
    assert "flask 0.5" in finding.message
    assert "CVE-2018-1" in finding.message
    assert osv.queries == [("PyPI", "flask", "0.5")], "what did not change is not asked for"
    assert result.covered == ("requirements.txt",)


def test_a_clean_pin(osv: OsvServer, tmp_path: Path) -> None:
    result = Service(tmp_path, {}).scan(OsvScanner(osv.address), {"requirements.txt": "flask==3.1\n"})
    assert (result.run.state, result.findings) == (ScannerState.RAN, ())
    assert osv.queries == [("PyPI", "flask", "3.1")]


def test_what_has_no_version_was_not_looked_up(osv: OsvServer, tmp_path: Path) -> None:
    result = Service(tmp_path, {}).scan(OsvScanner(osv.address), {"requirements.txt": "flask>=3\n"})
    assert [finding.rule for finding in result.findings] == ["not-pinned"]


def test_malicious_packages_are_critical(osv: OsvServer, tmp_path: Path) -> None:
    osv.vulnerabilities[("npm", "x", "1.0.0")] = ["MAL-2024-1"]
    result = Service(tmp_path, {}).scan(OsvScanner(osv.address), {"package.json": '{"dependencies": {"x": "1.0.0"}}'})
    assert [finding.severity for finding in result.findings] == [Severity.CRITICAL]


def test_every_page_is_read(osv: OsvServer, tmp_path: Path) -> None:
    osv.page = 2
    osv.vulnerabilities[("PyPI", "a", "1")] = [f"GHSA-{number}" for number in range(5)]
    result = Service(tmp_path, {}).scan(OsvScanner(osv.address), {"requirements.txt": "a==1\n"})
    assert len(result.findings) == 5


@pytest.mark.parametrize("broken", ["error", "redirect", "garbage", "short", "hangs"])
def test_an_answer_that_is_none_is_no_clean_scan(osv: OsvServer, tmp_path: Path, broken: str) -> None:
    osv.broken = broken
    result = Service(tmp_path, {}).scan(OsvScanner(osv.address), {"requirements.txt": "flask==3.1\n"}, time_limit=2)
    assert result.run.state is ScannerState.FAILED
    assert result.run.problem.startswith("osv: ")


def test_a_source_that_is_not_there_is_no_clean_scan(tmp_path: Path) -> None:
    with osv_server() as gone:
        address = gone.address
    result = Service(tmp_path, {}).scan(OsvScanner(address), {"requirements.txt": "flask==3.1\n"})
    assert result.run.state is ScannerState.FAILED
    assert "does not answer" in result.run.problem


def test_an_unreadable_manifest_is_no_clean_scan(osv: OsvServer, tmp_path: Path) -> None:
    result = Service(tmp_path, {}).scan(OsvScanner(osv.address), {"package-lock.json": "{"})
    assert result.run.state is ScannerState.FAILED
    assert "package-lock.json cannot be read" in result.run.problem


def test_without_a_manifest_nobody_is_asked(osv: OsvServer, tmp_path: Path) -> None:
    result = Service(tmp_path, {}).scan(OsvScanner(osv.address), {"a.py": "x = 1\n"})
    assert result.run.state is ScannerState.NOTHING_TO_SCAN
    assert osv.queries == []
