"""From an alert to the params of the run that it starts, by the rules of the service profiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hotfix.domain.alert import Alert, AlertSource
from hotfix.domain.document import clip
from hotfix.domain.errors import AlertRefused, InvalidCatalog
from hotfix.domain.incident import TEXT_LIMIT
from hotfix.domain.intake import IntakeRule, fill_what_is_there
from hotfix.domain.service import ServiceProfile
from hotfix.ports.catalog import Catalog
from hotfix.steps.open_incident import check_report

DESCRIPTION_LIMIT = 2000
SENDER_LIMIT = 100


@dataclass(frozen=True)
class MappedAlert:
    """``rule`` is the number of the rule in the service's profile, from 1.

    ``started_by`` is the Airflow user whom the profile knows behind the sender, else the source with the sender.
    """

    service: str
    rule: int
    started_by: str
    params: Mapping[str, Any]


def map_alert(alert: Alert, catalog: Catalog, now: datetime) -> MappedAlert:
    """What the alert starts: the first rule that matches, of the only service that has one.

    Raises:
        AlertRefused: no service has a rule for it, or several have.
        InvalidIncident: the rule makes params that no run may have.
    """
    found, unusable = _matching(alert, catalog)
    if len(found) != 1:
        raise _refusal(alert, [profile.name for profile, _, _ in found], unusable)
    profile, number, rule = found[0]
    params = _params(alert, profile, rule, now)
    check_report(params, catalog, now)
    return MappedAlert(profile.name, number, _started_by(alert, profile), params)


def _started_by(alert: Alert, profile: ServiceProfile) -> str:
    # Who reports may not approve: a label on GitHub must not be a way around that.
    known = profile.person("github", alert.sender) if alert.source is AlertSource.GITHUB else ""
    return known or clip(":".join((alert.source.value, *alert.sender.split())), SENDER_LIMIT)


def _matching(alert: Alert, catalog: Catalog) -> tuple[list[tuple[ServiceProfile, int, IntakeRule]], list[str]]:
    """The services with their first matching rule, and those whose profile cannot be read."""
    found, unusable = [], []
    for name in catalog.names():
        try:
            profile = catalog.profile(name)
        except InvalidCatalog:
            unusable.append(name)
            continue
        for number, rule in enumerate(profile.intake, 1):
            if rule.matches(alert):
                found.append((profile, number, rule))
                break
    return found, unusable


def _refusal(alert: Alert, services: list[str], unusable: list[str]) -> AlertRefused:
    named = f"The alert {clip(alert.title, 100)!r} of {alert.source.value}"
    if services:
        return AlertRefused(
            f"{named} matches rules of {len(services)} services: {', '.join(services)}.",
            "Narrow the match of their intake rules, so that one is left.",
        )
    unread = f" The profiles of {', '.join(unusable)} cannot be used: see check-services." if unusable else ""
    return AlertRefused(
        f"{named} matches no intake rule.{unread}",
        "Add a rule to the profile of its service, and try it with: python -m hotfix intake-check.",
    )


def _params(alert: Alert, profile: ServiceProfile, rule: IntakeRule, now: datetime) -> dict[str, Any]:
    params: dict[str, Any] = {
        "service": profile.name,
        "description": clip(fill_what_is_there(rule.description, alert.fields).strip(), DESCRIPTION_LIMIT),
        "criteria": [criterion.value for criterion in rule.criteria],
        **rule.params.filled(alert.fields),
    }
    if "stack_trace" in params:
        params["stack_trace"] = clip(params["stack_trace"], TEXT_LIMIT)
    if rule.began_before is not None and alert.began_at is not None:
        # A source whose clock is ahead must not make an incident that lies in the future.
        params["started_at"] = (min(alert.began_at, now) - timedelta(seconds=rule.began_before)).isoformat()
    return params
