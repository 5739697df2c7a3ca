"""A worker that dies in the middle of any task changes nothing about the result."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from demo.airflow_api import AirflowApi
from demo.airflow_stack import AirflowStack
from demo.play import Played, ledger, play
from demo.scenarios import SCENARIOS
from demo.world import World
from hotfix.domain.follow_up import FollowUp
from hotfix.domain.release import Push

pytestmark = pytest.mark.stack

EFFECTS = {
    "assessment.open_incident",
    "fix.back_up_files",
    "fix.apply_fix",
    "deployment.commit_hotfix",
    "deployment.push_hotfix",
    "deployment.deploy",
    "follow_up.write_post_mortem",
    "follow_up.update_bug_database",
    "follow_up.open_follow_up_pr",
    "hotfix_outcome",
}
UNDOING = {"rollback.roll_back_deployment", "rollback.roll_back_fix", "rollback.document_rollback", "rollback.escalate"}


@dataclass(frozen=True)
class UnderFire:
    """A scenario, the tasks that ran in it, and those that were killed once."""

    played: Played
    ran: set[str]
    killed: set[str]


@pytest.fixture(scope="module")
def under_fire(stack: AirflowStack, worlds: Mapping[str, World], kills: Path) -> Mapping[str, Future[UnderFire]]:
    """Both scenarios at once: most of the time a killed task waits for its next try."""

    api = AirflowApi(stack.url, "viewer")

    def one(name: str, world: World) -> UnderFire:
        runs: list[str] = []
        with Path(os.devnull).open("w") as nowhere, world:
            played = play(SCENARIOS[name], world, stack, Console(file=nowhere), 8, on_run=runs.append)
        tasks = [task for run in runs for task in api.tasks("emergency_hotfix", run)]
        ran = {task["task_id"] for task in tasks if task["try_number"] > 0}
        return UnderFire(played, ran, {note.name for note in (kills / world.name).iterdir()})

    with ThreadPoolExecutor(max_workers=2) as pool:
        return {
            "fixed": pool.submit(one, "fixed", worlds["shop-kills"]),
            "unstable": pool.submit(one, "unstable", worlds["shop-kills-rollback"]),
        }


def deployments(world: World) -> list[str]:
    lines = (world.production.root / "history.jsonl").read_text().splitlines()
    # A deployment that died while it wrote leaves an empty line behind.
    return [json.loads(line)["version"] for line in lines if line]


def test_every_task_killed_once_ends_in_the_same_fix(
    stack: AirflowStack, worlds: Mapping[str, World], under_fire: Mapping[str, Future[UnderFire]]
) -> None:
    world = worlds["shop-kills"]
    result = under_fire["fixed"].result()
    played, killed = result.played, result.killed
    assert played.ending.problems == ()
    assert killed >= EFFECTS
    assert killed == result.ran, f"not hit: {sorted(result.ran - killed)}"
    incident, fix = played.ending.incident, played.ending.fix
    assert fix is not None
    assert len(played.ending.attempts) == 1
    assert deployments(world).count(fix.commit) == 1
    refs = world.refs()
    branches = [name for name in refs if name.startswith("refs/heads/")]
    assert sorted(branches) == [
        "refs/heads/follow-up/" + incident.id,
        "refs/heads/hotfix/" + incident.id,
        "refs/heads/main",
    ]
    records = ledger(stack)
    follow_up, push = records.find(incident, FollowUp), records.find(incident, Push)
    assert follow_up is not None
    assert push is not None
    assert push.commit == fix.commit == refs["refs/heads/hotfix/" + incident.id]
    kinds = [item.kind for _, item in records.owed(incident.id, only_open=False)]
    assert len(kinds) == len(set(kinds)) > 0


def test_every_rollback_task_killed_once_puts_everything_back(
    worlds: Mapping[str, World], under_fire: Mapping[str, Future[UnderFire]]
) -> None:
    world = worlds["shop-kills-rollback"]
    result = under_fire["unstable"].result()
    played, killed = result.played, result.killed
    assert played.ending.problems == ()
    assert killed >= UNDOING
    assert killed == result.ran, f"not hit: {sorted(result.ran - killed)}"
    assert deployments(world)[-1] == played.ending.incident.production
