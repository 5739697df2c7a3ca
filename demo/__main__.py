"""The whole workflow on a sample service: ``python -m demo [SCENARIO]``, or ``make demo SCENARIO=…``.

Everything is real: a git history with a hidden regression, gunicorn under load, Airflow with its four components.
Everything is under ``.demo`` and is stopped at the end.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Sequence

from rich.console import Console

from demo.airflow_api import AirflowApi
from demo.airflow_stack import REPOSITORY, AirflowStack
from demo.play import ledger, play, wait_for_dag
from demo.scenarios import SCENARIOS, Scenario
from demo.summary import print_summary
from demo.world import World

HOME = REPOSITORY / ".demo"
SHORT_WINDOW, FULL_WINDOW = 20, 300


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 the workflow did the right thing, 1 it did not."""
    arguments = _parser().parse_args(argv)
    scenario = SCENARIOS[arguments.scenario]
    console = Console(highlight=False)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()
    try:
        outcome, right = _play(scenario, console, by_person=os.environ.get("APPROVE") == "ui", stay=arguments.stay)
    except KeyboardInterrupt:
        console.print("stopped; nothing was left running")
        return 130
    console.print(f"demo: {scenario.name}: {outcome} in {time.monotonic() - began - _stayed:.0f} s")
    return 0 if right else 1


_stayed = 0.0


def _play(scenario: Scenario, console: Console, by_person: bool, stay: bool) -> tuple[str, bool]:
    shutil.rmtree(HOME, ignore_errors=True)
    world = World(HOME / "shop", "shop")
    world.describe(HOME / "services")
    stack = AirflowStack(HOME / "airflow", HOME / "services")
    console.print(f"[bold]{scenario.name}[/]: {scenario.about}")
    console.print("starting Airflow, and production under load …")
    try:
        booting = threading.Thread(target=stack.start)
        booting.start()
        world.start()
        booting.join()
        stack.wait_until_healthy()
        wait_for_dag(AirflowApi(stack.url, "viewer"))
        console.print(f"Airflow is up: {stack.url}  (login admin / admin)")
        if by_person:
            console.print(
                f"[bold]answer as approver / approver under Required Actions: {stack.url}/required_actions[/]"
            )
        played = play(scenario, world, stack, console, FULL_WINDOW if by_person else SHORT_WINDOW)
        print_summary(console, played, ledger(stack), stack.url)
        if stay and sys.stdout.isatty():
            _stay(console, stack)
    finally:
        world.stop()
        stack.stop()
    ending = played.ending
    return ", ".join(row.status.value.replace("_", " ") for row in ending.attempts), not ending.problems


def _stay(console: Console, stack: AirflowStack) -> None:
    global _stayed
    console.print(f"\nAirflow stays up for a look: {stack.url} (admin / admin). Ctrl-C ends it.")
    since = time.monotonic()
    try:
        signal.pause()
    except KeyboardInterrupt:
        _stayed = time.monotonic() - since


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    names = "\n".join(f"  {scenario.name:<16} {scenario.about}" for scenario in SCENARIOS.values())
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = f"scenarios:\n{names}\n\nAPPROVE=ui waits five minutes for an answer in Airflow's UI."
    parser.add_argument("scenario", nargs="?", default="fixed", choices=list(SCENARIOS), metavar="SCENARIO")
    parser.add_argument("--no-stay", dest="stay", action="store_false", help="end at once, also on a terminal")
    return parser


if __name__ == "__main__":
    sys.exit(main())
