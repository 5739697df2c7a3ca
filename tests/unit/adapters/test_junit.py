"""What untrusted code calls its result."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hotfix.adapters import junit
from hotfix.adapters.junit import UnusableJunit, read_junit
from hotfix.domain.testing import Outcome


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "junit.xml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def suite(*cases: str) -> str:
    return f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>"


def test_outcomes_seconds_and_messages(tmp_path: Path) -> None:
    cases = read_junit(
        write(
            tmp_path,
            suite(
                '<testcase classname="tests.test_a" name="test_ok" time="0.25"/>',
                '<testcase classname="tests.test_a" name="test_no"><failure message="assert 1 == 2"/></testcase>',
                '<testcase classname="tests.test_a" name="test_err"><error>boom</error></testcase>',
                '<testcase classname="tests.test_a" name="test_skip"><skipped message="later"/></testcase>',
            ),
        )
    )
    assert [(case.id, case.outcome, case.message) for case in cases] == [
        ("tests.test_a.test_ok", Outcome.PASSED, ""),
        ("tests.test_a.test_no", Outcome.FAILED, "assert 1 == 2"),
        ("tests.test_a.test_err", Outcome.ERROR, "boom"),
        ("tests.test_a.test_skip", Outcome.SKIPPED, "later"),
    ]
    assert cases[0].seconds == 0.25


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ('file="tests/test_a.py" classname="tests.test_a" name="test_x[1]"', "tests/test_a.py::test_x[1]"),
        (
            'file="tests/test_a.py" classname="tests.test_a.TestB" name="test_x"',
            "tests/test_a.py::TestB::test_x",
        ),
        ('file="tests/test_a.py" classname="" name="test_x"', "tests/test_a.py::test_x"),
        ('classname="" name="tests.test_a"', "tests.test_a"),
    ],
)
def test_ids(tmp_path: Path, attributes: str, expected: str) -> None:
    assert read_junit(write(tmp_path, suite(f"<testcase {attributes}/>")))[0].id == expected


def test_the_worst_outcome_of_one_test_counts(tmp_path: Path) -> None:
    passed, failed = '<testcase name="t"/>', '<testcase name="t"><error message="teardown"/></testcase>'
    for order in ((passed, failed), (failed, passed)):
        cases = read_junit(write(tmp_path, suite(*order)))
        assert [(case.id, case.outcome) for case in cases] == [("t", Outcome.ERROR)]


def test_a_long_message_is_clipped(tmp_path: Path) -> None:
    case = read_junit(write(tmp_path, suite(f'<testcase name="t"><failure message="{"x" * 9000}"/></testcase>')))[0]
    assert 0 < len(case.message) <= junit.MESSAGE_LIMIT


@pytest.mark.parametrize("seconds", ["", "fast", "nan", "-1", "inf"])
def test_a_wrong_time_is_zero(tmp_path: Path, seconds: str) -> None:
    assert read_junit(write(tmp_path, suite(f'<testcase name="t" time="{seconds}"/>')))[0].seconds == 0


BOMB = '<!DOCTYPE b [<!ENTITY a "aaaa"><!ENTITY c "&a;&a;&a;">]><testsuite><testcase name="&c;"/></testsuite>'
OUTSIDE = '<!DOCTYPE b [<!ENTITY a SYSTEM "file:///etc/passwd">]><testsuite><testcase name="&a;"/></testsuite>'


@pytest.mark.parametrize(
    "content",
    [
        "",
        "not xml",
        "<testsuite>",
        suite(),
        suite("<testcase/>"),
        BOMB,
        OUTSIDE,
        b"\xff\xfe\x00",
        b"\x00" * 100,
    ],
    ids=["empty", "text", "cut", "no-cases", "no-name", "bomb", "outside", "bytes", "nul"],
)
def test_what_cannot_be_trusted_is_refused(tmp_path: Path, content: str | bytes) -> None:
    with pytest.raises(UnusableJunit):
        read_junit(write(tmp_path, content))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableJunit, match="wrote no JUnit"):
        read_junit(tmp_path / "junit.xml")


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "junit.xml").open("wb") as file:
        file.truncate(junit.SIZE_LIMIT + 1)
    with pytest.raises(UnusableJunit, match="larger than 20 MB"):
        read_junit(tmp_path / "junit.xml")


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    real = write(tmp_path, suite('<testcase name="t"/>'))
    (tmp_path / "link.xml").symlink_to(real)
    with pytest.raises(UnusableJunit):
        read_junit(tmp_path / "link.xml")


def test_a_pipe_or_a_folder_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.xml")
    (tmp_path / "folder.xml").mkdir()
    for name in ("pipe.xml", "folder.xml"):
        with pytest.raises(UnusableJunit):
            read_junit(tmp_path / name)
