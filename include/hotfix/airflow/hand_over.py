"""Tasks that start another DAG run. Its run id is named after the incident: a retry starts no second one."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import TriggerRule
from airflow.sdk.exceptions import DagRunTriggerException

from hotfix.airflow.step_task import RETRIES, RETRY_DELAY, Notes, gate, incident_to_recover, noted, progress
from hotfix.airflow.toolbox import toolbox
from hotfix.domain.effect import EffectKind, Intent
from hotfix.domain.incident import Incident
from hotfix.steps.escalate import escalate, next_candidate

if TYPE_CHECKING:
    from airflow.sdk import Context


class StartRun(TriggerDagRunOperator):
    """Starts a run of another DAG, once. A subclass says which run, and with what.

    Fails when that DAG is paused: an escalation that waits for ever in a queue is none.
    """

    def __init__(self, **kwargs: Any) -> None:
        tries: dict[str, Any] = {"retries": RETRIES, "retry_delay": RETRY_DELAY}
        super().__init__(logical_date=None, fail_when_dag_is_paused=True, **(tries | kwargs))

    @abstractmethod
    def prepare(self, incident: Incident, context: Context, notes: Notes) -> tuple[str, dict[str, Any]]:
        """The run id and the conf of the run to start."""

    def execute(self, context: Context) -> None:
        with noted(str(self.task_id).rsplit(".", 1)[-1]) as notes:
            self.trigger_run_id, self.conf = self.prepare(incident_to_recover(), context, notes)
            notes.say(f"starts {self.trigger_dag_id} / {self.trigger_run_id}")
            if context["ti"].get_dr_count(dag_id=self.trigger_dag_id, run_ids=[self.trigger_run_id]):
                progress(f"{self.trigger_dag_id} / {self.trigger_run_id} was started before")
                return
            intent = Intent(kind=EffectKind.START_RUN, key=f"{self.trigger_dag_id}/{self.trigger_run_id}")
            with toolbox().journal.effect(intent):
                asked = self._ask(context)
            raise asked

    def _ask(self, context: Context) -> DagRunTriggerException:
        """How an operator asks Airflow to start a run; raised, Airflow starts it."""
        try:
            super().execute(context)
        except DagRunTriggerException as asked:
            return asked
        raise AssertionError("the operator asks by raising")


class HandOver(StartRun):
    """An incident that is no emergency goes on as a standard bug fix."""

    def prepare(self, incident: Incident, context: Context, notes: Notes) -> tuple[str, dict[str, Any]]:
        return f"{incident.id}__{incident.attempt}", {"incident_run": incident.run_id}


class Escalate(StartRun):
    """What was tried and the next options go to people, through the incident response."""

    def prepare(self, incident: Incident, context: Context, notes: Notes) -> tuple[str, dict[str, Any]]:
        service = toolbox().service(incident.service)
        escalation = escalate(incident, service.profile, deployer=service.deployer, bug_database=toolbox().bug_database)
        notes.record(escalation)
        return escalation.run_id, {"incident_run": incident.run_id}


class TryNextCandidate(StartRun):
    """The same incident again, without the candidate that the tests spoke against."""

    def prepare(self, incident: Incident, context: Context, notes: Notes) -> tuple[str, dict[str, Any]]:
        excluded = next_candidate(incident, toolbox().bug_database) or ()
        attempt = incident.attempt + 1
        conf = dict(context["dag_run"].conf or {})
        conf.update({"issue": incident.id, "attempt": attempt, "exclude_candidates": list(excluded)})
        return f"{incident.id}__attempt_{attempt}", conf


@gate(trigger_rule=TriggerRule.NONE_SKIPPED)
def another_candidate() -> str:
    """Once, when the tests spoke against a fix and another candidate is left; otherwise people take over."""
    excluded = next_candidate(incident_to_recover(), toolbox().bug_database)
    return "rollback.try_next_candidate" if excluded else "rollback.escalate"
