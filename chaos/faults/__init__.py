"""The list of faults."""

from __future__ import annotations

from collections.abc import Container
from itertools import zip_longest

from chaos.fault import Fault
from chaos.faults.concurrency import CONCURRENCY
from chaos.faults.deployer import DEPLOYER
from chaos.faults.git import GIT
from chaos.faults.monitoring import MONITORING
from chaos.faults.outages import OUTAGES, Outage
from chaos.faults.storage import STORAGE
from chaos.faults.tasks import TASKS

KINDS = (TASKS, GIT, DEPLOYER, MONITORING, STORAGE, CONCURRENCY)
FAULTS: dict[str, Fault] = {fault.name: fault for kind in KINDS for fault in kind}

__all__ = ["FAULTS", "OUTAGES", "Fault", "Outage", "chosen"]


def chosen(only: Container[str] = ()) -> list[Fault]:
    """The faults named, or all; one of each kind first, so that a run that ends early has seen every kind."""
    rounds = (fault for each in zip_longest(*KINDS) for fault in each if fault)
    return [fault for fault in rounds if not only or fault.name in only]
