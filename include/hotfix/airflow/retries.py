"""When Airflow tries a task again."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from airflow.sdk.definitions.retry_policy import RetryDecision, RetryPolicy

from hotfix.domain.errors import CodeHostUnavailable, HotfixError

if TYPE_CHECKING:
    from airflow.sdk import Context

# Production is down meanwhile: beyond this a rate limit is a failure that people should see.
LONGEST = timedelta(minutes=10)


class ByError(RetryPolicy):
    """Never what cannot succeed, later what was told to wait, and everything else as the task says."""

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        if isinstance(exception, HotfixError) and not exception.retryable:
            return RetryDecision.fail("the same call would fail again")
        if isinstance(exception, CodeHostUnavailable) and exception.retry_after is not None:
            delay = timedelta(seconds=exception.retry_after)
            if delay > LONGEST:
                return RetryDecision.fail(f"the service asks to be left alone for {delay}")
            return RetryDecision.retry(delay, "the service asked to be left alone for so long")
        return RetryDecision.default()
