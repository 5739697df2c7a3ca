"""The moves between two slots behind haproxy, from whatever state a crash or a restart of haproxy has left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from hotfix.adapters.deployers.canary import Canary, CanaryFailed
from hotfix.adapters.deployers.haproxy_socket import HaproxyBackend
from hotfix.adapters.deployers.slots import Slot
from hotfix.adapters.deployers.waiting import PAUSE_SECONDS, wait_for
from hotfix.domain.document import Sha
from hotfix.domain.service import HaproxyDeployerProfile
from hotfix.ports.clock import Clock

ALL = 100
CONFIRMATIONS = 5


class SwitchFailed(Exception):
    """Production is not what it should be; the text says what it is."""


class Switch:
    """``answer`` asks production, through haproxy, which version it runs.

    No slot gets a request before its server was seen to answer, and no server is ended while its slot may get one.
    """

    def __init__(
        self,
        profile: HaproxyDeployerProfile,
        backend: HaproxyBackend,
        slots: Mapping[str, Slot],
        answer: Callable[[], Sha | None],
        clock: Clock,
    ) -> None:
        self._profile = profile
        self._backend = backend
        self._slots = slots
        self._answer = answer
        self._clock = clock
        self._canary = Canary(backend, clock, profile.step_seconds, profile.tolerated_failures)

    def is_complete(self, version: Sha) -> bool:
        """Whether ``version`` serves alone; what its predecessor still works on is waited for."""
        serving = [name for name, server in self._backend.servers().items() if server.serves]
        if len(serving) != 1 or self._slots[serving[0]].version() != version:
            return False
        self._retire(self.other(serving[0]))
        self._confirm(serving[0], version)
        return True

    def choose(self, version: Sha, meant: Sha | None) -> tuple[str, bool]:
        """The slot for ``version``, and whether it runs there already; ``meant`` is what should be live.

        The slot that serves is left alone if the other one is free, and the one that answers if the other does not.
        """
        servers = self._backend.servers()
        running = {name: slot.version() for name, slot in self._slots.items()}

        def order(name: str) -> tuple[bool, bool, bool, bool]:
            runs, serves = running[name], servers[name].serves
            return (runs != version, serves == (runs != version), runs is not None, runs == meant)

        new = min(self._slots, key=order)
        return new, running[new] == version

    def bring(self, version: Sha, release: Path, meant: Sha | None, steps: tuple[int, ...]) -> None:
        """Make ``version`` the one that serves, with ``steps`` percent of the requests on the way.

        Raises:
            SlotFailed, CanaryFailed: what served before serves.
            SwitchFailed: haproxy and production's address do not agree.
            HaproxyUnusable: haproxy went away or refused; nothing was undone.
        """
        new, running = self.choose(version, meant)
        old = self.other(new)
        first = steps[0] if steps else ALL
        if not running:
            self._retire(new)
            # Where the balance takes no weights it is refused here, and not when users are half-way over.
            self._backend.weigh(new, first)
            self._slots[new].start(release)
        old_serves = self._backend.servers()[old].serves and self._slots[old].version() is not None
        try:
            self._admit(new, first if old_serves else ALL)
            if old_serves:
                self._canary.run(new, old, steps, lambda: self._slots[new].version() == version)
        except CanaryFailed:
            self._take_back(new, old)
            raise
        self._backend.weigh(new, ALL)
        self._retire(old)
        self._backend.weigh(old, ALL)
        self._confirm(new, version)

    def other(self, name: str) -> str:
        return next(each for each in self._slots if each != name)

    def _admit(self, name: str, weight: int) -> None:
        self._backend.weigh(name, weight)
        self._backend.admit(name)
        if not wait_for(self._clock, self._profile.time_limit, lambda: self._backend.servers()[name].running):
            raise CanaryFailed(f"haproxy's own check does not find slot {name} well")

    def _take_back(self, new: str, old: str) -> None:
        self._backend.weigh(old, ALL)
        self._retire(new)
        self._slots[new].stop()

    def _retire(self, name: str) -> None:
        """No more requests for this slot; those that it has get ``drain`` seconds, and more if haproxy gives it."""
        if not self._backend.servers()[name].shut:
            self._backend.drain(name)
        wait_for(self._clock, self._profile.drain, lambda: self._backend.counts(name).open == 0)
        self._backend.shut(name)

    def _confirm(self, serving: str, version: Sha) -> None:
        seen = 0

        def look() -> bool:
            nonlocal seen
            seen = seen + 1 if self._answer() == version else 0
            return seen >= CONFIRMATIONS

        if not wait_for(self._clock, max(self._profile.time_limit, CONFIRMATIONS * PAUSE_SECONDS), look):
            raise SwitchFailed(
                f"haproxy sends everything to slot {serving}, which runs {version}, but production's own address does "
                f"not answer {CONFIRMATIONS} times in a row with it: does that address lead to this haproxy?"
            )
