"""What a scanner promises: the change under scan cannot steer it, and a scan that failed is no clean scan."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hotfix.adapters.scanners import BanditScanner, GitleaksScanner, OpengrepScanner, RuffScanner
from hotfix.domain.security import Finding, ScannerState, ScanResult, Severity
from hotfix.ports.scanner import Scanner
from tests.contract.fakes.scanner import FakeScanner
from tests.support.opengrep import needs_opengrep

# Put together here, so that no scanner finds them in this file.
SECRET = "AKIA" + "QYLPMN5HHHFPZAM2"
OTHER_SECRET = "AKIA" + "ZQ3DRSTUVWXY2345"
PASSWORD = "s3cret" + "-of-the-shop"

FLAWED = f"import subprocess\n\n\ndef f(x):\n    subprocess.run(x, shell=True)\n\n\npassword = '{PASSWORD}'\n"


class Service:
    """A git repository with a first commit; ``commit`` makes another one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "-q", "-b", "main", ".")
        self.base = self.commit({"README": "shop\n"})

    def git(self, *arguments: str) -> str:
        options = ("-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false")
        done = subprocess.run(["git", *options, *arguments], cwd=self.folder, check=True, capture_output=True)
        return os.fsdecode(done.stdout).strip()

    def commit(self, files: dict[str, str | bytes]) -> str:
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.git("add", "--all", "--force")
        self.git("commit", "-qm", "change", "--allow-empty")
        return self.git("rev-parse", "HEAD")

    def scan(self, scanner: Scanner, *paths: str, base: str | None = None, time_limit: float = 120) -> ScanResult:
        head = self.git("rev-parse", "HEAD")
        worktree = self.folder.with_name(f"work tree {head[:7]}")
        if not worktree.exists():
            self.git("worktree", "add", "-q", "--detach", str(worktree), head)
        return scanner.scan(worktree, paths, base or self.base, head, time_limit)


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path / "service")


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], tuple[str, ...]]:
    """A scanner that is only a few lines of Python."""

    def make(code: str) -> tuple[str, ...]:
        path = tmp_path / "fake scanner"
        version = "import sys, time, os\nif '--version' in sys.argv: print('fake 1.2'); sys.exit()\n"
        report = "report = os.path.join(os.getcwd(), 'report.json')\n"
        path.write_text(f"{version}{report}{code}\n")
        return (sys.executable, str(path))

    return make


SOURCE_SCANNERS = [BanditScanner, RuffScanner]
ALL_SCANNERS = [BanditScanner, RuffScanner, GitleaksScanner, OpengrepScanner]


def rules(result: ScanResult) -> set[str]:
    assert result.run.state is ScannerState.RAN, result.run.problem
    return {finding.rule for finding in result.findings}


