"""``python -m hotfix review-security``, on real repositories with every scanner."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hotfix.cli import main
from tests.support.opengrep import needs_opengrep
from tests.support.osv_server import osv_server

pytestmark = needs_opengrep
SCHEMA = json.loads((Path(__file__).parents[1] / "support/sarif.schema.json").read_text(encoding="utf-8"))
SECRET = "AKIA" + "QYLPMN5HHHFPZAM2"


class Checkout:
    """A user's repository, with files that are not committed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "-q", "-b", "main", ".")
        self.commit({"shop/a.py": "x = 1\n", "README.md": "# Shop\n"})

    def git(self, *arguments: str) -> str:
        options = ("-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false")
        done = subprocess.run(["git", *options, *arguments], cwd=self.folder, check=True, capture_output=True)
        return os.fsdecode(done.stdout).strip()

    def commit(self, files: dict[str, str]) -> None:
        for name, content in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(content)
        self.git("add", "--all")
        self.git("commit", "-qm", "change")

    def state(self) -> dict[str, str]:
        """Every file of it, git's own included, by its checksum."""
        files = (file for file in self.folder.rglob("*") if file.is_file())
        return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "shop with space")


def review(checkout: Checkout, *more: str, base: str = "HEAD~1") -> tuple[int, dict[str, Any], dict[str, Any]]:
    report, sarif = checkout.folder.with_name("report.json"), checkout.folder.with_name("report.sarif")
    place = ("--repo", str(checkout.folder), "--base", base, "--head", "HEAD")
    code = main(["review-security", *place, "--json", str(report), "--sarif", str(sarif), *more])
    return code, json.loads(report.read_text()), json.loads(sarif.read_text())


def test_a_change_that_must_not_ship(checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    flawed = "import os\nfrom flask import request\n\n\ndef f():\n    os.system('ls ' + request.args['x'])\n"
    checkout.commit({"shop/a.py": f"{flawed}KEY = '{SECRET}'\n"})
    (checkout.folder / "not committed").write_text("x")
    before = checkout.state()
    code, report, sarif = review(checkout)
    assert checkout.state() == before, "the user's repository is only read"
    assert (code, report["verdict"]) == (3, "block")
    assert {"bandit", "ruff", "opengrep", "gitleaks", "osv", "removed-protection", "dangerous-changes"} == {
        run["name"] for run in report["scanners"]
    }
    for run in report["scanners"]:
        assert run["version"]
        assert run["state"] in ("ran", "nothing_to_scan"), run
        assert run["seconds"] >= 0
    blocking = [finding for finding in report["findings"] if finding["blocks"]]
    assert {78, 798} <= {finding["cwe"] for finding in blocking}
    assert any(finding["also"] for finding in blocking), "two tools, one finding"
    jsonschema.validate(sarif, SCHEMA)
    assert sum(len(run["results"]) for run in sarif["runs"]) == len(report["findings"])
    output = capsys.readouterr()
    assert SECRET not in json.dumps([report, sarif]) + output.out + output.err
    assert output.out.count("BLOCKS") == len(blocking)
    assert "opengrep" in output.err


def test_prose_is_clear(checkout: Checkout) -> None:
    checkout.commit({"README.md": "# Shop\n\nIt sells.\n"})
    code, report, _ = review(checkout)
    assert (code, report["verdict"], report["findings"]) == (0, "clear", [])


def test_dependencies_without_an_answer_are_inconclusive(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout.commit({"requirements.txt": "flask==3.1\n"})
    with osv_server() as server:
        monkeypatch.setenv("HOTFIX_OSV", server.address)
        code, report, _ = review(checkout)
        assert (code, report["verdict"]) == (0, "clear")
        assert server.queries == [("PyPI", "flask", "3.1")]
    code, report, sarif = review(checkout)
    assert (code, report["verdict"]) == (4, "inconclusive")
    assert "osv" in report["why"]
    jsonschema.validate(sarif, SCHEMA)
    code, report, _ = review(checkout, "--optional", "osv")
    assert (code, report["verdict"]) == (0, "caution")


def test_a_commit_that_no_branch_leads_to(checkout: Checkout) -> None:
    checkout.git("checkout", "-q", "--detach")
    checkout.commit({"README.md": "# A\n"})
    assert review(checkout)[0] == 0


def test_what_cannot_be_done(checkout: Checkout, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["review-security", "--repo", str(checkout.folder), "--base", "HEAD"]
    assert main([*place, "--head", "no-such"]) == 1
    assert "no-such" in capsys.readouterr().err
    assert main(["review-security", "--repo", str(tmp_path / "gone"), "--base", "a", "--head", "b"]) == 1
    assert main([*place, "--head", "HEAD", "--time-limit", "0"]) == 1
    with pytest.raises(SystemExit) as usage:
        main(["review-security", "--repo", "x"])
    assert usage.value.code == 2


def test_from_a_terminal(checkout: Checkout) -> None:
    command = (sys.executable, "-m", "hotfix", "review-security", "--help")
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": "include"}
    )
    assert "4 inconclusive" in done.stdout


def test_a_change_that_tries_to_hide(checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    eval_it = "from flask import request\neval(request.data)  # nosec # noqa # nosem\n"
    (checkout.folder / "link.py").symlink_to("/etc/passwd")
    checkout.commit(
        {
            "shop/with\nbreak and space.py": eval_it,
            ".bandit": "[bandit]\nskips: B307\n",
            "ruff.toml": "exclude = ['shop']\n",
            ".semgrepignore": "*\n",
            ".gitattributes": "* binary\n",
        }
    )
    code, report, sarif = review(checkout)
    assert (code, report["verdict"]) == (3, "block")
    by_rule = {finding["rule"]: finding for finding in report["findings"]}
    assert by_rule["python-injection-code"]["path"] == "shop/with\nbreak and space.py"
    assert {"bandit B307", "ruff S307"} <= set(by_rule["python-injection-code"]["also"])
    assert {"scanner-settings-changed", "suppression-added", "link-leads-out"} <= set(by_rule)
    assert sum(finding["rule"] == "scanner-settings-changed" for finding in report["findings"]) == 4
    assert "link.py" in report["unscanned"]
    jsonschema.validate(sarif, SCHEMA)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(report["findings"]) + 1, "one line a finding, whatever the file is called"


def test_a_name_that_is_not_utf8_is_inconclusive(checkout: Checkout) -> None:
    (checkout.folder / os.fsdecode(b"caf\xe9.py")).write_text("eval(input())\n")
    checkout.commit({})
    code, report, _ = review(checkout)
    assert (code, report["verdict"]) == (4, "inconclusive")
    assert "rename it to plain UTF-8" in report["why"]
