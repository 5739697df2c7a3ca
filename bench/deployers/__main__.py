"""Requests lost while versions are deployed and restored under load: the figures of docs/benchmarks-deployers.md.

A real gunicorn, and for ``haproxy`` a real haproxy, in a temporary folder. Users ask all the time, each request on a
connection of its own; a request is lost when it gets no answer, or another one than 200.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.contract.deployer_contract import FIRST, SECOND
from tests.contract.haproxy_production import HAPROXY, HaproxyProduction
from tests.contract.production import Crowd, Production

WORLDS: dict[str, Callable[[Path, Path, str], Any]] = {"local": Production, "haproxy": HaproxyProduction}


@dataclass
class Figures:
    """Of one deployer: requests, and the seconds of each deployment and return."""

    answered: int = 0
    lost: list[str] = field(default_factory=list)
    deployments: list[float] = field(default_factory=list)
    returns: list[float] = field(default_factory=list)


def measure(kind: str, requests: int) -> Figures:
    """Deploy and restore in turn until so many requests were made."""
    figures = Figures()
    with tempfile.TemporaryDirectory(prefix="bench-deployers-") as name:
        folder = Path(name)
        world = WORLDS[kind](folder / "root", folder / "sources", FIRST)
        try:
            world.start()
            with Crowd(world).at_work() as crowd:
                while crowd.answered + len(crowd.failed) < requests:
                    figures.deployments.append(_seconds(lambda: world.deployer.deploy(SECOND, world.source(SECOND))))
                    assert world.running() == SECOND
                    figures.returns.append(_seconds(lambda: world.deployer.restore(FIRST)))
                    assert world.running() == FIRST
                    print(f"{kind}: {crowd.answered} answered, {len(crowd.failed)} lost", flush=True)
            figures.answered, figures.lost = crowd.answered, crowd.failed
        finally:
            world.stop()
    return figures


def table(measured: dict[str, Figures], seconds: float) -> str:
    rows = "\n".join(f"| `{kind}` | {_row(figures)} |" for kind, figures in measured.items())
    return f"""# Requests lost while deploying

`make bench-deployers`, Python {platform.python_version()}, {seconds:.0f} s in all.

A gunicorn with two workers whose answer takes 10 ms, and four users who ask all the time on new connections
(`tests/contract/production.py`). Deployment and return to the version before, in turn, until there were enough
requests; a request is lost when it gets no answer or another one than 200. The `haproxy` deployments have a canary of
20 % for half a second. The seconds depend on the machine and on what else runs on it; the counts do not.

| deployer | deployments | returns | requests | lost | seconds of a deployment (median) | of a return (median) |
|---|---|---|---|---|---|---|
{rows}

With 0 of n requests lost, the share that is lost is below 3/n with 95 % confidence (the rule of three).
"""


def _row(figures: Figures) -> str:
    cells = (
        len(figures.deployments),
        len(figures.returns),
        f"{figures.answered + len(figures.lost):,}",
        len(figures.lost),
        f"{statistics.median(figures.deployments):.1f}",
        f"{statistics.median(figures.returns):.1f}",
    )
    return " | ".join(map(str, cells))


def _seconds(act: Callable[[], None]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=5_000, help="for each deployer")
    parser.add_argument("--table", type=Path, help="Markdown file to write")
    options = parser.parse_args()
    if HAPROXY is None:
        parser.error("haproxy is not installed: tools/install-rig installs it")
    began = time.monotonic()
    measured = {kind: measure(kind, options.requests) for kind in WORLDS}
    text = table(measured, time.monotonic() - began)
    print(text)
    if options.table:
        options.table.write_text(text, encoding="utf-8")
    lost = [failure for figures in measured.values() for failure in figures.lost]
    for failure in lost[:10]:
        print(f"lost: {failure}")
    return 1 if lost else 0


if __name__ == "__main__":
    raise SystemExit(main())
