"""A profile whose watch cannot decide says so before the emergency."""

from __future__ import annotations

from typing import Any

from hotfix.domain.service import Monitoring
from hotfix.stability.judge import requests_needed
from hotfix.steps.watch_prospects import probes_of_a_watch, watch_prospects
from hotfix.steps.watch_settings import tolerance_of
from tests.support.documents import a_profile


def settings(**changes: Any) -> Monitoring:
    return a_profile(monitoring={**a_profile().monitoring.model_dump(), **changes}).monitoring


def test_a_watch_that_can_make_its_own_requests_says_nothing() -> None:
    plain = settings(limit=300, window=60, tolerated_error_rate=0.05)
    assert probes_of_a_watch(plain) >= requests_needed(tolerance_of(plain))
    assert watch_prospects(plain) == ()


def test_a_watch_that_needs_customers_says_how_many() -> None:
    strict = settings(limit=300, window=60, tolerated_error_rate=0.001)
    made = probes_of_a_watch(strict)
    (told,) = watch_prospects(strict)
    assert "needs at least 9,204 requests within monitoring.limit (300 s)" in told
    assert f"its probes make {made:,}" in told
    assert f"fewer than {(9204 - made) / 300:.1f} a second it ends inconclusive" in told


def test_a_watch_of_few_samples_says_that_none_may_be_missing() -> None:
    source = {"kind": "prometheus", "url": "http://127.0.0.1:9090", "requests": "r", "errors": "e", "step": 15}
    prometheus = {"sources": (source,), "access_log": None, "window": 60, "tolerated_error_rate": 0.3}
    (told,) = watch_prospects(settings(limit=300, **prometheus))
    assert "20 samples, one every 15 s: if a single one is not measured" in told
    assert "with a monitoring.limit of 360 s" in told
    assert watch_prospects(settings(limit=360, **prometheus)) == ()
