"""Findings keep their identity when code moves; two tools that say the same are one finding."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hotfix.analysis.finding_lists import compare, merged
from hotfix.domain.security import Confidence, Finding, Severity


def a(identity: str, **changes: object) -> Finding:
    values: dict[str, object] = {
        "identity": identity,
        "scanner": "bandit",
        "rule": "B602",
        "severity": Severity.HIGH,
        "path": "a.py",
        "line": 1,
        "message": "m",
        "cwe": 78,
        **changes,
    }
    return Finding.model_validate(values)


def test_the_same_line_and_weakness_is_one_finding_that_names_both() -> None:
    worse = a("2", scanner="ruff", rule="S602", severity=Severity.CRITICAL, confidence=Confidence.LOW)
    (one,) = merged([a("1", confidence=Confidence.HIGH), worse])
    assert (one.identity, one.severity, one.confidence) == ("2", Severity.CRITICAL, Confidence.HIGH)
    assert one.also == ("bandit B602",)
    assert "ruff S602, bandit B602, CWE-78" in one.summary


def test_other_lines_files_and_weaknesses_stay_apart() -> None:
    apart = [a("1"), a("2", line=2), a("3", path="b.py"), a("4", cwe=89), a("5", cwe=0), a("6", cwe=0)]
    assert len(merged(apart)) == len(apart)


def test_new_pre_existing_and_fixed() -> None:
    result = compare([a("old"), a("gone", line=9)], [a("old", line=5), a("new", line=7)])
    assert [finding.identity for finding in result.new] == ["new"]
    assert [finding.identity for finding in result.pre_existing] == ["old"]
    assert [finding.identity for finding in result.fixed] == ["gone"]


def test_a_moved_file_takes_each_finding_along_once() -> None:
    before = [a("1", content="c")]
    after = [a("2", path="b.py", content="c"), a("3", path="b.py", content="c", line=2)]
    result = compare(before, after, frozenset({"a.py"}))
    assert (len(result.new), len(result.pre_existing)) == (1, 1)
    assert len(compare(before, after).new) == 2, "the old file is still there"


def test_a_summary_is_one_line_whatever_the_file_is_called() -> None:
    assert "\n" not in a("1", path="a\nb.py").summary
    assert "\x1b" not in a("1", path="a\x1b[2Jb.py").where


findings = st.lists(
    st.builds(
        a,
        st.uuids().map(str),
        line=st.integers(1, 3),
        cwe=st.sampled_from([0, 78, 89]),
        severity=st.sampled_from(list(Severity)),
        confidence=st.sampled_from(list(Confidence)),
    ),
    max_size=12,
)


@given(findings)
def test_nothing_serious_is_lost_by_merging(found: list[Finding]) -> None:
    one = merged(found)
    assert {(each.line, each.cwe) for each in one} == {(each.line, each.cwe) for each in found}
    assert min((each.severity.rank for each in found), default=0) == min(
        (each.severity.rank for each in one), default=0
    )
    assert [each.severity.rank for each in one] == sorted(each.severity.rank for each in one)


@given(findings, findings)
def test_a_finding_is_new_or_was_there(before: list[Finding], after: list[Finding]) -> None:
    result = compare(before, [*before, *after])
    assert result.fixed == ()
    assert {each.identity for each in result.new} <= {each.identity for each in after}
