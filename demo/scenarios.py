"""What can happen to a hotfix, and what is right then."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hotfix.ports.bug_database import IncidentStatus

PATCHES = Path(__file__).with_name("patches")
# The same params as in the README's examples for the CLI and REST.
INCIDENT = Path(__file__).parents[1] / "docs" / "examples" / "incident.json"


@dataclass(frozen=True)
class Scenario:
    """``params`` are added to the incident's; ``ends`` are the final states of the attempts, in order.

    ``fixed``: production runs the hotfix afterwards; otherwise what it ran before. ``answer``: what the approver says.
    ``successor``: the DAG that has to take over.
    """

    name: str
    about: str
    ends: tuple[IncidentStatus, ...]
    fixed: bool = False
    regression: bool = True
    params: Mapping[str, Any] = field(default_factory=dict)
    patch: str | None = None
    answer: str | None = None
    successor: str | None = "incident_response"

    def incident(self, service: str, window: int) -> dict[str, Any]:
        """The params of the run."""
        example: dict[str, Any] = json.loads(INCIDENT.read_text())
        if not self.regression:
            example = {}
        elif service != example["service"]:
            # The issue is about one service; another one's incident gets a name of its own.
            del example["issue"]
        params = example | {"service": service, "approval_window": window}
        if self.patch:
            params["patch"] = (PATCHES / self.patch).read_text()
        return params | dict(self.params)


RESOLVED, ROLLED_BACK = (IncidentStatus.RESOLVED,), (IncidentStatus.ROLLED_BACK,)

SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            "fixed",
            "the culprit is found and reverted, silence approves, production is healthy again",
            RESOLVED,
            fixed=True,
            successor=None,
        ),
        Scenario(
            "tests-fail",
            "the operator's patch breaks a critical test; the next candidate is tried and ships",
            (IncidentStatus.ROLLED_BACK, IncidentStatus.RESOLVED),
            fixed=True,
            patch="breaks-tests.patch",
            successor=None,
        ),
        Scenario(
            "security-blocks",
            "the operator's patch runs a shell on request input; the security gate stays closed",
            ROLLED_BACK,
            patch="insecure.patch",
        ),
        Scenario("rejected", "the approver says no; nothing ships", ROLLED_BACK, answer="Reject"),
        Scenario(
            "deploy-fails",
            "the patched service does not boot in production; it keeps what it runs",
            ROLLED_BACK,
            patch="fails-to-boot.patch",
        ),
        Scenario(
            "unstable",
            "the patch works in the tests and fails in production; it is rolled back",
            ROLLED_BACK,
            patch="unstable.patch",
        ),
        Scenario(
            "analysis-fails",
            "the given request does not fail: nothing to search for, people take over at once",
            ROLLED_BACK,
            params={"failing_request": "/api/products"},
        ),
        Scenario(
            "not-critical",
            "nothing is broken for customers: it goes through the standard bug fix",
            (IncidentStatus.HANDED_OVER,),
            regression=False,
            params={"description": "The product page says 'mugg' instead of 'mug' in one place"},
            successor="standard_bug_fix",
        ),
    )
}
