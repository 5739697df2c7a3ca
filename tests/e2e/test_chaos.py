"""Faults of ``make chaos`` that say most in little time; the rest is in docs/reliability.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from chaos.faults import FAULTS, OUTAGES
from chaos.faults.outages import PLACES
from chaos.outcomes import Outcome
from chaos.play import play
from chaos.stage import Stage, service_of
from demo.airflow_stack import AirflowStack
from demo.world import World

QUICK = [name for name, fault in FAULTS.items() if fault.quick]
AT_ONCE = 3


def test_the_list_is_long_and_says_what_each_fault_is() -> None:
    assert len(FAULTS) + len(OUTAGES) * len(PLACES) >= 40
    assert 4 <= len(QUICK) <= 6
    abouts = [one.about for one in (*FAULTS.values(), *OUTAGES.values())]
    assert len(set(abouts)) == len(abouts)
    assert all(abouts)


@pytest.fixture(scope="module")
def outcomes(
    stack: AirflowStack, plans: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Future[Outcome]]]:
    root = tmp_path_factory.mktemp("chaos")

    def one(name: str) -> Outcome:
        service = service_of(name)
        return play(FAULTS[name], Stage(World(root / service, service), stack, plans))

    # Side by side: most of the time a killed task waits for its next try.
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {name: pool.submit(one, name) for name in QUICK}


@pytest.mark.stack
@pytest.mark.parametrize("name", QUICK)
def test_everything_is_as_it_has_to_be(name: str, outcomes: Mapping[str, Future[Outcome]]) -> None:
    assert outcomes[name].result(timeout=1500).problems == ()
