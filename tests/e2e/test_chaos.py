"""Faults of ``make chaos`` that say most in little time; the rest is in docs/reliability.md."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future

import pytest

from chaos.faults import FAULTS, OUTAGES
from chaos.faults.outages import PLACES
from chaos.outcomes import Outcome

QUICK = [name for name, fault in FAULTS.items() if fault.quick]


def test_the_list_is_long_and_says_what_each_fault_is() -> None:
    assert len(FAULTS) + len(OUTAGES) * len(PLACES) >= 40
    assert 4 <= len(QUICK) <= 7
    abouts = [one.about for one in (*FAULTS.values(), *OUTAGES.values())]
    assert len(set(abouts)) == len(abouts)
    assert all(abouts)


@pytest.mark.stack
@pytest.mark.parametrize("name", QUICK)
def test_everything_is_as_it_has_to_be(name: str, outcomes: Mapping[str, Future[Outcome]]) -> None:
    assert outcomes[name].result(timeout=1500).problems == ()
