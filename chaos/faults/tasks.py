"""The process of a task dies."""

from __future__ import annotations

from dataclasses import dataclass

from chaos.fault import ROLLED_BACK, Expected, Fault, Live
from chaos.stage import DAG, Stage, comply, wait_until
from hotfix.domain.stability import StabilityReport
from hotfix.ports.bug_database import IncidentStatus
from hotfix.steps.judge_dead_run import JUDGED

COMPLIANCE = "hotfix_compliance"
FOR_GOOD = 99
BY_COMPLIANCE = Expected(IncidentStatus.ROLLED_BACK, Live.BEFORE, green=False, finished_by=COMPLIANCE)
EVERY = (
    *("open_incident", "assess_impact", "production_impact", "find_root_cause", "plan_minimal_fix", "back_up_files"),
    *("apply_fix", "run_critical_tests", "tests_pass", "review_security", "security_clear", "await_approval"),
    *("approved", "commit_hotfix", "push_hotfix", "deploy", "monitor_deployment", "validate_production"),
    *("production_stable", "write_post_mortem", "update_bug_database", "open_follow_up_pr", "hotfix_outcome"),
)
EVERY_OF_ROLLBACK = (
    *("roll_back_deployment", "roll_back_fix", "verify_rollback", "document_rollback", "another_candidate"),
    *("escalate", "hotfix_outcome"),
)


@dataclass(frozen=True)
class Killed(Fault):
    """SIGKILL for these tasks, ``times`` times each; ``worker``: for the process that looks after the task, too."""

    tasks: tuple[str, ...] = ()
    moment: str = "mixed"
    times: int = 1
    worker: bool = False

    def prepare(self, stage: Stage) -> None:
        stage.condemn(*self.tasks, moment=self.moment, times=self.times, worker=self.worker)

    def after(self, stage: Stage) -> None:
        if self.expected.finished_by == COMPLIANCE:
            comply(stage)

    def problems(self, stage: Stage) -> list[str]:
        killed = {task.rsplit(".", 1)[-1] for task in stage.killed()}
        missed = set(self.tasks) - killed
        return [f"never killed: {', '.join(sorted(missed))}"] if missed else []


@dataclass(frozen=True)
class Rejected(Killed):
    """An approver rejects in Airflow, and the process that is resumed with the answer dies."""

    tasks: tuple[str, ...] = ("await_approval",)

    def prepare(self, stage: Stage) -> None:
        stage.condemn(*self.tasks, moment="begin", resumed=True)

    def report(self, stage: Stage) -> None:
        stage.trigger(approval_window=60, **self.params())

    def at(self, stage: Stage, task: str, state: str) -> None:
        if task == "await_approval" and state == "deferred":
            stage.api("approver").answer(DAG, stage.runs[0], "deployment.await_approval", "Reject")


@dataclass(frozen=True)
class Forgotten(Fault):
    """The run is deleted from Airflow at this task, as by a machine whose disk is gone."""

    task: str = "await_approval"

    def prepare(self, stage: Stage) -> None:
        if self.task == "validate_production":
            stage.profile["monitoring"] |= {"window": 60, "limit": 120}

    def report(self, stage: Stage) -> None:
        stage.trigger(approval_window=3600 if self.task == "await_approval" else 8, **self.params())

    def at(self, stage: Stage, task: str, state: str) -> None:
        states = ("deferred",) if self.task == "await_approval" else ("running", "deferred")
        if task == self.task and state in states:
            stage.api("admin").forget(DAG, stage.runs[0])

    def after(self, stage: Stage) -> None:
        wait_until(lambda: stage.state(stage.runs[0]) == "gone", 60, "the run is forgotten")
        comply(stage)

    def problems(self, stage: Stage) -> list[str]:
        """Whether compliance judged what the run had left in production, and before it acted."""
        incident = stage.records.incident_of_run(stage.runs[0])
        report = stage.records.find(incident, StabilityReport) if incident else None
        judged = report is not None and JUDGED in report.why
        wanted = self.task != "await_approval"
        return [] if judged == wanted else [f"production was {'' if judged else 'not '}judged by {COMPLIANCE}"]


