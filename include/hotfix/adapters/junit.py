"""JUnit XML, as untrusted code wrote it, into test cases."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from hotfix.adapters.untrusted_file import UnusableFile, read_untrusted
from hotfix.domain.document import clip
from hotfix.domain.testing import Outcome, TestCase

SIZE_LIMIT = 20 * 1024 * 1024
MESSAGE_LIMIT = 500
_WORST_FIRST = (Outcome.ERROR, Outcome.FAILED, Outcome.SKIPPED, Outcome.PASSED)


class UnusableJunit(ValueError):
    """There is no result that can be trusted; the text says why."""


def read_junit(path: Path) -> tuple[TestCase, ...]:
    """The test cases of a JUnit XML file, one an id, in the order of the file.

    An id is ``path::class::name`` where the file names the test's path, ``classname.name`` elsewhere. A test that is
    reported more than once (its body and its teardown, or a repetition) has the worst of its outcomes.

    Raises:
        UnusableJunit: no such file, not a plain file, over ``SIZE_LIMIT`` bytes, not XML, or without test cases.
    """
    return junit_cases(junit_text(path))


def junit_cases(content: bytes) -> tuple[TestCase, ...]:
    """The test cases of the text of a JUnit XML file; see ``read_junit``."""
    try:
        root: Element = fromstring(content, forbid_dtd=True)
        cases = [_case(element) for element in root.iter("testcase")]
    except (ParseError, DefusedXmlException, ValueError) as error:
        if isinstance(error, UnusableJunit):
            raise
        raise UnusableJunit(f"the JUnit file cannot be read: {error!r:.200}") from None
    if not cases:
        raise UnusableJunit("the JUnit file holds no test case: no test ran")
    worst: dict[str, TestCase] = {}
    for case in cases:
        seen = worst.get(case.id)
        if seen is None or _WORST_FIRST.index(case.outcome) < _WORST_FIRST.index(seen.outcome):
            worst[case.id] = case
    return tuple(worst.values())


def junit_text(path: Path) -> bytes:
    """The content of a plain file of at most ``SIZE_LIMIT`` bytes.

    Raises:
        UnusableJunit: it is none.
    """
    try:
        return read_untrusted(path, SIZE_LIMIT)
    except FileNotFoundError:
        raise UnusableJunit("the tests wrote no JUnit file") from None
    except UnusableFile as error:
        raise UnusableJunit(f"the JUnit file {error}") from None


def _case(element: Element) -> TestCase:
    outcome, message = _outcome(element)
    name = _id(element.get("file"), element.get("classname", ""), element.get("name", ""))
    if not name:
        raise UnusableJunit("the JUnit file holds a test case without a name")
    return TestCase(
        id=name,
        outcome=outcome,
        seconds=_seconds(element.get("time", "")),
        message=clip(message, MESSAGE_LIMIT),
    )


def _id(file: str | None, classname: str, name: str) -> str:
    if not file:
        return ".".join(part for part in (classname, name) if part)
    module = ".".join(PurePosixPath(file).with_suffix("").parts)
    inner = classname.removeprefix(module).strip(".") if classname.startswith(module) else ""
    return "::".join(part for part in (file, *inner.split("."), name) if part)


def _outcome(element: Element) -> tuple[Outcome, str]:
    for tag, outcome in (("error", Outcome.ERROR), ("failure", Outcome.FAILED), ("skipped", Outcome.SKIPPED)):
        found = element.find(tag)
        if found is not None:
            return outcome, found.get("message") or (found.text or "").strip()
    return Outcome.PASSED, ""


def _seconds(text: str) -> float:
    try:
        seconds = float(text.replace(",", ""))
    except ValueError:
        return 0.0
    return seconds if 0 <= seconds < float("inf") else 0.0
