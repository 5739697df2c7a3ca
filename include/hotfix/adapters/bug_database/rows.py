"""From a row to the domain's own types."""

from __future__ import annotations

import json
from typing import TypeVar

from pydantic import ValidationError

from hotfix.adapters.bug_database.errors import UnreadableRecord
from hotfix.adapters.bug_database.tables import EffectRecord, EventRecord, FollowUpRecord, IncidentRecord
from hotfix.domain.document import Document
from hotfix.domain.effect import Effect, EffectKind, EffectState
from hotfix.domain.follow_up import FollowUpItem, FollowUpKind
from hotfix.domain.incident import Incident
from hotfix.ports.bug_database import Event, IncidentRow, IncidentStatus

D = TypeVar("D", bound=Document)


def read(kind: type[D], content: str, what: str) -> D:
    """The document in a JSON column; ``what`` names it in the error.

    Raises:
        UnreadableRecord: another version wrote it, or somebody changed it.
    """
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UnreadableRecord(what, f"{where}: {first['msg']}" if where else first["msg"]) from None


def incident(record: IncidentRecord) -> Incident:
    return read(Incident, record.report, f"attempt {record.attempt} at incident {record.id}")


def incident_row(record: IncidentRecord) -> IncidentRow:
    return IncidentRow(
        id=record.id,
        attempt=record.attempt,
        service=record.service,
        title=record.title,
        status=IncidentStatus(record.status),
        opened_at=record.opened_at,
        closed_at=record.closed_at,
        run_id=record.run_id,
        facts=json.loads(record.facts),
    )


def event(record: EventRecord) -> Event:
    return Event(at=record.at, step=record.step, what=record.what, key=record.key)


def effect(record: EffectRecord) -> Effect:
    return Effect(
        kind=EffectKind(record.kind),
        key=record.key,
        target=record.target,
        state=EffectState(record.state),
        run_id=record.run_id,
        begun_at=record.begun_at,
        ended_at=record.ended_at,
        tries=record.tries,
        what=record.what,
    )


def follow_up_item(record: FollowUpRecord) -> FollowUpItem:
    return FollowUpItem(
        kind=FollowUpKind(record.kind),
        title=record.title,
        due_at=record.due_at,
        done_at=record.done_at,
        evidence=record.evidence,
    )