TASKS: tuple[Fault, ...] = (
    Killed(
        "outcome-lost",
        "hotfix_outcome dies on all four tries, all work done",
        Expected(IncidentStatus.RESOLVED, Live.FIX, green=False, finished_by=COMPLIANCE),
        tasks=("hotfix_outcome",),
        moment="begin",
        times=FOR_GOOD,
        quick=True,
    ),
    Killed(
        "rollback-lost",
        "roll_back_deployment dies on all four tries, the hotfix unstable",
        ROLLED_BACK,
        patch="unstable.patch",
        tasks=("roll_back_deployment",),
        moment="begin",
        times=FOR_GOOD,
        quick=True,
    ),
    Rejected("answer-lost", "the process dies that an approver's no has resumed", ROLLED_BACK, quick=True),
    Killed(
        "deploy-lost",
        "deploy dies on all four tries, the hotfix live",
        ROLLED_BACK,
        tasks=("deploy",),
        moment="end",
        times=FOR_GOOD,
    ),
    Forgotten("run-forgotten", "the run is gone from Airflow while it awaits approval", BY_COMPLIANCE),
    Forgotten(
        "watch-forgotten",
        "the run is gone from Airflow while production is watched",
        Expected(IncidentStatus.RESOLVED, Live.FIX, green=False, finished_by=COMPLIANCE),
        task="validate_production",
    ),
    Forgotten(
        "unstable-forgotten",
        "the run is gone from Airflow right after it has deployed a hotfix that is unstable",
        BY_COMPLIANCE,
        patch="unstable.patch",
        task="monitor_deployment",
    ),
    Killed(
        "push-lost",
        "push_hotfix dies on all four tries, the branch pushed",
        ROLLED_BACK,
        tasks=("push_hotfix",),
        moment="end",
        times=FOR_GOOD,
    ),
    Killed(
        "open-lost",
        "open_incident dies on all four tries, the lock taken",
        Expected(IncidentStatus.FAILED, Live.BEFORE, green=False),
        tasks=("open_incident",),
        moment="end",
        times=FOR_GOOD,
    ),
    Killed(
        "escalation-lost",
        "escalate dies on all four tries: nobody is told",
        BY_COMPLIANCE,
        patch="insecure.patch",
        tasks=("escalate",),
        moment="begin",
        times=FOR_GOOD,
    ),
    Killed(
        "deploy-half-done",
        "deploy dies on all four tries, 0.2 s into the work",
        ROLLED_BACK,
        tasks=("deploy",),
        moment="middle",
        times=FOR_GOOD,
    ),
    Killed(
        "post-mortem-lost",
        "write_post_mortem dies on all four tries",
        tasks=("write_post_mortem",),
        moment="begin",
        times=FOR_GOOD,
    ),
    *(
        Killed(f"worker-{task}", f"the worker dies with {task}", tasks=(task,), moment="middle", worker=True)
        for task in ("await_approval", "deploy", "validate_production")
    ),
    Killed(
        "every-rollback-task",
        f"SIGKILL of each of {len(EVERY_OF_ROLLBACK)} tasks of a rollback",
        ROLLED_BACK,
        patch="unstable.patch",
        tasks=EVERY_OF_ROLLBACK,
        quick=True,
    ),
    *(
        Killed(
            f"every-task-{name}",
            f"SIGKILL of each of {len(EVERY)} tasks {words}",
            patch=None,
            tasks=EVERY,
            moment=name,
            quick=name == "end",
        )
        for name, words in (
            ("begin", "as its work begins"),
            ("middle", "0.2 s into its work"),
            ("end", "when its work is done and Airflow is not yet told"),
        )
    ),
)
