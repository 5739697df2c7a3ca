"""What an intake rule may say, and which alerts it matches."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from hotfix.domain.alert import Alert, AlertSource
from hotfix.domain.intake import IntakeRule

GOOD: dict[str, Any] = {"source": "alertmanager", "match": {"labels.service": "shop"}}


def rule(**changes: Any) -> IntakeRule:
    return IntakeRule.model_validate({**GOOD, **changes})


def alert(**fields: str) -> Alert:
    named = {name.replace("__", "."): text for name, text in fields.items()}
    return Alert(
        source=AlertSource.ALERTMANAGER,
        identity="one",
        outbreak="then",
        firing=True,
        began_at=None,
        fields=named,
    )


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"source": "nagios"}, "source"),
        ({"match": {}}, "match"),
        ({"match": {"labels.service": []}}, "match"),
        ({"match": {"label.service": "shop"}}, "no field label.service"),
        ({"match": {"labels.": "shop"}}, "no field labels."),
        ({"source": "github", "match": {"labels.service": "shop"}}, "there are: title, url, repository"),
        ({"description": "{summary}"}, "no field summary"),
        ({"description": "{title"}, "stands alone"),
        ({"description": "{title!r}"}, "no field title!r"),
        ({"description": "{title.__class__}"}, "no field title.__class__"),
        ({"description": "{{title}}"}, "stands alone"),
        ({"params": {"failing_request": "{annotation.path}"}}, "no field annotation.path"),
        ({"params": {"approval": "not_required"}}, "approval"),
        ({"params": {"patch": "{annotations.patch}"}}, "patch"),
        ({"params": {"reproducer": "{annotations.test}"}}, "reproducer"),
        ({"params": {"irreversible_change_accepted": True}}, "irreversible_change_accepted"),
        ({"params": {"service": "other"}}, "service"),
        ({"criteria": ["very_urgent"]}, "criteria"),
        ({"began_before": -1}, "began_before"),
    ],
    ids=str,
)
def test_a_rule_that_makes_no_sense(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said.replace(".", r"\.")):
        rule(**wrong)


@pytest.mark.parametrize(
    ("match", "matches"),
    [
        ({"labels.service": "shop"}, True),
        ({"labels.service": "Shop"}, False),
        ({"labels.service": "sho"}, False),
        ({"labels.service": "sh*"}, True),
        ({"labels.service": ["basket", "shop"]}, True),
        ({"labels.service": ["basket", "b*"]}, False),
        ({"labels.service": "shop", "labels.severity": "critical"}, True),
        ({"labels.service": "shop", "labels.severity": "warning"}, False),
        ({"labels.service": "shop", "labels.team": "*"}, False),
    ],
    ids=str,
)
def test_every_field_has_to_match(match: dict[str, Any], matches: bool) -> None:
    assert rule(match=match).matches(alert(labels__service="shop", labels__severity="critical")) is matches


def test_alerts_of_another_source_do_not_match() -> None:
    one = rule(source="generic", match={"title": "*"})
    assert not one.matches(alert(title="Quotes fail"))
