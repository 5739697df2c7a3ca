"""Did the workflow do the right thing? Asked of production, git, the ledger and Airflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from demo.airflow_api import AirflowApi
from demo.scenarios import Scenario
from demo.world import World
from hotfix.domain.fix import Fix
from hotfix.domain.incident import Incident
from hotfix.ports.bug_database import BugDatabase, IncidentRow, IncidentStatus

HEALTHY_ERROR_RATE = 0.05


@dataclass(frozen=True)
class Ending:
    """How it ended, as found; ``problems`` is empty when it is right."""

    attempts: tuple[IncidentRow, ...]
    incident: Incident
    fix: Fix | None
    version: str
    error_rate: float | None
    problems: tuple[str, ...]


def inspect(
    scenario: Scenario,
    world: World,
    run_id: str,
    bug_database: BugDatabase,
    api: AirflowApi,
    seen_after: tuple[int, int],
) -> Ending:
    """Look at everything that has to agree; ``seen_after`` is (requests, errors) that customers saw afterwards."""
    first = bug_database.incident_of_run(run_id)
    if first is None:
        raise RuntimeError(f"run {run_id} opened no incident: look at its open_incident task")
    attempts = bug_database.attempts(first.id)
    incident = bug_database.incident_of_run(attempts[-1].run_id) or first
    fix = bug_database.find(incident, Fix)
    requests, errors = seen_after
    rate = errors / requests if requests else None
    version = world.version()
    problems = [
        *_states(scenario, attempts, api),
        *_production(scenario, first, fix, version, rate),
        *_git(scenario, first, fix, world.refs()),
    ]
    return Ending(attempts, incident, fix, version, rate, tuple(problems))


def _states(scenario: Scenario, attempts: tuple[IncidentRow, ...], api: AirflowApi) -> list[str]:
    found = tuple(row.status for row in attempts)
    problems = [] if found == scenario.ends else [f"the attempts ended {[state.value for state in found]}"]
    for row in attempts:
        good = row.status in (IncidentStatus.RESOLVED, IncidentStatus.HANDED_OVER)
        state = api.run("emergency_hotfix", row.run_id)["state"]
        if state != ("success" if good else "failed"):
            problems.append(f"run {row.run_id} is {state}, its incident {row.status.value}")
    if scenario.successor:
        named = f"{attempts[-1].id}__{attempts[-1].attempt}"
        started = [run for run in api.runs(scenario.successor) if run["dag_run_id"] == named]
        if len(started) != 1:
            problems.append(f"{scenario.successor} was started {len(started)} times")
    return problems


def _production(scenario: Scenario, incident: Incident, fix: Fix | None, version: str, rate: float | None) -> list[str]:
    wanted = fix.commit if scenario.fixed and fix else incident.production
    problems = [] if version == wanted else [f"production runs {version[:12]}, not {wanted[:12]}"]
    healthy = scenario.fixed or not scenario.regression
    if healthy and (rate is None or rate > HEALTHY_ERROR_RATE):
        problems.append(f"customers see {'nothing' if rate is None else f'{rate:.1%} errors'}")
    return problems


def _git(scenario: Scenario, incident: Incident, fix: Fix | None, refs: Mapping[str, str]) -> list[str]:
    problems = []
    branch = refs.get(f"refs/heads/{incident.branch}")
    wanted = fix.commit if scenario.fixed and fix else None
    if branch != wanted:
        problems.append(f"{incident.branch} is at {branch}, should be at {wanted}")
    if incident.lock_ref in refs:
        problems.append("the service's lock was not given back")
    if not scenario.fixed and fix and f"{incident.ref_prefix}/rolled-back-1" not in refs:
        problems.append("the rolled back fix was not kept")
    return problems
