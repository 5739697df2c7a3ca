"""Opengrep with our rules: what it promises beside what every scanner does."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from hotfix.adapters.scanners import OpengrepScanner
from hotfix.domain.security import Confidence, ScannerState, ScanResult, Severity
from tests.support.opengrep import needs_opengrep

pytestmark = needs_opengrep
FLAWED = 'import os\nfrom flask import request\n\n\ndef f():\n    os.system("ls " + request.args["x"])\n'
JAVA = """\
class A {
    void f(HttpServletRequest request, Statement s) throws Exception {
        s.executeQuery("select " + request.getParameter("q"));
    }
}
"""
SECRET = "s7Kq-" + "vN2xWm4Z"

Scan = Callable[..., ScanResult]


@pytest.fixture(scope="module")
def scanner() -> OpengrepScanner:
    return OpengrepScanner()


@pytest.fixture
def scan(scanner: OpengrepScanner, tmp_path: Path) -> Scan:
    def with_files(files: dict[str, str | bytes], *paths: str, using: OpengrepScanner | None = None) -> ScanResult:
        for name, content in files.items():
            file = tmp_path / "tree" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return (using or scanner).scan(tmp_path / "tree", paths or tuple(files), "1" * 40, "2" * 40, 100)

    return with_files


def rules(result: ScanResult) -> dict[str, set[str]]:
    assert result.run.state is ScannerState.RAN, result.run.problem
    found: dict[str, set[str]] = {}
    for finding in result.findings:
        found.setdefault(finding.path, set()).add(finding.rule)
    return found


def test_it_leaves_nothing_behind_while_its_process_lives(
    scan: Scan, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    # Airflow ends a task's process without its exit handlers: what goes only with the process stays for ever.
    using = OpengrepScanner()
    assert rules(scan({"flawed.py": FLAWED}, using=using))
    assert list(place.iterdir()) == []


def test_nothing_in_the_change_silences_it(scan: Scan) -> None:
    silenced = FLAWED.replace('"])', '"])  # nosem # nosemgrep # noopengrep')
    names = [
        "a b.py",
        "größe.py",
        "-x.py",
        "tests.min/a.py",
        "node_modules/a.py",
        "a\nb.py",
        os.fsdecode(b"caf\xe9.py"),
    ]
    result = scan(
        {
            **dict.fromkeys(names, silenced),
            ".semgrepignore": "*\n",
            ".opengrepignore": "*\n",
            ".gitignore": "*\n",
            ".semgrep.yml": "rules: []\n",
        }
    )
    found = rules(result)
    printable = {name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace") for name in names}
    assert {path for path, names in found.items() if "python-injection-command" in names} == printable
    worst = [finding for finding in result.findings if finding.rule == "python-injection-command"]
    assert {(each.severity, each.confidence, each.line, each.cwe) for each in worst} == {
        (Severity.CRITICAL, Confidence.HIGH, 6, 78)
    }
    assert set(result.covered) == printable, "what there are no rules for is not covered"
    assert ScanResult.model_validate_json(result.model_dump_json()) == result


def test_every_language_is_read(scan: Scan) -> None:
    found = rules(
        scan(
            {
                "A.java": JAVA,
                "a.go": 'package a\nfunc f(r *http.Request) { db.Query("a" + r.FormValue("q")) }\n',
                "a.rb": "class C\n  def show\n    system(params[:x])\n  end\nend\n",
                "a.ts": "app.get('/', (req: Request, res) => { db.query(`select ${req.query.q}`) })\n",
                "a.mjs": "app.get('/', (req, res) => { eval(req.body.code) })\n",
                "a.html": "<p>{{ name|safe }}</p>\n",
                "config.yml": f"url: postgresql://shop:{SECRET}@db.shop.net/a\n",
                "tool": "#!/usr/bin/env python3\nfrom flask import request\neval(request.data)\n",
            }
        )
    )
    assert {path: bool(names) for path, names in found.items()} == dict.fromkeys(
        ("A.java", "a.go", "a.rb", "a.ts", "a.mjs", "a.html", "config.yml", "tool"), True
    )


def test_a_secret_is_not_repeated(scan: Scan) -> None:
    result = scan({"a.py": f'DATABASE_PASSWORD = "{SECRET}"\n'})
    assert rules(result) == {"a.py": {"secret-assigned"}}
    assert SECRET not in result.model_dump_json()


def test_what_it_cannot_parse_is_told(scan: Scan) -> None:
    result = scan({"a.js": "function f( {\n"})
    assert rules(result) == {"a.js": {"not-parsed"}}


def test_links_and_binary_files_are_left_alone(scan: Scan, tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_text(FLAWED)
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "link.py").symlink_to(tmp_path / "outside.py")
    assert scan({"a.bin": b"\0\1"}, "link.py", "a.bin", "gone.py").run.state is ScannerState.NOTHING_TO_SCAN


def test_a_rule_that_is_wrong_is_no_clean_scan(scan: Scan, tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    for name in ("text.yaml", "python.yaml"):
        (folder / name).write_text("rules:\n  - id: a\n    languages: [python]\n    pattern: 'x ('\n")
    result = scan({"a.py": FLAWED}, using=OpengrepScanner(rules=folder))
    assert result.run.state is ScannerState.FAILED
