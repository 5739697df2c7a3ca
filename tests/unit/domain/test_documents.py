"""Documents cross task boundaries as small plain JSON."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from pydantic import ValidationError

from hotfix.domain.document import XCOM_LIMIT_BYTES, clip
from hotfix.domain.release import Push, Release
from hotfix.domain.stability import Traffic
from tests.support.documents import (
    a_diagnosis,
    a_fix,
    a_push,
    a_security_report,
    a_stability_report,
    a_test_report,
    an_approval,
    an_incident,
)


@pytest.mark.parametrize(
    "document",
    [
        an_incident(), a_diagnosis(), a_fix(), a_test_report(), a_security_report(), an_approval(),
        a_stability_report(),
    ],
    ids=lambda document: type(document).__name__,
)  # fmt: skip
def test_a_document_survives_the_way_through_json(document: Push) -> None:
    plain = json.loads(json.dumps(document.to_xcom()))
    assert type(document).model_validate(plain) == document


def test_a_large_document_is_refused() -> None:
    with pytest.raises(ValueError, match="store it as an artefact"):
        an_incident(description="ä" * XCOM_LIMIT_BYTES).to_xcom()


def test_a_document_is_strict_about_its_keys_and_values() -> None:
    with pytest.raises(ValidationError):
        Push.model_validate({"branch": "b", "commit": "abc", "remote": "r"})
    with pytest.raises(ValidationError):
        Push.model_validate({**a_push().model_dump(), "extra": 1})
    with pytest.raises(ValidationError, match="timezone"):
        Release(version="a" * 40, deployed_at=datetime(2026, 1, 1))  # noqa: DTZ001


def test_no_requests_have_no_error_rate() -> None:
    assert Traffic(requests=0, errors=0, p95_ms=None).error_rate is None
    assert Traffic(requests=4, errors=1, p95_ms=None).error_rate == 0.25


def test_names_that_are_made_from_the_incident() -> None:
    incident = an_incident(attempt=2)
    assert incident.branch == "hotfix/OPS-1"
    assert incident.candidate_ref == "refs/hotfix/OPS-1/candidate-2"
    assert incident.lock_ref == "refs/hotfix-locks/shop"


def test_a_clipped_text_keeps_both_ends() -> None:
    text = f"begin{'x' * 1000}end"
    short = clip(text, 300)
    assert len(short) <= 300
    assert short.startswith("begin")
    assert short.endswith("end")
    assert clip("short", 300) == "short"
