"""The list of faults."""

from __future__ import annotations

from chaos.fault import Fault
from chaos.faults.concurrency import CONCURRENCY
from chaos.faults.deployer import DEPLOYER
from chaos.faults.git import GIT
from chaos.faults.monitoring import MONITORING
from chaos.faults.outages import OUTAGES, Outage
from chaos.faults.storage import STORAGE
from chaos.faults.tasks import TASKS

FAULTS: dict[str, Fault] = {
    fault.name: fault for fault in (*TASKS, *GIT, *DEPLOYER, *MONITORING, *STORAGE, *CONCURRENCY)
}
__all__ = ["FAULTS", "OUTAGES", "Fault", "Outage"]
