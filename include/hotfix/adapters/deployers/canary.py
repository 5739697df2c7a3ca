"""A share of the requests for the new version, before it gets them all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hotfix.adapters.deployers.haproxy_socket import Counts, HaproxyBackend
from hotfix.adapters.deployers.waiting import wait_for
from hotfix.ports.clock import Clock

# Fewer failures than this are no evidence, however few the requests.
MIN_FAILURES = 5


class CanaryFailed(Exception):
    """The new version fails more than it may; the text has the figures."""


class Canary:
    """A coarse guard, counted by haproxy: whether production is well is judged afterwards, over a longer time.

    The share of failures may be ``tolerated``, or what the old version's is at the same time, if that is more.
    """

    def __init__(self, backend: HaproxyBackend, clock: Clock, step_seconds: float, tolerated: float) -> None:
        self._backend = backend
        self._clock = clock
        self._step_seconds = step_seconds
        self._tolerated = tolerated

    def run(self, new: str, old: str, steps: Sequence[int], answers: Callable[[], bool]) -> None:
        """Give ``new`` each of ``steps`` percent in turn, and ``old`` the rest.

        Raises:
            CanaryFailed: too many of its requests failed, or it does not answer any more.
        """
        before = {name: self._backend.counts(name) for name in (new, old)}
        for share in steps:
            self._backend.weigh(new, share)
            self._backend.weigh(old, 100 - share)

            def look(share: int = share) -> str:
                if not answers():
                    return f"the new version stopped answering in slot {new}, at {share} % of the requests"
                return self._complaint(share, new, old, before)

            if complaint := wait_for(self._clock, self._step_seconds, look):
                raise CanaryFailed(complaint)

    def _complaint(self, share: int, new: str, old: str, before: dict[str, Counts]) -> str:
        requests, failures = self._since(new, before)
        old_requests, old_failures = self._since(old, before)
        allowed = max(self._tolerated, old_failures / old_requests if old_requests else 0.0)
        if failures < MIN_FAILURES or failures <= allowed * requests:
            return ""
        return (
            f"at {share} % of the requests the new version failed {failures} of {requests}, the old one {old_failures} "
            f"of {old_requests}; {allowed:.1%} were allowed"
        )

    def _since(self, name: str, before: dict[str, Counts]) -> tuple[int, int]:
        now = self._backend.counts(name)
        return now.requests - before[name].requests, now.failures - before[name].failures
