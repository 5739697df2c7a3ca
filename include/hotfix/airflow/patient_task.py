"""Tasks that wait for a moment without a worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextvars import ContextVar
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.standard.decorators.python import _PythonDecoratedOperator
from airflow.sdk.bases.decorator import task_decorator_factory
from airflow.sdk.exceptions import TaskDeferred
from airflow.triggers.base import BaseTrigger, TriggerEvent

if TYPE_CHECKING:
    from airflow.sdk import Context

# Beyond it the triggerer is gone: the task fails, and its retry goes on with what the ledger holds.
LATE = timedelta(minutes=5)
# A clock that is set, or a machine that slept, is noticed within so many seconds.
LONGEST_SLEEP = 30.0

_resumed: ContextVar[bool] = ContextVar("resumed", default=False)


class Moment(BaseTrigger):
    """Fires at ``at`` (ISO 8601 with timezone), at once when that is over: a restarted triggerer prolongs nothing."""

    def __init__(self, at: str) -> None:
        super().__init__()
        self.at = at

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return f"{type(self).__module__}.{type(self).__qualname__}", {"at": self.at}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        moment = datetime.fromisoformat(self.at)
        while (left := (moment - datetime.now(timezone.utc)).total_seconds()) > 0:
            await asyncio.sleep(min(left, LONGEST_SLEEP))
        yield TriggerEvent(self.at)


class PatientOperator(_PythonDecoratedOperator):
    """Calls its function again whenever the moment has come that the function waits for."""

    def look_again(self, context: Context, event: Any = None) -> Any:
        """Where Airflow goes on after the wait."""
        _resumed.set(True)
        return self.execute(context)


def patient_task(**kwargs: Any) -> Any:
    """``@task`` for functions that may call ``wait_until``."""
    return task_decorator_factory(decorated_operator_class=PatientOperator, **kwargs)


def is_resumed() -> bool:
    """Whether this process goes on with a task that waited."""
    return _resumed.get()


def wait_until(moment: datetime) -> NoReturn:
    """Give the worker back until ``moment``; the function is then called again."""
    left = max(timedelta(), moment - datetime.now(timezone.utc))
    raise TaskDeferred(trigger=Moment(moment.isoformat()), method_name="look_again", timeout=left + LATE)
