"""The tasks of the emergency hotfix: each gives a step its ports. What a step does is in ``hotfix.steps``."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import TriggerRule, get_current_context
from airflow.sdk.exceptions import AirflowFailException

from hotfix.airflow.recovery_tasks import recovery_tools
from hotfix.airflow.step_task import current_incident, incident_to_recover, progress, step_task
from hotfix.airflow.toolbox import artefacts_of, migrate_bug_database, toolbox
from hotfix.domain.approval import Approval
from hotfix.domain.assessment import Assessment
from hotfix.domain.diagnosis import Diagnosis
from hotfix.domain.fix import Backup, Fix, FixPlan
from hotfix.domain.follow_up import BugRecord, FollowUp, PostMortem
from hotfix.domain.incident import Incident
from hotfix.domain.outcome import RunOutcome
from hotfix.domain.release import Deployment, HotfixCommit, LiveCheck, Push
from hotfix.domain.rollback import DeploymentRollback, FixRollback, RollbackReport
from hotfix.domain.security import SecurityReport
from hotfix.domain.stability import NextLook, StabilityReport
from hotfix.domain.testing import TestReport
from hotfix.steps import open_incident as opening
from hotfix.steps.apply_fix import apply_fix as apply_fix_step
from hotfix.steps.assess_impact import assess_impact as assess_impact_step
from hotfix.steps.back_up_files import back_up_files as back_up_files_step
from hotfix.steps.close_run import close_run, taken_over_by_another_run
from hotfix.steps.commit_hotfix import commit_hotfix as commit_hotfix_step
from hotfix.steps.deploy import deploy as deploy_step
from hotfix.steps.find_root_cause import find_root_cause as find_root_cause_step
from hotfix.steps.monitor_deployment import monitor_deployment as monitor_deployment_step
from hotfix.steps.open_follow_up_pr import open_follow_up_pr as open_follow_up_pr_step
from hotfix.steps.plan_minimal_fix import plan_minimal_fix as plan_minimal_fix_step
from hotfix.steps.push_hotfix import push_hotfix as push_hotfix_step
from hotfix.steps.recover_run import recover_run
from hotfix.steps.review_security import review_security as review_security_step
from hotfix.steps.roll_back_deployment import roll_back_deployment as roll_back_deployment_step
from hotfix.steps.roll_back_fix import roll_back_fix as roll_back_fix_step
from hotfix.steps.run_critical_tests import run_critical_tests as run_critical_tests_step
from hotfix.steps.update_bug_database import update_bug_database as update_bug_database_step
from hotfix.steps.validate_production import validate_production as validate_production_step
from hotfix.steps.verify_rollback import verify_rollback as verify_rollback_step
from hotfix.steps.watch_rollback import watch_rollback
from hotfix.steps.write_post_mortem import write_post_mortem as write_post_mortem_step


@step_task(prepare=migrate_bug_database)
def open_incident() -> Incident:
    """Validate everything, record the incident, take the service's lock. Bad params end here, nothing touched."""
    context = get_current_context()
    tools = toolbox()
    dag_run = context["dag_run"]
    given = {**context["params"], **(dag_run.conf or {})}
    report = opening.check_report(given, tools.catalog, tools.clock.now())
    service = tools.service(report.service)
    who = dag_run.triggering_user_name or "unknown"
    return opening.open_incident(
        report,
        service.profile,
        opening.RunIdentity(dag_id=dag_run.dag_id, run_id=str(dag_run.run_id), triggered_by=who),
        repository=service.repository,
        deployer=service.deployer,
        bug_database=tools.bug_database,
        artefacts=artefacts_of,
        clock=tools.clock,
    )


@step_task
def assess_impact(incident: Incident) -> Assessment:
    """Is it an emergency? Five criteria: what the reporter states, and what a live probe of the service shows."""
    service = toolbox().service(incident.service)
    assessment = assess_impact_step(incident, service.profile, service.monitoring, toolbox().clock)
    for finding in assessment.findings:
        progress(f"{finding.criterion.value}: {'met' if finding.met else 'not met'} ({'; '.join(finding.reasons)})")
    return assessment


@step_task(time_limit=timedelta(minutes=30))
def find_root_cause(incident: Incident) -> Diagnosis:
    """Search the history for the commit that broke production, with the reproducer; without one, rank suspects."""
    service = toolbox().service(incident.service)
    diagnosis = find_root_cause_step(
        incident,
        service.profile,
        repository=service.repository,
        runner=toolbox().runner(incident),
        artefacts=toolbox().artefacts(incident),
        progress=progress,
    )
    progress(diagnosis.summary)
    return diagnosis


