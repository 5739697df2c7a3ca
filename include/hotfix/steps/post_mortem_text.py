"""The words of the post-mortem. Sections follow the SRE book's example (B. Beyer et al., 2016, appendix D)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from hotfix.domain.follow_up import FollowUpItem
from hotfix.domain.stability import StabilityVerdict, Traffic
from hotfix.steps.markdown import fenced, one_line, quoted
from hotfix.steps.record import Record
from hotfix.steps.what_went_wrong import FINISHED, STARTED, what_went_wrong


def summary(record: Record) -> str:
    """The whole story in one sentence."""
    incident = record.incident
    if record.stability and record.stability.verdict is StabilityVerdict.STABLE and record.fix:
        return (
            f"{incident.service}: {incident.title} — fixed in production by {record.fix.candidate.description} "
            f"({record.fix.commit[:12]})"
        )
    why = what_went_wrong(record) or "the run did not get that far"
    back = "production and git were put back" if record.rollback and record.rollback.verified else "see the rollback"
    return f"{incident.service}: {incident.title} — not fixed ({why}); {back}"


def post_mortem_text(record: Record, items: Iterable[FollowUpItem], diff: str, now: datetime) -> str:
    """Markdown."""
    sections = (
        _head(record, now),
        _impact(record),
        _root_cause(record),
        _resolution(record, diff),
        _proof(record),
        _release(record),
        _rollback(record),
        _timeline(record),
        _actions(items),
    )
    return "\n\n".join(section for section in sections if section) + "\n"


def _head(record: Record, now: datetime) -> str:
    incident = record.incident
    return "\n".join(
        [
            f"# Post-mortem: {one_line(incident.title)}",
            "",
            "| | |",
            "|---|---|",
            f"| Incident | {incident.id}, attempt {incident.attempt} |",
            f"| Service | {incident.service} |",
            f"| Reported by | {incident.reported_by} |",
            f"| Began | {_time(incident.started_at)} |",
            f"| Opened | {_time(incident.opened_at)} |",
            f"| Written | {_time(now)}, by the workflow; a draft until its owners have read it |",
            f"| Run | `{incident.dag_id}` / `{incident.run_id}` |",
            "",
            "## Summary",
            "",
            summary(record),
        ]
    )


def _impact(record: Record) -> str:
    lines = ["## Impact", "", quoted(record.incident.description)]
    if record.assessment:
        lines += ["", f"Decision: **{record.assessment.decision.value}**.", ""]
        lines += [
            f"- {finding.criterion.value}: {'**met**' if finding.met else 'not met'} ({'; '.join(finding.reasons)})"
            for finding in record.assessment.findings
        ]
    if record.stability:
        rows = (
            ("before", record.stability.baseline),
            ("during", record.stability.incident),
            ("after", record.stability.observed),
        )
        lines += ["", "| | requests | errors | error rate | p95 |", "|---|---|---|---|---|"]
        lines += [_traffic_row(name, traffic) for name, traffic in rows]
        if record.stability.plot:
            # Stored in the same folder, so that the link needs no more than the name.
            plot = record.stability.plot
            lines += ["", f"The error rate over time: [{plot.name}]({plot.name}) (`{plot.uri}`)"]
    return "\n".join(lines)


def _traffic_row(name: str, traffic: Traffic) -> str:
    rate = "no data" if traffic.error_rate is None else f"{traffic.error_rate:.2%}"
    latency = "–" if traffic.p95_ms is None else f"{traffic.p95_ms:.0f} ms"
    return f"| {name} | {traffic.requests} | {traffic.errors} | {rate} | {latency} |"


def _root_cause(record: Record) -> str:
    diagnosis = record.diagnosis
    if diagnosis is None:
        return "## Root cause\n\nThe analysis did not finish."
    lines = ["## Root cause", "", diagnosis.summary, ""]
    if diagnosis.culprit:
        lines.append(
            f"`{diagnosis.culprit.sha}` of {_time(diagnosis.culprit.at)}, "
            f"{'**proved** with the reproducer' if diagnosis.proved else '**not proved**, a ranking'}; "
            f"{diagnosis.commits_in_range} commits in range, {len(diagnosis.runs)} runs, {diagnosis.seconds} s."
        )
    if diagnosis.signature:
        lines += ["", "The failure:", "", fenced(diagnosis.signature)]
    if diagnosis.suspects and not diagnosis.proved:
        lines += ["", "| suspect | probability | evidence |", "|---|---|---|"]
        lines += [
            f"| `{each.commit.sha[:10]}` {one_line(each.commit.subject)} | {each.probability:.0%} "
            f"| {one_line('; '.join(each.evidence))} |"
            for each in diagnosis.suspects[:5]
        ]
    return "\n".join(lines)


def _resolution(record: Record, diff: str) -> str:
    fix = record.fix
    if fix is None:
        return "## Resolution\n\nNo fix was made."
    lines = ["## Resolution", "", f"{fix.candidate.description}: `{fix.commit}` on `{fix.base}`."]
    lines += [f"- rejected before: {reason}" for reason in fix.rejected]
    lines += ["", fenced(diff.rstrip(), "diff")]
    return "\n".join(lines)


def _proof(record: Record) -> str:
    lines = ["## Evidence", ""]
    if record.fix and record.fix.before and record.fix.after:
        lines.append(f"- Reproducer: failed before ({record.fix.before.signature}), passes with the fix.")
    if record.tests:
        lines.append(f"- Critical tests: **{record.tests.verdict.value}**; {record.tests.why}.")
        lines += [
            f"  - broken: {case.id}: {case.message.splitlines()[0] if case.message else ''}"
            for case in record.tests.broken
        ]
    if record.security:
        lines.append(f"- Security review: **{record.security.verdict.value}**; {record.security.why}.")
        lines += [f"  - {each.summary}" for each in (*record.security.blocking, *record.security.carried)]
    if record.approval:
        lines.append(
            f"- Approval: **{record.approval.decision.value}** at {_time(record.approval.at)}; {record.approval.why}."
        )
        for answer in record.approval.answers:
            account = f" ({one_line(answer.account)})" if answer.account else ""
            lines.append(
                f"  - {answer.option} by {one_line(answer.user)} on {answer.channel}{account} at {_time(answer.at)}, "
                f"commit `{record.approval.commit[:12]}`"
            )
        lines += [f"  - did not count: {one_line(ignored)}" for ignored in record.approval.ignored_answers]
        lines += [f"  - not heard at the end: {one_line(channel)}" for channel in record.approval.unheard]
    return "\n".join(lines) if len(lines) > 2 else ""


def _release(record: Record) -> str:
    if record.deployment is None:
        return "## Release\n\nNothing was deployed."
    lines = [
        "## Release",
        "",
        f"`{record.deployment.version}` with the {record.deployment.deployer} deployer, "
        f"{_time(record.deployment.started_at)} to {_time(record.deployment.finished_at)}; before it production ran "
        f"`{record.deployment.previous}`.",
    ]
    if record.stability:
        lines += ["", f"Production afterwards: **{record.stability.verdict.value}**; {record.stability.why}."]
    return "\n".join(lines)


def _rollback(record: Record) -> str:
    if record.rollback is None:
        return ""
    lines = ["## Rollback", ""]
    if record.deployment_rollback:
        lines.append(f"- Deployment: {record.deployment_rollback.what}")
    if record.fix_rollback:
        lines.append(f"- Git: {record.fix_rollback.what}")
    lines += [f"- {check}" for check in record.rollback.checks]
    return "\n".join(lines)


def _timeline(record: Record) -> str:
    lines = ["## Timeline", "", "| time (UTC) | step | what |", "|---|---|---|"]
    lines.append(f"| {_time(record.incident.started_at)} | – | the problem began (as far as known) |")
    finished = {event.step for event in record.timeline if event.what.startswith(FINISHED)}
    lines += [
        f"| {_time(event.at)} | {event.step} | {one_line(event.what.removeprefix(f'{FINISHED}: '))} |"
        for event in record.timeline
        if event.what != STARTED or event.step not in finished
    ]
    return "\n".join(lines)


def _actions(items: Iterable[FollowUpItem]) -> str:
    lines = ["## Follow-up actions", ""]
    lines += [f"- [ ] {item.title} (until {item.due_at:%Y-%m-%d %H:%M} UTC)" for item in items]
    return "\n".join(lines)


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"
