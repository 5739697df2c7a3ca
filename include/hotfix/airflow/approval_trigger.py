"""The clock of the approval."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timezone
from typing import Any
from uuid import UUID

from airflow.sdk.exceptions import AirflowRuntimeError
from airflow.sdk.execution_time.hitl import get_hitl_detail_content_detail, update_hitl_detail_response
from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async


class ApprovalDeadline(BaseTrigger):
    """Closes the request at ``deadline`` (ISO 8601 with timezone) with what silence means, ``option``.

    An answer in Airflow resumes the sensor without this trigger; one that came in at the very last moment is passed
    on. The deadline is a moment, not a duration: a triggerer that starts again in between does not prolong it. Only
    the triggerer may close a request, a task may not (3.3.2).
    """

    def __init__(self, ti_id: str, deadline: str, option: str) -> None:
        super().__init__()
        self.ti_id = ti_id
        self.deadline = deadline
        self.option = option

    def serialize(self) -> tuple[str, dict[str, Any]]:
        arguments = {"ti_id": self.ti_id, "deadline": self.deadline, "option": self.option}
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        left = datetime.fromisoformat(self.deadline) - datetime.now(timezone.utc)
        await asyncio.sleep(max(0.0, left.total_seconds()))
        yield TriggerEvent(await self._close())

    async def _close(self) -> dict[str, Any]:
        silence = {"deadline": self.deadline}
        request = UUID(self.ti_id)
        try:
            await sync_to_async(update_hitl_detail_response)(
                ti_id=request, chosen_options=[self.option], params_input={}
            )
        except AirflowRuntimeError:
            detail = await sync_to_async(get_hitl_detail_content_detail)(ti_id=request)
            if not detail.chosen_options or detail.responded_by_user is None:
                return silence
            return {
                "chosen_options": list(detail.chosen_options),
                "responded_at": (detail.responded_at or datetime.now(timezone.utc)).isoformat(),
                "responded_by_user": {"id": detail.responded_by_user.id, "name": detail.responded_by_user.name},
            }
        return silence
