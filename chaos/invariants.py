"""What has to be true after every run, whatever happened to it. Each check gives problems as sentences."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from chaos.fault import Expected, Live
from chaos.stage import DAG, Stage
from hotfix.domain.effect import Effect, EffectKind, EffectState
from hotfix.domain.fix import Fix
from hotfix.domain.incident import Incident
from hotfix.domain.outcome import RunOutcome
from hotfix.domain.rollback import RollbackReport
from hotfix.ports.bug_database import IncidentRow, IncidentStatus
from hotfix.steps.what_went_wrong import TAKEN_OVER


@dataclass(frozen=True)
class After:
    """What was found when all was over. ``refs`` are the remote's, ``version`` is production's own word."""

    stage: Stage
    expected: Expected
    rows: tuple[IncidentRow, ...]
    incident: Incident
    fix: Fix | None
    refs: dict[str, str]
    version: str
    effects: tuple[Effect, ...]

    @property
    def fixed(self) -> bool:
        return self.expected.live is Live.FIX


def look(stage: Stage, expected: Expected) -> After:
    """
    Raises:
        LookupError: no run has opened an incident.
    """
    records = stage.records
    opened = [incident for incident in map(records.incident_of_run, stage.runs) if incident]
    begun = [incident for incident in opened if records.find(incident, Fix)] or opened
    if not begun:
        raise LookupError("no run has opened an incident")
    incident = begun[0]
    return After(
        stage=stage,
        expected=expected,
        rows=records.attempts(incident.id),
        incident=incident,
        fix=records.find(incident, Fix),
        refs=dict(stage.world.refs()),
        version=stage.world.version(),
        effects=records.effects(incident),
    )


def production_is_where_the_record_says(after: After) -> list[str]:
    records, incident = after.stage.records, after.incident
    if after.fixed:
        wanted = after.fix.commit if after.fix else None
    else:
        wanted = incident.production if after.expected.live is Live.BEFORE else after.stage.world.history.head
    problems = []
    if after.version != wanted:
        problems.append(
            f"production runs {after.version[:12]}, not {(wanted or 'the fix, of which there is none')[:12]}"
        )
    report = records.find(incident, RollbackReport)
    if report and report.production != after.version:
        problems.append(f"the rollback's report says that production runs {report.production}, it runs {after.version}")
    named = {after.fix.commit if after.fix else "", incident.production, report.production if report else ""}
    if after.version not in named:
        problems.append(f"the record names no {after.version[:12]}")
    return problems


def the_record_is_closed(after: After) -> list[str]:
    row = after.rows[-1]
    problems = []
    if row.status is not after.expected.status:
        problems.append(f"the record says {row.status.value}, not {after.expected.status.value}")
    if row.closed_at is None:
        problems.append("the record has no closing time")
    if after.stage.records.find(after.incident, RunOutcome) is None:
        problems.append("the record has no last word")
    if len(after.rows) != 1:
        problems.append(f"there are {len(after.rows)} records of attempts")
    return problems


def git_agrees(after: After) -> list[str]:
    branch = after.refs.get(f"refs/heads/{after.incident.branch}")
    commit = after.fix.commit if after.fix else None
    problems = []
    if after.fixed and branch != commit:
        problems.append(f"{after.incident.branch} is at {branch}, production runs {commit}")
    if not after.fixed and branch is not None and branch == commit:
        problems.append(f"{after.incident.branch} is still there, though production does not run it")
    locks = [ref for ref in after.refs if ref.startswith("refs/hotfix-locks/")]
    if locks:
        problems.append(f"a lock was left: {', '.join(locks)}")
    return problems


def nothing_is_lost(after: After) -> list[str]:
    gone = sorted(set(after.stage.refs_before) - set(after.refs))
    problems = [f"the remote has lost {', '.join(gone)}"] if gone else []
    if after.fix:
        if after.refs.get(after.fix.ref) != after.fix.commit:
            problems.append(f"{after.fix.ref} does not keep the fix")
        kept = f"{after.incident.ref_prefix}/rolled-back-{after.incident.attempt}"
        if not after.fixed and after.refs.get(kept) != after.fix.commit:
            problems.append(f"{kept} does not keep the fix that was taken back")
    return problems


def everything_happened_once(after: After) -> list[str]:
    problems = []
    new = {ref for ref in after.refs if ref.startswith("refs/heads/")} - set(after.stage.refs_before)
    wanted = {f"refs/heads/{after.incident.branch}", f"refs/heads/follow-up/{after.incident.id}"}
    if extra := new - wanted:
        problems.append(f"there are branches beside the incident's: {', '.join(sorted(extra))}")
    if after.fix:
        times = deployments(after.stage).count(after.fix.commit)
        if times > 1 or (after.fixed and times != 1):
            problems.append(f"the hotfix was deployed {times} times")
    follow_ups = [item.kind for _, item in after.stage.records.owed(after.incident.id, only_open=False)]
    if len(follow_ups) != len(set(follow_ups)):
        problems.append(f"something is owed twice: {follow_ups}")
    return problems


def people_hear_of_it_once(after: After) -> list[str]:
    started = responses(after.stage).count(f"{after.incident.id}__{after.incident.attempt}")
    fixed, alone = after.expected.status is IncidentStatus.RESOLVED, after.expected.finished_by == DAG
    # Of a fix whose papers somebody else had to file, people may hear or not.
    allowed = {0, 1} if fixed and not alone else {0} if fixed else {1}
    return [] if started in allowed else [f"incident_response was started {started} times, not {min(allowed)}"]


def the_journal_is_settled(after: After) -> list[str]:
    problems = [
        f"the journal has an open end: {effect.headline}"
        for effect in after.effects
        if effect.state is EffectState.UNDER_WAY and effect.kind is not EffectKind.START_RUN
    ]
    names = {(effect.kind, effect.key) for effect in after.effects}
    if not names:
        problems.append("the journal is empty")
    elif (EffectKind.SET_REF, after.incident.lock_ref) not in names:
        problems.append("the journal does not know of the lock")
    if after.fixed and after.fix:
        branch = f"refs/heads/{after.incident.branch}"
        for kind, key in ((EffectKind.SET_REF, branch), (EffectKind.DEPLOY, after.fix.commit)):
            done = [effect for effect in after.effects if (effect.kind, effect.key) == (kind, key)]
            if [effect.state for effect in done] != [EffectState.DONE]:
                problems.append(f"the journal does not say that {kind.value} {key} was done")
    return problems


def the_colour_is_right(after: After) -> list[str]:
    state = after.stage.state(after.incident.run_id)
    wanted = ("success",) if after.expected.green else ("failed", "gone")
    return [] if state in wanted else [f"the run is {state}"]


def the_last_word_is_whose_it_should_be(after: After) -> list[str]:
    took_over = any(event.key == TAKEN_OVER for event in after.stage.records.timeline(after.incident))
    wanted = after.expected.finished_by == "hotfix_compliance"
    if took_over == wanted:
        return []
    return [f"{'the compliance DAG' if took_over else 'the run itself'} had the last word"]


CHECKS: tuple[Callable[[After], list[str]], ...] = (
    production_is_where_the_record_says,
    the_record_is_closed,
    git_agrees,
    nothing_is_lost,
    everything_happened_once,
    people_hear_of_it_once,
    the_journal_is_settled,
    the_colour_is_right,
    the_last_word_is_whose_it_should_be,
)


def broken_invariants(stage: Stage, expected: Expected) -> list[str]:
    """Everything that is not as it has to be; empty when all is well."""
    try:
        after = look(stage, expected)
    except LookupError as error:
        return [str(error)]
    return [f"{check.__name__.replace('_', ' ')}: {problem}" for check in CHECKS for problem in check(after)]


def deployments(stage: Stage) -> list[str]:
    """The versions that went live, in order, according to the deployer's own history."""
    lines = (stage.world.production.root / "history.jsonl").read_text().splitlines()
    # A deployment that died while it wrote leaves an empty line behind; one without a time was seen, not made.
    entries = [json.loads(line) for line in lines if line]
    return [str(entry["version"]) for entry in entries if entry["deployed_at"]]


def responses(stage: Stage) -> list[str]:
    """The runs of the incident response, of all stages."""
    return [str(run["dag_run_id"]) for run in stage.api("viewer").runs("incident_response")]
