"""What a request to the intake is answered."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from hotfix.adapters.alert_formats import ALERT_FORMATS
from hotfix.domain.alert import Alert, AlertSource
from hotfix.domain.document import clip
from hotfix.domain.errors import AlertRefused, HotfixError, InvalidCatalog, InvalidIncident
from hotfix.intake.credentials import CredentialBook
from hotfix.ports.bug_database import BugDatabase
from hotfix.ports.catalog import Catalog
from hotfix.ports.clock import Clock
from hotfix.ports.hotfix_runs import HotfixRuns
from hotfix.steps.take_alert import TEXT_LIMIT, take_alert

log = logging.getLogger("hotfix.intake")


@dataclass(frozen=True)
class Answer:
    status: int
    content: Mapping[str, Any]


UNKNOWN_SENDER = Answer(401, {"error": "The request is not signed with the secret of this source."})


@dataclass(frozen=True)
class Desk:
    """Everything that the intake works with."""

    catalog: Catalog
    runs: HotfixRuns
    bug_database: Callable[[], BugDatabase]
    credentials: CredentialBook
    clock: Clock

    def warm_up(self) -> None:
        """Load what the first alert would wait for: profiles, and what starting a run needs. Never fails."""
        usable = []
        for name in self.catalog.names():
            with suppress(InvalidCatalog):
                usable.append(self.catalog.profile(name).name)
        try:
            self.bug_database()
            if usable:
                self.runs.rehearse({"service": usable[0], "description": "Nothing is wrong: this is a rehearsal"})
        except HotfixError as error:
            # The first alert takes longer then, and is told what is wrong.
            log.info("Not warmed up: %s", error)

    def receive(self, source: AlertSource, headers: Mapping[str, str], body: bytes) -> Answer:
        """Check who sent it, then read it, then take its alerts, the oldest first."""
        form = ALERT_FORMATS[source]
        try:
            credentials = self.credentials.of(source)
            if credentials is None or not form.is_authentic(headers, body, credentials, self.clock.now()):
                log.warning("A request of %s was refused: not signed, or not with our secret.", source.value)
                return UNKNOWN_SENDER
            if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
                return Answer(415, {"error": "Send application/json."})
            return self._take(form.alerts(headers, body))
        except AlertRefused as refusal:
            log.warning("A request of %s was refused: %s", source.value, refusal)
            return Answer(422, {"error": str(refusal)})
        except HotfixError as error:
            log.error("A request of %s could not be taken: %s", source.value, error)
            return Answer(503 if error.retryable else 500, {"error": str(error)})

    def _take(self, alerts: tuple[Alert, ...]) -> Answer:
        taken: list[dict[str, Any]] = []
        refused: list[dict[str, Any]] = []
        for alert in sorted(alerts, key=_age):
            try:
                receipt = take_alert(
                    alert, catalog=self.catalog, runs=self.runs, bug_database=self.bug_database, clock=self.clock
                )
            except (AlertRefused, InvalidIncident) as refusal:
                log.warning("An alert of %s starts nothing: %s", alert.source.value, refusal)
                refused.append({"reception": "refused", "alert": clip(alert.title, TEXT_LIMIT), "why": str(refusal)})
            else:
                log.info("%s: %s, run %s", alert.headline, receipt.reception.value, receipt.run_id)
                taken.append(receipt.model_dump(mode="json", exclude_none=True))
        return Answer(422 if refused and not taken else 200, {"alerts": [*taken, *refused]})


def _age(alert: Alert) -> tuple[float, str]:
    return (alert.began_at.timestamp() if alert.began_at else 0.0, alert.run_id)
