"""An emergency is stated by the reporter or seen on the running service."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from hotfix.domain.assessment import Assessment, Decision
from hotfix.domain.errors import HotfixError
from hotfix.domain.incident import Criterion
from hotfix.domain.stability import Sample
from hotfix.steps.assess_impact import assess_impact
from tests.contract.fakes.clock import FakeClock
from tests.contract.fakes.monitoring import FakeMonitoring
from tests.support.documents import a_profile, an_incident

QUIET = an_incident(criteria=())


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def monitoring(clock: FakeClock) -> FakeMonitoring:
    return FakeMonitoring(clock)


def met(assessment: Assessment) -> set[Criterion]:
    assert {finding.criterion for finding in assessment.findings} == set(Criterion)
    assert all(finding.reasons for finding in assessment.findings)
    return {finding.criterion for finding in assessment.findings if finding.met}


@pytest.mark.parametrize("criterion", list(Criterion))
def test_each_stated_criterion_suffices(clock: FakeClock, monitoring: FakeMonitoring, criterion: Criterion) -> None:
    assessment = assess_impact(an_incident(criteria=(criterion,)), a_profile(), monitoring, clock)
    assert (assessment.decision, met(assessment)) == (Decision.EMERGENCY, {criterion})
    assert "stated by ada" in assessment.why


def test_a_healthy_service_and_no_statement_are_no_emergency(clock: FakeClock, monitoring: FakeMonitoring) -> None:
    assessment = assess_impact(QUIET, a_profile(), monitoring, clock)
    assert (assessment.decision, met(assessment)) == (Decision.STANDARD, set())
    assert "standard bug fix" in assessment.why


@pytest.mark.parametrize("answer", [None, 500, 503])
def test_a_service_that_does_not_answer_is_down(
    clock: FakeClock, monitoring: FakeMonitoring, answer: int | None
) -> None:
    monitoring.answers["/health"] = answer
    assessment = assess_impact(QUIET, a_profile(), monitoring, clock)
    assert met(assessment) == {Criterion.PRODUCTION_DOWN}
    assert len([probe for probe in assessment.probes if probe.path == "/health"]) >= 3


def test_one_failing_request_does_not_mean_that_production_is_down(
    clock: FakeClock, monitoring: FakeMonitoring
) -> None:
    monitoring.answers["/quote?qty=10"] = 500
    assessment = assess_impact(QUIET, a_profile(), monitoring, clock)
    assert assessment.decision is Decision.STANDARD
    assert any(probe.failed for probe in assessment.probes), "but it is on record"


def test_a_client_error_is_an_answer(clock: FakeClock, monitoring: FakeMonitoring) -> None:
    monitoring.answers["/health"] = 404
    assert assess_impact(QUIET, a_profile(), monitoring, clock).decision is Decision.STANDARD


@pytest.mark.parametrize(("requests", "errors", "emergency"), [(100, 5, True), (100, 4, False), (19, 19, False)])
def test_a_share_of_failing_requests_is_critical_when_enough_were_seen(
    clock: FakeClock, monitoring: FakeMonitoring, requests: int, errors: int, emergency: bool
) -> None:
    monitoring.traffic = [Sample(at=clock.now() - timedelta(seconds=5), requests=requests, errors=errors)]
    assessment = assess_impact(QUIET, a_profile(), monitoring, clock)
    assert (Criterion.CRITICAL_BUSINESS_IMPACT in met(assessment)) is emergency
    assert (assessment.observed_error_rate is None) is (requests < 20)


def test_monitoring_that_cannot_be_read_does_not_end_the_assessment(
    clock: FakeClock, monitoring: FakeMonitoring
) -> None:
    """What broke production may have broken its monitoring: probes and people still tell."""

    def broken(since: datetime, until: datetime) -> tuple[Sample, ...]:
        raise HotfixError("Prometheus does not answer.", "Look whether it runs.")

    monitoring.samples = broken  # type: ignore[method-assign]
    monitoring.answers["/health"] = 500
    assessment = assess_impact(QUIET, a_profile(), monitoring, clock)
    assert met(assessment) == {Criterion.PRODUCTION_DOWN}
    assert assessment.observed_error_rate is None
    reasons = [reason for finding in assessment.findings for reason in finding.reasons]
    assert "monitoring cannot be read: Prometheus does not answer. Look whether it runs." in reasons
