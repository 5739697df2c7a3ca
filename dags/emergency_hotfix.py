"""### Emergency hotfix

From an incident report to a verified fix in production, or safely back.

**What it does.** Assesses the incident, finds the commit that broke production, applies the smallest fix that stops
the problem, runs the tests that matter, reviews the security of the change, asks for approval, ships exactly what was
approved, watches production, and files post-mortem, bug record and follow-up. Whatever goes wrong on the way,
production, git and the record are put back, and people take over through `incident_response`.

**What it does not do.** It replaces no code review and no full test run: both are owed afterwards, and
`hotfix_compliance` checks that they happen. It ships nothing without approval; silence counts as approval only when
tests, security, policy and rollback plan are proved.

**Gates.** `production_impact`, `tests_pass`, `security_clear`, `approved`, `production_stable`: each chooses the next
phase or the rollback.

**How it ends.** `hotfix_outcome` is green when the problem is fixed in production and on record, or when it was no
emergency and was handed over. It is red in every other case and says why; read its log first.
"""

from __future__ import annotations

from airflow.sdk import TaskGroup, dag

from hotfix.airflow import gates, tasks
from hotfix.airflow.approval_sensor import ApprovalSensor
from hotfix.airflow.edges import lead
from hotfix.airflow.form import incident_form
from hotfix.airflow.hand_over import Escalate, HandOver, TryNextCandidate, another_candidate
from hotfix.airflow.notifications import TOLD


@dag(
    dag_id="emergency_hotfix",
    schedule=None,
    catchup=False,
    is_paused_upon_creation=False,
    max_active_runs=16,
    params=incident_form(),
    default_args=TOLD,
    tags=["hotfix"],
    doc_md=__doc__,
)
def emergency_hotfix():
    with TaskGroup("assessment", tooltip="1. Is it an emergency?"):
        incident = tasks.open_incident()
        assessment = tasks.assess_impact()
        production_impact = gates.production_impact(assessment)
        handed_over = HandOver(task_id="hand_over_to_standard_fix", trigger_dag_id="standard_bug_fix")
        incident >> assessment
        lead(production_impact, "no emergency", handed_over)

    with TaskGroup("fix", tooltip="2. Root cause and minimal fix"):
        diagnosis = tasks.find_root_cause()
        plan = tasks.plan_minimal_fix(diagnosis)
        backup = tasks.back_up_files(plan)
        fix = tasks.apply_fix(diagnosis, plan, backup)
        lead(production_impact, "emergency", diagnosis)

    with TaskGroup("validation", tooltip="3. Critical tests and security"):
        tests = tasks.run_critical_tests(fix)
        tests_pass = gates.tests_pass(tests)
        security = tasks.review_security(fix)
        security_clear = gates.security_clear(security)
        lead(tests_pass, "passed", security)

    with TaskGroup("deployment", tooltip="4. Approval, commit, push, deployment"):
        approval = ApprovalSensor(task_id="await_approval")
        approved = gates.approved(approval.output)
        sealed = tasks.commit_hotfix(fix, approval.output)
        deployment = tasks.deploy(tasks.push_hotfix(sealed))
        live = tasks.monitor_deployment(deployment)
        lead(security_clear, "clear", approval)
        lead(approved, "approved", sealed)

    with TaskGroup("follow_up", tooltip="5. Production validated, everything on record"):
        stability = tasks.validate_production(deployment, live)
        production_stable = gates.production_stable(stability)
        post_mortem = tasks.write_post_mortem()
        record = tasks.update_bug_database(post_mortem)
        pull_request = tasks.open_follow_up_pr(record)
        lead(production_stable, "stable", post_mortem)

    with TaskGroup("rollback", tooltip="Production, git and the record are put back"):
        put_back = tasks.roll_back_deployment()
        next_move = another_candidate()
        retried = TryNextCandidate(task_id="try_next_candidate", trigger_dag_id="emergency_hotfix")
        escalated = Escalate(task_id="escalate", trigger_dag_id="incident_response", trigger_rule="none_skipped")
        put_back >> tasks.roll_back_fix() >> tasks.verify_rollback() >> tasks.document_rollback() >> next_move
        lead(next_move, "tests failed, another candidate", retried)
        lead(next_move, "people take over", escalated)

    for gate in (production_impact, tests_pass, security_clear, approved, production_stable):
        lead(gate, "no", put_back)
    [handed_over, pull_request, retried, escalated] >> tasks.hotfix_outcome()


emergency_hotfix()
