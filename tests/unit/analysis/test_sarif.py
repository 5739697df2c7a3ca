"""The findings as SARIF keep to the parts of the specification that we use."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema

from hotfix.analysis.finding_lists import compare
from hotfix.analysis.sarif import to_sarif
from hotfix.domain.security import Confidence, Finding, FindingMaker, ScannerRun, ScannerState, Severity

SCHEMA = json.loads((Path(__file__).parents[2] / "support/sarif.schema.json").read_text(encoding="utf-8"))


def a_run(name: str, state: ScannerState = ScannerState.RAN, problem: str = "") -> ScannerRun:
    return ScannerRun(name=name, version="1.0", state=state, seconds=1, problem=problem)


def made(path: str, content: str, rule: str = "B602", scanner: str = "bandit") -> Finding:
    maker = FindingMaker(scanner)
    return maker.make(rule, path, 0, content, "message", Severity.HIGH, Confidence.HIGH, 78)


def test_it_keeps_to_the_specification() -> None:
    odd = "größe mit leer\nzeile\udce9#1.py"
    old, gone, new = made("a.py", "old"), made("a.py", "gone"), made(odd, "new")
    comparison = compare([old, gone], [old, new, made("b.py", "x", "S602", "ruff")])
    runs = (a_run("bandit"), a_run("ruff"), a_run("osv", ScannerState.FAILED, "osv: it does not answer"))
    document = json.loads(json.dumps(to_sarif(comparison, runs, frozenset({new.identity}))))
    jsonschema.validate(document, SCHEMA)
    bandit, ruff, osv = document["runs"]
    assert [result["baselineState"] for result in bandit["results"]] == ["new", "unchanged", "absent"]
    assert [result["properties"]["blocks"] for result in bandit["results"]] == [True, False, False]
    for run in (bandit, ruff):
        for result in run["results"]:
            assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    assert osv["invocations"][0]["executionSuccessful"] is False
    assert osv["results"] == []
    assert bandit["results"][0]["partialFingerprints"]["hotfixIdentity/v1"] == new.identity


def test_without_findings_it_is_valid_too() -> None:
    jsonschema.validate(to_sarif(compare([], []), (a_run("bandit"),), frozenset()), SCHEMA)