class TestEveryScanner:
    @pytest.mark.parametrize("scanner", [*ALL_SCANNERS[:-1], pytest.param(OpengrepScanner, marks=needs_opengrep)])
    def test_it_names_itself_and_its_version(self, service: Service, scanner: type[BanditScanner]) -> None:
        service.commit({"a.py": "x = 1\n"})
        run = service.scan(scanner(), "a.py").run
        assert run.state is ScannerState.RAN, run.problem
        assert run.name == scanner().name
        assert run.version[0].isdigit()
        assert run.seconds > 0
        assert run.problem == ""

    @pytest.mark.parametrize("scanner", ALL_SCANNERS)
    @pytest.mark.parametrize(
        "code",
        [
            "print('{]')",
            "open(report, 'w').write('{]')",
            "open(report, 'w').write('null')",
            "open(report, 'wb').write(bytes(range(256)))",
            "open(report, 'w').write('[{\"filename\": 1}]')",
            "raise RuntimeError('crash')",
            "sys.exit(9)",
            "os.kill(os.getpid(), 9)",
            "time.sleep(60)",
            "[print('x' * 1000) for _ in range(300_000)]",
        ],
        ids=["no-report", "garbage", "null", "bytes", "shape", "crash", "code", "killed", "hang", "flood"],
    )
    def test_a_scan_that_failed_is_told(
        self,
        service: Service,
        program: Callable[[str], tuple[str, ...]],
        scanner: type[BanditScanner],
        code: str,
    ) -> None:
        service.commit({"a.py": "x = 1\n"})
        result = service.scan(scanner(program(code)), "a.py", time_limit=3)
        assert result.run.state is ScannerState.FAILED
        assert result.run.problem.startswith(scanner().name)
        assert len(result.run.problem) < 2000
        assert result.findings == ()

    @pytest.mark.parametrize("scanner", ALL_SCANNERS)
    def test_a_missing_program_is_told(self, service: Service, scanner: type[BanditScanner]) -> None:
        service.commit({"a.py": "x = 1\n"})
        result = service.scan(scanner(("no-such-scanner",)), "a.py")
        assert result.run.state is ScannerState.FAILED
        assert "no-such-scanner" in result.run.problem

    def test_a_missing_gitleaks_is_told(
        self, service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        git = subprocess.run(["which", "git"], check=True, capture_output=True, text=True).stdout.strip()
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "git").symlink_to(git)
        monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        scanner = GitleaksScanner()
        monkeypatch.undo()
        service.commit({"a.py": "x = 1\n"})
        assert service.scan(scanner).run.state is ScannerState.FAILED

    @pytest.mark.parametrize("scanner", SOURCE_SCANNERS)
    def test_exit_code_and_report_must_agree(
        self, service: Service, program: Callable[[str], tuple[str, ...]], scanner: type[BanditScanner]
    ) -> None:
        service.commit({"a.py": "x = 1\n"})
        clean = json.dumps({"errors": [], "metrics": {"source_00000.py": {}}, "results": []})
        report = clean if scanner is BanditScanner else "[]"
        said_findings = service.scan(scanner(program(f"open(report,'w').write({report!r}); sys.exit(1)")), "a.py")
        said_nothing = service.scan(scanner(program(f"open(report,'w').write({report!r})")), "a.py")
        assert said_nothing.run.state is ScannerState.RAN, said_nothing.run.problem
        assert said_findings.run.state is ScannerState.FAILED
        assert "its report holds 0 findings" in said_findings.run.problem


