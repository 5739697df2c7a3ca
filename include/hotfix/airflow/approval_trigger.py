"""The race of an approval: the answers of all channels against the clock."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import datetime, timezone
from typing import Any
from uuid import UUID

from airflow.sdk.exceptions import AirflowRuntimeError
from airflow.sdk.execution_time.hitl import get_hitl_detail_content_detail, update_hitl_detail_response
from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from hotfix.airflow.approval_channels import Channels, Look, channels_of

log = logging.getLogger("hotfix")

# Seconds between two looks, and for the last ones, when the window is over: it ends on time whatever a channel does.
INTERVAL, LAST_LOOK, LEDGER_LOOK = 3.0, 1.3, 0.4


class ApprovalDeadline(BaseTrigger):
    """Closes the request when a channel has decided, or at ``deadline`` (ISO 8601 with timezone) with ``option``.

    ``option`` is what silence means. An answer in Airflow resumes the sensor without this trigger; one that came in at
    the very last moment is passed on. The deadline is a moment, not a duration: a triggerer that starts again in
    between does not prolong it, and answers that were heard are in the ledger. Only the triggerer may close a request,
    a task may not (3.3.2). ``run_id`` names the incident; without it only the clock is watched.
    """

    def __init__(self, ti_id: str, deadline: str, option: str, run_id: str = "") -> None:
        super().__init__()
        self.ti_id = ti_id
        self.deadline = deadline
        self.option = option
        self.run_id = run_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        arguments = {"ti_id": self.ti_id, "deadline": self.deadline, "option": self.option, "run_id": self.run_id}
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        watched: list[Channels] = []
        watching = asyncio.create_task(self._watch(watched))
        try:
            await asyncio.wait({watching}, timeout=max(0.0, _seconds_until(datetime.fromisoformat(self.deadline))))
            option = watching.result() if watching.done() else None
        finally:
            watching.cancel()
        last = Look(option)
        if option is None and watched:
            last = await _last_look(watched[0])
        yield TriggerEvent({**await self._close(last.option or self.option), "unheard": list(last.unheard)})

    async def _watch(self, watched: list[Channels]) -> str:
        """The option that the channels come to; never returns while they come to nothing."""
        while True:
            # Whatever goes wrong here, the clock goes on and Airflow's own answers count.
            try:
                if not watched:
                    channels = await asyncio.to_thread(channels_of, self.run_id)
                    if channels is None:
                        await asyncio.Event().wait()
                    else:
                        watched.append(channels)
                found = await asyncio.to_thread(watched[0].look)
                if found.option is not None:
                    return found.option
                for each in found.unheard:
                    log.warning("not heard: %s", each)
                await asyncio.to_thread(watched[0].warn_when_due)
            except Exception as error:
                log.warning("the channels of the approval could not be watched: %s", error)
            await asyncio.sleep(INTERVAL)

    async def _close(self, option: str) -> dict[str, Any]:
        silence = {"deadline": self.deadline}
        request = UUID(self.ti_id)
        try:
            await sync_to_async(update_hitl_detail_response)(ti_id=request, chosen_options=[option], params_input={})
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


async def _last_look(channels: Channels) -> Look:
    """An answer given in the last seconds counts; a channel that does not answer now is on record as unheard."""
    try:
        return await asyncio.wait_for(asyncio.to_thread(channels.look, True), LAST_LOOK)
    except asyncio.TimeoutError:
        late = f"not every channel could be read within {LAST_LOOK} s"
        return Look(await _known(channels), (late,))
    except Exception as error:
        return Look(None, (str(error),))


async def _known(channels: Channels) -> str | None:
    try:
        return (await asyncio.wait_for(asyncio.to_thread(channels.judged), LEDGER_LOOK)).option
    except Exception as error:
        log.warning("the answers could not be read: %s", error)
        return None


def _seconds_until(moment: datetime) -> float:
    return (moment - datetime.now(timezone.utc)).total_seconds()