@step_task(time_limit=timedelta(minutes=45))
def plan_minimal_fix(incident: Incident, diagnosis: Diagnosis) -> FixPlan:
    """Candidate fixes in order: the operator's, the smallest part of the culprit's revert, its whole, a model's."""
    service = toolbox().service(incident.service)
    plan = plan_minimal_fix_step(
        incident,
        service.profile,
        diagnosis,
        repository=service.repository,
        runner=toolbox().runner(incident),
        artefacts=toolbox().artefacts(incident),
        bug_database=toolbox().bug_database,
        advisor=toolbox().advisor(progress),
        progress=progress,
    )
    for candidate in plan.candidates:
        progress(f"candidate {candidate.id}: {candidate.description}")
    for one in plan.alternatives:
        broken = "tests not run" if one.broken is None else f"{one.broken} affected tests broken"
        progress(f"{one.lines:>5} lines in {one.hunks} hunks, {broken}: {one.description}. {one.why_not or 'chosen'}")
    return plan


@step_task
def back_up_files(incident: Incident, plan: FixPlan) -> Backup:
    """A ref on the remote at production's commit, and checksums of every file that may change."""
    repository = toolbox().service(incident.service).repository
    return back_up_files_step(incident, plan, repository=repository, clock=toolbox().clock)


@step_task(time_limit=timedelta(minutes=20))
def apply_fix(incident: Incident, diagnosis: Diagnosis, plan: FixPlan, backup: Backup) -> Fix:
    """The first candidate that applies, is within the policy, and makes the red reproducer green."""
    service = toolbox().service(incident.service)
    return apply_fix_step(
        incident,
        service.profile,
        diagnosis,
        plan,
        repository=service.repository,
        runner=toolbox().runner(incident),
        artefacts=toolbox().artefacts(incident),
        progress=progress,
    )


@step_task(time_limit=timedelta(minutes=30))
def run_critical_tests(incident: Incident, fix: Fix) -> TestReport:
    """The service's critical tests and those that the change affects, on the fix and on production's version."""
    service = toolbox().service(incident.service)
    report = run_critical_tests_step(
        incident,
        service.profile,
        fix,
        repository=service.repository,
        runner=toolbox().runner(incident),
        bug_database=toolbox().bug_database,
        artefacts=toolbox().artefacts(incident),
        progress=progress,
    )
    progress(f"{report.verdict.value}: {report.why}")
    return report


@step_task
def review_security(incident: Incident, fix: Fix) -> SecurityReport:
    """What scanners and the rules about changes find in the change and did not find in production's version."""
    service = toolbox().service(incident.service)
    report = review_security_step(
        fix,
        repository=service.repository,
        policy=service.profile.policy.security,
        scanners=toolbox().scanners,
        artefacts=toolbox().artefacts(incident),
        progress=progress,
    )
    progress(f"{report.verdict.value}: {report.why}")
    return report


@step_task
def commit_hotfix(incident: Incident, fix: Fix, approval: Approval) -> HotfixCommit:
    """Check that this is exactly the approved commit, and seal it on the remote with the approval."""
    service = toolbox().service(incident.service)
    return commit_hotfix_step(incident, fix, approval, repository=service.repository, deployer=service.deployer)


@step_task
def push_hotfix(incident: Incident, sealed: HotfixCommit) -> Push:
    """Publish the approved commit as the branch hotfix/<issue>."""
    return push_hotfix_step(incident, sealed, repository=toolbox().service(incident.service).repository)


@step_task(time_limit=timedelta(minutes=30))
def deploy(incident: Incident, push: Push) -> Deployment:
    """Ship the approved commit; when that fails, once more or with the alternative deployer."""
    service = toolbox().service(incident.service)
    return deploy_step(
        incident,
        push,
        policy=service.profile.policy,
        repository=service.repository,
        deployer=service.deployer,
        alternative=service.alternative,
        clock=toolbox().clock,
        progress=progress,
    )


@step_task(patient=True)
def monitor_deployment(incident: Incident, deployment: Deployment) -> LiveCheck | NextLook:
    """Wait until production itself reports the deployed version."""
    service = toolbox().service(incident.service)
    return monitor_deployment_step(
        incident,
        service.profile,
        deployment,
        monitoring=service.monitoring,
        bug_database=toolbox().bug_database,
        clock=toolbox().clock,
        progress=progress,
    )


@step_task(patient=True)
def validate_production(incident: Incident, deployment: Deployment, live: LiveCheck) -> StabilityReport | NextLook:
    """Watch real requests: error rate and latency against the baseline, and the symptom gone."""
    service = toolbox().service(incident.service)
    return validate_production_step(
        incident,
        service.profile,
        deployment,
        live,
        monitoring=service.monitoring,
        artefacts=toolbox().artefacts(incident),
        bug_database=toolbox().bug_database,
        clock=toolbox().clock,
        progress=progress,
    )


