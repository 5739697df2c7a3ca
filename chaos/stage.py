"""Where a fault happens: a service in production, an Airflow, and what the fault may do to them."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from demo.airflow_api import AirflowApi
from demo.airflow_stack import REPOSITORY, AirflowStack
from demo.play import ledger
from demo.sample_service.git import git
from demo.world import World
from hotfix.ports.bug_database import BugDatabase

DAG = "emergency_hotfix"
HEARTBEAT_TIMEOUT = "30"  # seconds until Airflow gives a task up whose worker is gone; its default is 300
ORPHANS = "30"  # seconds between looks for tasks of a scheduler that is gone; Airflow's default is 300
ENDED = ("success", "failed")
POLL = 0.7  # seconds
# Beside gunicorn's own: waits, hangs or fails where the file ``trial.mode`` beside it says so.
TRIAL = """\
import os, pathlib, sys, time
mode = pathlib.Path(__file__).with_suffix(".mode")
while mode.is_file() and mode.read_text() == "wait":
    time.sleep(0.2)
if mode.is_file() and mode.read_text() == "hang":
    time.sleep(3600)
if mode.is_file() and mode.read_text() == "fail":
    sys.exit("the host refuses")
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


@dataclass
class Stage:
    """``world`` is a service of its own; Airflow and the bug database belong to all stages."""

    world: World
    stack: AirflowStack
    plans: Path
    profile: dict[str, Any] = field(default_factory=dict)
    runs: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    logins: dict[str, AirflowApi] = field(default_factory=dict)
    refs_before: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.profile = self.world.profile()
        trial = self.world.root / "trial.py"
        trial.write_text(TRIAL)
        # What follows ``{python}`` in the profile's own command.
        self.profile["deployer"]["trial"][1:1] = [str(trial)]

    @property
    def service(self) -> str:
        return self.world.name

    @property
    def issue(self) -> str:
        return f"CHAOS-{self.service}"

    @property
    def remote(self) -> Path:
        return self.world.root / "shop.git"

    @property
    def records(self) -> BugDatabase:
        return ledger(self.stack)

    @property
    def artefacts(self) -> Path:
        return self.stack.home / "hotfix" / "artefacts" / self.issue / "1"

    def api(self, user: str = "on-call") -> AirflowApi:
        """Logged in once: each login costs the api-server more than a call."""
        if user not in self.logins:
            self.logins[user] = AirflowApi(self.stack.url, user)
        return self.logins[user]

    def describe(self) -> None:
        """Write the profile, as the fault has left it, into the catalog."""
        text = yaml.safe_dump(self.profile, sort_keys=False, allow_unicode=True)
        (self.stack.services / f"{self.service}.yaml").write_text(text)

    def trial(self, mode: str) -> None:
        file = self.world.root / "trial.mode"
        if mode:
            file.write_text(mode)
        else:
            file.unlink(missing_ok=True)

    def hook(self, name: str, script: str) -> None:
        """A hook of the service's remote."""
        file = self.remote / "hooks" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def hide_remote(self, hidden: bool) -> None:
        """Take the remote away, or bring it back."""
        away = self.remote.with_suffix(".away")
        if hidden and self.remote.is_dir():
            self.remote.rename(away)
        elif not hidden and away.is_dir():
            away.rename(self.remote)

    def commit(self, branch: str, start: str, subject: str) -> str:
        """Somebody else's commit on a branch of the remote."""
        tree = git(self.remote, "rev-parse", f"{start}^{{tree}}").strip()
        author = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org")
        sha = git(self.remote, *author, "commit-tree", tree, "-p", start, "-m", subject).strip()
        git(self.remote, "update-ref", f"refs/heads/{branch}", sha)
        return sha

    def condemn(
        self, *tasks: str, moment: str = "mixed", times: int = 1, worker: bool = False, resumed: bool = False
    ) -> None:
        """SIGKILL the processes of these tasks (``*``: all) as their work begins, in its middle, or when it is done.

        ``resumed``: only processes that go on with a task that has waited.
        """
        plan = {"tasks": tasks, "moment": moment, "times": times, "worker": worker, "resumed": resumed}
        (self.plans / f"{self.service}.json").write_text(json.dumps(plan))

    def killed(self) -> dict[str, int]:
        """How often each task was killed."""
        folder = self.plans / self.service
        return {task.name: len(list(task.iterdir())) for task in folder.iterdir()} if folder.is_dir() else {}

    def trigger(self, **params: Any) -> str:
        incident = json.loads((Path(__file__).parents[1] / "docs" / "examples" / "incident.json").read_text())
        conf = incident | {"service": self.service, "issue": self.issue, "approval_window": 8} | params
        run = f"{self.service}-{len(self.runs) + 1}"
        self.runs.append(run)
        return self.api().trigger(DAG, conf, run)

    def state(self, run: str) -> str:
        """The run's state; ``gone`` when Airflow does not know it."""
        return next((str(each["state"]) for each in self.api().runs(DAG) if each["dag_run_id"] == run), "gone")

    def put_log_behind_a_link(self) -> Path:
        """Let monitoring read the access log through a link, which it can lose while production writes on."""
        link = self.world.root / "watched.log"
        link.unlink(missing_ok=True)
        link.symlink_to(self.world.production.access_log)
        self.profile["monitoring"]["access_log"] = str(link)
        return link


def service_of(fault: str) -> str:
    """The name of the service that meets a fault."""
    return f"shop-{fault.replace('_', '-')}"


def arm(stack: AirflowStack, plugins: Path, plans: Path) -> None:
    """Give an Airflow that has not started yet the plugin that kills tasks as the plans in a folder say."""
    for folder in (plugins, plans):
        folder.mkdir(parents=True, exist_ok=True)
    for source in (*(REPOSITORY / "plugins").glob("*.py"), *(REPOSITORY / "chaos" / "plugins").glob("*.py")):
        shutil.copy(source, plugins)
    stack.environment |= {
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins),
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": HEARTBEAT_TIMEOUT,
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": ORPHANS,
        "HOTFIX_CHAOS": str(plans),
    }


def announce(stack: AirflowStack, services: Iterable[str]) -> None:
    """Put services into the catalog before Airflow reads it: the form offers only what is there by name."""
    stack.services.mkdir(parents=True, exist_ok=True)
    for service in services:
        (stack.services / f"{service}.yaml").write_text(f"name: {service}\n")


# Set when chaos is to end early: everybody who waits gives up.
STOP = threading.Event()


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Ask every ``POLL`` seconds.

    Raises:
        TimeoutError: it did not come true, or ``STOP`` was set.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        if STOP.wait(POLL):
            raise TimeoutError(f"{what}: stopped")


def comply(stage: Stage, **params: Any) -> str:
    """Run the compliance DAG, as its schedule would; the run's state."""
    api = stage.api()
    with _ONE_COMPLIANCE:
        run = api.trigger("hotfix_compliance", params)
        wait_until(lambda: api.run("hotfix_compliance", run)["state"] in ENDED, 600, f"compliance run {run}")
        return str(api.run("hotfix_compliance", run)["state"])


_ONE_COMPLIANCE = threading.Lock()


@contextmanager
def set_up(stage: Stage) -> Iterator[None]:
    """Production with the regression in it, under load; everything is stopped and removed at the end."""
    stage.describe()
    try:
        with stage.world:
            stage.world.release_regression()
            stage.refs_before = dict(stage.world.refs())
            time.sleep(6)
            yield
    finally:
        shutil.rmtree(stage.world.root, ignore_errors=True)
