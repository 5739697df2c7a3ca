"""The race of an approval: the answers of all channels against the clock."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import datetime, timezone
from http import HTTPStatus
from typing import Any
from uuid import UUID

from airflow.sdk.exceptions import AirflowRuntimeError
from airflow.sdk.execution_time.hitl import get_hitl_detail_content_detail, update_hitl_detail_response
from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from hotfix.airflow.approval_channels import Channels, Look, channels_of

log = logging.getLogger("hotfix")

# There is no request, so nobody can have answered it.
MISSING = {"missing": True}
# Seconds between two looks, and for the last ones, when the window is over: it ends on time whatever a channel does.
INTERVAL, LAST_LOOK, LEDGER_LOOK = 3.0, 1.3, 0.4


class ApprovalDeadline(BaseTrigger):
    """Closes the request when a channel has decided, or at ``deadline`` (ISO 8601 with timezone) with ``option``.

    ``option`` is what silence means. An answer in Airflow resumes a sensor that waits, without this trigger; one that
    came in while it did not wait, or at the very last moment, is passed on. The deadline is a moment, not a duration: a
    triggerer that starts again in between does not prolong it, and answers that were heard are in the ledger. Only the
    triggerer may read and close a request, a task may not (3.3.2). ``run_id`` names the incident; without it only the
    clock is watched. The event says whose it is (``ti_id``), and ``missing`` where there is no request.
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
        earlier = asyncio.create_task(self._earlier())
        watching = asyncio.create_task(self._watch(watched))
        try:
            await asyncio.wait({earlier, watching}, timeout=self._left(), return_when=asyncio.FIRST_COMPLETED)
            found = earlier.result() if earlier.done() else None
            if found is None:
                await asyncio.wait({watching}, timeout=self._left())
            option = watching.result() if watching.done() else None
        finally:
            earlier.cancel()
            watching.cancel()
        last = Look(option)
        if found is None:
            if option is None and watched:
                last = await _last_look(watched[0])
            found = await self._close(last.option or self.option)
        yield TriggerEvent({**found, "ti_id": self.ti_id, "unheard": list(last.unheard)})

    def _left(self) -> float:
        return max(0.0, (datetime.fromisoformat(self.deadline) - datetime.now(timezone.utc)).total_seconds())

    async def _earlier(self) -> dict[str, Any] | None:
        """What was answered before the sensor waited, or that there is no request; None where nothing was."""
        try:
            return await self._answer()
        except Exception as error:
            if _is_missing(error):
                return MISSING
            # The clock goes on, and the end of the window asks again.
            log.warning("whether the request is answered already could not be read: %s", error)
            return None

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
                await asyncio.to_thread(watched[0].tell_people)
            except Exception as error:
                log.warning("the channels of the approval could not be watched: %s", error)
            await asyncio.sleep(INTERVAL)

    async def _close(self, option: str) -> dict[str, Any]:
        silence = {"deadline": self.deadline}
        request = UUID(self.ti_id)
        try:
            await sync_to_async(update_hitl_detail_response)(ti_id=request, chosen_options=[option], params_input={})
        except AirflowRuntimeError as error:
            return MISSING if _is_missing(error) else await self._answer() or silence
        return silence

    async def _answer(self) -> dict[str, Any] | None:
        """What a person has answered in Airflow; None while nobody has."""
        detail = await sync_to_async(get_hitl_detail_content_detail)(ti_id=UUID(self.ti_id))
        if not detail.chosen_options or detail.responded_by_user is None:
            return None
        return {
            "chosen_options": list(detail.chosen_options),
            "responded_at": (detail.responded_at or datetime.now(timezone.utc)).isoformat(),
            "responded_by_user": {"id": detail.responded_by_user.id, "name": detail.responded_by_user.name},
        }


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


def _is_missing(error: Exception) -> bool:
    found = error.error.detail if isinstance(error, AirflowRuntimeError) else None
    return (found or {}).get("status_code") == HTTPStatus.NOT_FOUND