@pytest.mark.parametrize("scanner", SOURCE_SCANNERS)
class TestSourceScanner:
    def test_a_flaw_is_found_where_it_is(self, service: Service, scanner: type[BanditScanner]) -> None:
        service.commit({"pkg/a.py": FLAWED})
        result = service.scan(scanner(), "pkg/a.py")
        worst = next(finding for finding in result.findings if finding.rule in ("B602", "S602"))
        assert (worst.path, worst.line, worst.severity) == ("pkg/a.py", 5, Severity.CRITICAL)
        assert worst.scanner == scanner().name

    def test_a_password_is_not_repeated(self, service: Service, scanner: type[BanditScanner]) -> None:
        service.commit({"a.py": f"{FLAWED}\ndef g(password='{PASSWORD}'):\n    g(password='{PASSWORD}')\n"})
        result = service.scan(scanner(), "a.py")
        assert {"B105", "B106", "B107"} & rules(result) or {"S105", "S106", "S107"} & rules(result)
        assert PASSWORD not in result.model_dump_json()

    def test_only_the_given_paths_count(self, service: Service, scanner: type[BanditScanner]) -> None:
        service.commit({"a.py": "x = 1\n", "b.py": FLAWED})
        assert service.scan(scanner(), "a.py").findings == ()

    @pytest.mark.parametrize(
        "paths",
        [(), ("README",), ("deleted.py",), ("gone/deleted.py",)],
        ids=["none", "text", "gone", "folder"],
    )
    def test_nothing_to_scan(self, service: Service, scanner: type[BanditScanner], paths: tuple[str, ...]) -> None:
        service.commit({"a.py": FLAWED})
        result = service.scan(scanner(), *paths)
        assert result.run.state is ScannerState.NOTHING_TO_SCAN
        assert result.findings == ()

    def test_the_services_settings_do_not_count(self, service: Service, scanner: type[BanditScanner]) -> None:
        service.commit({"pkg/a.py": FLAWED})
        expected = rules(service.scan(scanner(), "pkg/a.py"))
        skip = "B101,B102,B105,B404,B602,B603,B607"
        service.commit(
            {
                ".bandit": f"[bandit]\nskips: {skip}\nexclude: /pkg\n",
                "pkg/.bandit": f"[bandit]\nskips: {skip}\n",
                "bandit.yaml": f"skips: [{skip}]\n",
                "pyproject.toml": "[tool.bandit]\nskips=['B602']\n[tool.ruff]\nexclude=['pkg']\nlint.ignore=['S']\n",
                "ruff.toml": "exclude = ['pkg']\n[lint]\nignore = ['S']\n",
                "pkg/ruff.toml": "[lint]\nignore = ['S']\n",
                "setup.cfg": "[bandit]\nskips: B602\n",
                ".gitignore": "pkg\n",
            }
        )
        assert expected
        assert rules(service.scan(scanner(), "pkg/a.py")) == expected

    @pytest.mark.parametrize(
        "comment",
        [
            "# nosec",
            "# nosec B602",
            "# noqa",
            "# noqa: S602",
            "# ruff: ignore[S602]",
            "# type: ignore # nosec # noqa",
        ],
    )
    def test_comments_do_not_silence_it(self, service: Service, scanner: type[BanditScanner], comment: str) -> None:
        service.commit({"a.py": FLAWED.replace("shell=True)", f"shell=True)  {comment}")})
        assert rules(service.scan(scanner(), "a.py")) & {"B602", "S602"}

    @pytest.mark.parametrize(
        "comment",
        ["# ruff: noqa", "# flake8: noqa", "# ruff: file-ignore[S]", "# ruff: disable[S602]", "# nosec"],
    )
    def test_comments_at_the_top_do_not_either(
        self, service: Service, scanner: type[BanditScanner], comment: str
    ) -> None:
        service.commit({"a.py": f"{comment}\n{FLAWED}\n{comment.replace('disable', 'enable')}\n"})
        assert rules(service.scan(scanner(), "a.py")) & {"B602", "S602"}

    def test_modules_of_the_service_are_not_imported(self, service: Service, scanner: type[BanditScanner]) -> None:
        trap = "raise SystemExit('hijacked')\n"
        service.commit({"a.py": FLAWED, "bandit.py": trap, "ruff.py": trap, "yaml.py": trap, "sitecustomize.py": trap})
        assert rules(service.scan(scanner(), "a.py")) & {"B602", "S602"}

    @pytest.mark.parametrize(
        "name",
        [
            "with space.py",
            "größe.py",
            "-x.py",
            "x.github.py",
            "my.egg/a.py",
            ".tox/a.py",
            "a;b$(c).py",
            "A.PYW",
            "run",
        ],
    )
    def test_odd_names(self, service: Service, scanner: type[BanditScanner], name: str) -> None:
        service.commit({name: f"#!/usr/bin/env python3\n{FLAWED}"})
        result = service.scan(scanner(), name)
        assert rules(result) & {"B602", "S602"}
        assert {finding.path for finding in result.findings} == {name}

    def test_a_name_that_is_not_utf8(self, service: Service, scanner: type[BanditScanner]) -> None:
        name = os.fsdecode(b"caf\xe9.py")
        service.commit({name: FLAWED})
        result = service.scan(scanner(), name)
        assert rules(result) & {"B602", "S602"}
        assert {finding.path for finding in result.findings} == {r"caf\xe9.py"}
        assert ScanResult.model_validate_json(result.model_dump_json()) == result

    def test_a_damaged_name_is_no_clean_scan(self, service: Service, scanner: type[BanditScanner]) -> None:
        service.commit({os.fsdecode(b"caf\xe9.py"): FLAWED})
        assert service.scan(scanner(), "caf\N{REPLACEMENT CHARACTER}.py").run.state is ScannerState.FAILED

    @pytest.mark.parametrize("content", ["def f(:\n", b"x = 1\x00\n"])
    def test_a_file_that_cannot_be_parsed_is_no_clean_scan(
        self, service: Service, scanner: type[BanditScanner], content: str | bytes
    ) -> None:
        service.commit({"a.py": FLAWED, "broken.py": content})
        result = service.scan(scanner(), "a.py", "broken.py")
        assert result.run.state is ScannerState.FAILED
        assert "broken.py cannot be scanned" in result.run.problem

    def test_links_lead_nowhere(self, service: Service, scanner: type[BanditScanner], tmp_path: Path) -> None:
        (tmp_path / "outside.py").write_text(FLAWED)
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder" / "a.py").write_text(FLAWED)
        (service.folder / "link.py").symlink_to(tmp_path / "outside.py")
        (service.folder / "linked").symlink_to(tmp_path / "folder")
        service.commit({})
        result = service.scan(scanner(), "link.py", "linked/a.py")
        assert result.run.state is ScannerState.NOTHING_TO_SCAN

    def test_asserts_belong_into_tests(self, service: Service, scanner: type[BanditScanner]) -> None:
        names = ("tests/helper.py", "test_a.py", "a_test.py", "conftest.py", "shop.py", "latest/a.py")
        service.commit(dict.fromkeys(names, "assert 1 + 1 == 2\n"))
        result = service.scan(scanner(), *names)
        assert {finding.path for finding in result.findings} == {"shop.py", "latest/a.py"}
        assert {finding.severity for finding in result.findings} == {Severity.LOW}

    def test_a_literal_command_is_a_minor_matter(self, service: Service, scanner: type[BanditScanner]) -> None:
        service.commit({"a.py": "import subprocess\nsubprocess.run('/bin/ls', shell=True)\n"})
        result = service.scan(scanner(), "a.py")
        assert {finding.severity for finding in result.findings} == {Severity.LOW}

    def test_a_finding_that_moved_is_the_same(self, service: Service, scanner: type[BanditScanner]) -> None:
        service.commit({"a.py": FLAWED})
        before = {finding.identity for finding in service.scan(scanner(), "a.py").findings}
        service.commit(
            {
                "a.py": "\n# moved\n\n"
                + FLAWED.replace("    subprocess", "        subprocess", 1).replace(
                    "def f(x):\n", "def f(x):\n    if x:\n"
                )
            }
        )
        after = service.scan(scanner(), "a.py").findings
        assert before
        assert before == {finding.identity for finding in after}

    def test_one_more_copy_is_a_new_finding(self, service: Service, scanner: type[BanditScanner]) -> None:
        service.commit({"a.py": FLAWED})
        before = {finding.identity for finding in service.scan(scanner(), "a.py").findings}
        service.commit({"a.py": FLAWED + "\n\ndef g(x):\n    subprocess.run(x, shell=True)\n"})
        result = service.scan(scanner(), "a.py").findings
        after = {finding.identity for finding in result}
        assert before < after
        assert len(after) == len(result)

    def test_the_same_flaw_elsewhere_is_another(self, service: Service, scanner: type[BanditScanner]) -> None:
        service.commit({"a.py": FLAWED, "b.py": FLAWED})
        result = service.scan(scanner(), "a.py", "b.py").findings
        assert len({finding.identity for finding in result}) == len(result) > 2

    def test_the_newest_grammar_is_no_error(self, service: Service, scanner: type[BanditScanner]) -> None:
        service.commit({"a.py": "match 1:\n    case _:\n        eval(input())\n"})
        assert rules(service.scan(scanner(), "a.py")) & {"B307", "S307"}