@step_task
def write_post_mortem(incident: Incident) -> PostMortem:
    """The post-mortem with a timeline of real times, the diff, the evidence and the follow-up actions."""
    tools = toolbox()
    return write_post_mortem_step(
        incident, bug_database=tools.bug_database, artefacts=tools.artefacts(incident), clock=tools.clock
    )


@step_task
def update_bug_database(incident: Incident, post_mortem: PostMortem) -> BugRecord:
    """Close the incident's record and note what is owed, until when."""
    return update_bug_database_step(incident, bug_database=toolbox().bug_database, clock=toolbox().clock)


@step_task
def open_follow_up_pr(incident: Incident, record: BugRecord) -> FollowUp:
    """A follow-up branch and pull request for the full fix, with what was skipped as a checklist."""
    tools = toolbox()
    service = tools.service(incident.service)
    return open_follow_up_pr_step(
        incident,
        service.profile,
        repository=service.repository,
        code_host=tools.code_host(incident.service),
        bug_database=tools.bug_database,
        artefacts=tools.artefacts(incident),
    )


@step_task(trigger_rule=TriggerRule.ALL_DONE, time_limit=timedelta(minutes=20))
def roll_back_deployment() -> DeploymentRollback:
    """Put production back to what it ran before, if anything was deployed."""
    incident = incident_to_recover()
    service = toolbox().service(incident.service)
    rollback = roll_back_deployment_step(
        incident,
        deployer=service.deployer,
        alternative=service.alternative,
        bug_database=toolbox().bug_database,
        progress=progress,
    )
    progress(rollback.what)
    return rollback


@step_task(trigger_rule=TriggerRule.NONE_SKIPPED)
def roll_back_fix() -> FixRollback:
    """Take the hotfix branch off the remote; its commit is kept under the incident's refs."""
    incident = incident_to_recover()
    rollback = roll_back_fix_step(incident, repository=toolbox().service(incident.service).repository)
    progress(rollback.what)
    return rollback


@step_task(trigger_rule=TriggerRule.NONE_SKIPPED, patient=True)
def verify_rollback() -> RollbackReport | NextLook:
    """Look at production and git: are they back, and is production as well as it was? If not, say what to type."""
    incident = incident_to_recover()
    service = toolbox().service(incident.service)
    report = verify_rollback_step(
        incident,
        repository=service.repository,
        deployer=service.deployer,
        monitoring=service.monitoring,
        bug_database=toolbox().bug_database,
        clock=toolbox().clock,
    )
    found = watch_rollback(
        incident,
        service.profile,
        report,
        deployer=service.deployer,
        monitoring=service.monitoring,
        artefacts=toolbox().artefacts(incident),
        bug_database=toolbox().bug_database,
        clock=toolbox().clock,
        progress=progress,
    )
    if isinstance(found, RollbackReport):
        for check in report.checks:
            progress(check)
    return found


@step_task(trigger_rule=TriggerRule.NONE_SKIPPED)
def document_rollback() -> PostMortem:
    """Post-mortem and bug record of a run that did not fix the problem."""
    incident = incident_to_recover()
    tools = toolbox()
    post_mortem = write_post_mortem_step(
        incident, bug_database=tools.bug_database, artefacts=tools.artefacts(incident), clock=tools.clock
    )
    tools.bug_database.record(incident, post_mortem)
    update_bug_database_step(incident, bug_database=tools.bug_database, clock=tools.clock)
    return post_mortem


@step_task(trigger_rule=TriggerRule.ALL_DONE, time_limit=timedelta(minutes=45))
def hotfix_outcome() -> RunOutcome:
    """The only leaf: red unless the problem is fixed in production and on record, or was handed over.

    What tasks that died have left undone is done here first.
    """
    incident = current_incident()
    tools = toolbox()
    if incident:
        recover_run(incident, recovery_tools(incident))
    # The catalog, not the service's tools: giving the lock back must not depend on a deployer's settings.
    repository = tools.repository_of(tools.catalog.profile(incident.service)) if incident else None
    outcome = close_run(incident, repository=repository, bug_database=tools.bug_database, clock=tools.clock)
    # Without it the compliance DAG finds this run, and hands it to people.
    if incident and (outcome.succeeded or taken_over_by_another_run(incident, tools.bug_database)):
        tools.bug_database.record(incident, outcome)
    for check in outcome.criteria:
        progress(f"{'yes' if check.holds else 'NO '}: {check.name} ({check.detail})")
    for line in outcome.not_told:
        progress(f"not told: {line}")
    progress(outcome.summary)
    if not outcome.succeeded:
        raise AirflowFailException(outcome.summary)
    return outcome
