"""Every fault of the list on a running Airflow, and what became of each: ``make chaos``, ``python -m chaos``.

Several services with a real git history, a real production and real customers are broken at the same time; each run of
the workflow meets one fault. Everything is under ``.chaos`` and is stopped at the end.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from chaos.faults import FAULTS, OUTAGES, chosen
from chaos.faults.outages import PLACES
from chaos.outcomes import Outcome, keep
from chaos.play import play, play_outage
from chaos.stage import STOP, Stage, announce, arm, service_of
from demo.airflow_api import AirflowApi
from demo.airflow_stack import REPOSITORY, AirflowStack
from demo.play import wait_for_dag
from demo.world import World

HOME = REPOSITORY / ".chaos"
NAMES = [*FAULTS, *(f"{name}-{place}" for name in OUTAGES for place in PLACES)]


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 every invariant held, 1 one did not, 2 there is no such fault or no such page."""
    arguments = _parser().parse_args(argv)
    console = Console(highlight=False)
    if arguments.list:
        for name, about in {name: one.about for listed in (FAULTS, OUTAGES) for name, one in listed.items()}.items():
            print(f"{name:<28} {about}")
        return 0
    if unknown := set(arguments.only) - set(FAULTS) - set(OUTAGES):
        console.print(f"there is no fault {', '.join(sorted(unknown))}: see --list")
        return 2
    if arguments.table and not arguments.table.is_file():
        console.print(f"there is no page {arguments.table} to keep the table in, like docs/reliability.md")
        return 2
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    began = time.monotonic()
    page, outcomes = arguments.table, []
    with airflow(HOME) as stack:
        for outcome in run(stack, HOME, arguments.only, arguments.at_once):
            outcomes.append(outcome)
            _say(console, outcome, len(outcomes))
            if page:
                keep(outcomes, NAMES, page)
    seconds = time.monotonic() - began
    broken = [outcome for outcome in outcomes if outcome.problems]
    console.print(f"{len(outcomes)} runs under faults in {seconds:.0f} s, {len(broken)} not as they have to be")
    return 1 if broken or not outcomes else 0


@contextmanager
def airflow(home: Path) -> Iterator[AirflowStack]:
    """An Airflow with the plugin that kills tasks; gone at the end, its files stay for a look."""
    shutil.rmtree(home, ignore_errors=True)
    stack = AirflowStack(home / "airflow", home / "services")
    announce(stack, map(service_of, NAMES))
    arm(stack, home / "plugins", home / "plans")
    with stack:
        wait_for_dag(AirflowApi(stack.url, "viewer"))
        yield stack


def run(stack: AirflowStack, home: Path, only: Sequence[str], at_once: int) -> Iterator[Outcome]:
    """The faults side by side, then the outages one after the other; each outcome as it is there."""

    def stage(name: str) -> Stage:
        service = service_of(name)
        return Stage(World(home / "worlds" / service, service), stack, home / "plans")

    with ThreadPoolExecutor(at_once) as pool:
        futures = [pool.submit(lambda fault: play(fault, stage(fault.name)), fault) for fault in chosen(only)]
        try:
            for done in as_completed(futures):
                yield done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    for name, outage in OUTAGES.items():
        if not only or name in only:
            yield from play_outage(outage, {place: stage(f"{name}-{place}") for place in PLACES})


def _stop(number: int, frame: object) -> None:
    """Let everybody who waits give up, so that whatever was started is stopped on the way out."""
    STOP.set()
    sys.exit(128 + number)


def _say(console: Console, outcome: Outcome, number: int) -> None:
    mark = "[red]✗[/]" if outcome.problems else "[green]✓[/]"
    console.print(f"{mark} {number:>3}  {outcome.name:<28} {outcome.ended:<20} {outcome.seconds:>5} s")
    for problem in outcome.problems:
        console.print(f"    {problem}", markup=False)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--list", action="store_true", help="name the faults and end")
    parser.add_argument("--only", nargs="+", default=[], metavar="FAULT", help="only these")
    parser.add_argument("--at-once", type=int, default=4, metavar="N", help="runs side by side (4)")
    parser.add_argument("--table", type=Path, metavar="FILE", help="keep the outcomes in this page and its JSON file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
