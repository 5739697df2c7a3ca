"""Monitoring fails while production is watched."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from chaos.fault import ROLLED_BACK, Expected, Fault
from chaos.stage import Stage


@dataclass(frozen=True)
class Blind(Fault):
    """From the deployment on the log that monitoring reads is ``gone``, ``empty``, or full of ``nan``."""

    expected: Expected = ROLLED_BACK
    kind: str = "gone"

    def prepare(self, stage: Stage) -> None:
        stage.put_log_behind_a_link()
        stage.profile["monitoring"] |= {"window": 10, "limit": 15}

    def at(self, stage: Stage, task: str, state: str) -> None:
        if task != "deploy" or state != "running":
            return
        link = stage.world.root / "watched.log"
        link.unlink(missing_ok=True)
        if self.kind == "empty":
            link.touch()
        if self.kind == "nan":
            now = time.time()
            line = {"method": "GET", "path": "/api/products", "status": 200, "ms": float("nan")}
            lines = (json.dumps({"t": now + second / 10, **line}) for second in range(600))
            link.write_text("\n".join(lines) + "\n")


MONITORING: tuple[Fault, ...] = (
    Blind("monitoring-nan", "monitoring has only NaN", kind="nan", quick=True),
    Blind("monitoring-down", "what monitoring reads is gone", kind="gone"),
    Blind("monitoring-empty", "monitoring has no samples", kind="empty"),
)