class TestSecrets:
    def test_a_secret_is_critical_and_never_repeated(self, service: Service) -> None:
        service.commit({"conf/a.py": f"\n\nkey = '{SECRET}'\n"})
        result = service.scan(GitleaksScanner())
        assert [(finding.path, finding.line, finding.severity) for finding in result.findings] == [
            ("conf/a.py", 3, Severity.CRITICAL)
        ]
        assert SECRET not in result.model_dump_json()
        assert SECRET not in repr(result)

    def test_a_change_without_a_secret(self, service: Service) -> None:
        service.commit({"a.py": "x = 1\n"})
        assert rules(service.scan(GitleaksScanner(), "a.py")) == set()

    def test_a_deletion_is_scanned_too(self, service: Service) -> None:
        service.git("rm", "-q", "README")
        service.commit({})
        assert rules(service.scan(GitleaksScanner())) == set()

    def test_no_commits_are_nothing_to_scan(self, service: Service) -> None:
        assert service.scan(GitleaksScanner(), "README").run.state is ScannerState.NOTHING_TO_SCAN

    def test_what_was_there_before_is_not_the_changes(self, service: Service) -> None:
        base = service.commit({"a.py": f"key = '{SECRET}'\n"})
        service.commit({"b.py": "x = 1\n"})
        assert rules(service.scan(GitleaksScanner(), base=base)) == set()

    def test_what_was_taken_out_again_counts(self, service: Service) -> None:
        service.commit({"a.py": f"key = '{SECRET}'\n"})
        service.commit({"a.py": "key = ''\n"})
        assert len(service.scan(GitleaksScanner()).findings) == 1

    @pytest.mark.parametrize(
        "files",
        [
            {".gitleaks.toml": "[allowlist]\npaths = ['''.*''']\n"},
            {".gitattributes": "* -diff\n"},
            {".gitattributes": "* binary\n"},
            {"a.py": f"key = '{SECRET}'  # gitleaks:allow\n"},
            {"a.py": f"key = '{SECRET}'\n\0\n"},
        ],
        ids=["settings", "no-diff", "binary", "comment", "nul"],
    )
    def test_the_change_cannot_hide_it(self, service: Service, files: dict[str, str | bytes]) -> None:
        service.commit({"a.py": f"key = '{SECRET}'\n", **files})
        assert len(rules(service.scan(GitleaksScanner()))) == 1

    def test_an_ignore_list_does_not_hide_it(self, service: Service) -> None:
        head = service.commit({"a.py": f"key = '{SECRET}'\n"})
        rule = rules(service.scan(GitleaksScanner())).pop()
        service.commit({".gitleaksignore": f"{head}:a.py:{rule}:1\na.py:{rule}:1\n"})
        assert rules(service.scan(GitleaksScanner())) == {rule}

    def test_a_merge_does_not_hide_it(self, service: Service) -> None:
        service.git("checkout", "-q", "-b", "side")
        service.commit({"b.py": "x = 1\n"})
        service.git("checkout", "-q", "main")
        service.commit({"c.py": "x = 1\n"})
        service.git("merge", "-q", "--no-commit", "--no-ff", "side")
        service.commit({"a.py": f"key = '{SECRET}'\n"})
        assert len(service.scan(GitleaksScanner()).findings) == 1

    def test_settings_of_the_machine_do_not_hide_it(self, service: Service) -> None:
        service.commit({"a.py": f"key = '{SECRET}'\n"})
        for name, value in (
            ("diff.noprefix", "true"),
            ("color.ui", "always"),
            ("diff.mnemonicPrefix", "true"),
        ):
            service.git("config", name, value)
        assert len(service.scan(GitleaksScanner()).findings) == 1

    @pytest.mark.parametrize("name", ["with space.py", "größe.py", 'quo"te.py', os.fsdecode(b"caf\xe9.py")])
    def test_odd_names(self, service: Service, name: str) -> None:
        service.commit({name: f"key = '{SECRET}'\n"})
        result = service.scan(GitleaksScanner())
        assert len(result.findings) == 1
        assert ScanResult.model_validate_json(result.model_dump_json()) == result

    def test_an_unknown_base_is_no_clean_scan(self, service: Service) -> None:
        service.commit({"a.py": f"key = '{SECRET}'\n"})
        result = service.scan(GitleaksScanner(), base="1" * 40)
        assert result.run.state is ScannerState.FAILED
        assert result.run.problem

    def test_a_folder_without_git_is_no_clean_scan(self, tmp_path: Path) -> None:
        result = GitleaksScanner().scan(tmp_path, (), "1" * 40, "2" * 40, 60)
        assert result.run.state is ScannerState.FAILED

    def test_two_secrets_are_two_findings(self, service: Service) -> None:
        service.commit({"a.py": f"one = '{SECRET}'\ntwo = '{OTHER_SECRET}'\n"})
        found = service.scan(GitleaksScanner()).findings
        assert len({finding.identity for finding in found}) == 2

    def test_the_identity_does_not_depend_on_the_commit(self, service: Service) -> None:
        service.commit({"a.py": f"key = '{SECRET}'\n"})
        first = service.scan(GitleaksScanner()).findings
        service.git("reset", "-q", "--hard", service.base)
        service.commit({"a.py": f"\n\n  key = '{SECRET}'\n"})
        second = service.scan(GitleaksScanner()).findings
        assert [finding.identity for finding in first] == [finding.identity for finding in second]
        assert len(first) == 1


class TestFake:
    FINDING = Finding(identity="i", scanner="fake", rule="R", severity=Severity.HIGH, path="a.py", line=1, message="m")

    def test_it_keeps_the_promises(self, service: Service) -> None:
        head = service.commit({"a.py": FLAWED, "b.py": ""})
        scanner = FakeScanner({head: (self.FINDING,)})
        assert service.scan(scanner, "a.py").findings == (self.FINDING,)
        assert rules(service.scan(scanner, "b.py")) == set()
        assert service.scan(scanner).run.state is ScannerState.NOTHING_TO_SCAN
        unscripted = service.scan(FakeScanner({}), "a.py")
        assert unscripted.run.state is ScannerState.FAILED
        assert unscripted.run.problem


def test_bandit_does_not_guess_an_unknown_encoding(service: Service) -> None:
    """Ruff reads every file as UTF-8, and finds what is in it."""
    service.commit({"broken.py": "# coding: no-such\nx = 1\n"})
    assert service.scan(BanditScanner(), "broken.py").run.state is ScannerState.FAILED
