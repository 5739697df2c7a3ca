"""What is written on GitHub, in Markdown."""

from __future__ import annotations

import re

from hotfix.domain.incident import Incident
from hotfix.domain.outcome import Ending
from hotfix.domain.run_state import GateState, RunState

# GitHub refuses bodies from 65,536 characters on.
BODY_LIMIT = 60_000
_SIGNS = {
    GateState.WAITING: "waiting",
    GateState.PASSED: "passed",
    GateState.FAILED: "**FAILED**",
    GateState.NOT_REACHED: "not reached",
}
_ENDINGS = {
    Ending.FIXED: "Fixed in production.",
    Ending.FIXED_RECORD_INCOMPLETE: "Fixed in production; the record is not complete.",
    Ending.HANDED_OVER: "No emergency: handed over to the standard bug fix.",
    Ending.ROLLED_BACK: "**Not fixed.** Production and git are as they were before.",
    Ending.FAILED: "**Not fixed, and not everything is known to be put back.** People must look now.",
    Ending.NOT_STARTED: "The run did not begin; nothing was touched.",
}


def issue_title(incident: Incident) -> str:
    return f"[{incident.service}] {harmless(incident.title)}"[:250]


def issue_text(incident: Incident) -> str:
    """The incident as it was reported."""
    return "\n".join(
        [
            *(f"> {harmless(line)}" for line in incident.description.splitlines()),
            "",
            "| | |",
            "|---|---|",
            f"| Service | {incident.service} |",
            f"| Incident | {incident.id} |",
            f"| Reported by | {harmless(incident.reported_by)} (in Airflow) |",
            f"| Began | {incident.started_at:%Y-%m-%d %H:%M:%S} UTC |",
            f"| Opened | {incident.opened_at:%Y-%m-%d %H:%M:%S} UTC |",
            f"| Production ran | {incident.production} |",
            "",
            "The emergency hotfix workflow keeps one comment below up to date.",
        ]
    )


def status_text(state: RunState) -> str:
    """The comment that is edited as the run moves on."""
    incident = state.incident
    head = _ENDINGS[state.ending] if state.ending else f"Phase: **{state.phase}**. {harmless(state.doing)}"
    lines = [
        f"### Attempt {incident.attempt}, as of {state.at:%Y-%m-%d %H:%M:%S} UTC",
        "",
        head,
        *(["", harmless(state.summary)] if state.summary else []),
        *(["", f"**Waiting for:** {harmless(state.waiting_for)}"] if state.waiting_for else []),
        "",
        "| gate | | |",
        "|---|---|---|",
        *(f"| {gate.name} | {_SIGNS[gate.state]} | {cell(gate.why)} |" for gate in state.gates),
        "",
        f"Fix: {state.fix_commit or 'none yet'}",
    ]
    if state.shipped:
        lines.append(
            f"Production: {state.shipped.version}, before it {state.shipped.previous}; {cell(state.shipped.why)}"
        )
    if state.pull_request:
        lines.append(f"Follow-up: {state.pull_request}")
    lines += [f"Run: `{incident.dag_id}` / `{incident.run_id}`", "", "<details><summary>Timeline</summary>", ""]
    lines += [f"- {cell(line)}" for line in state.timeline]
    return "\n".join([*lines, "", "</details>"])[:BODY_LIMIT]


def release_notes(state: RunState) -> str:
    """The same however often it is made."""
    incident, shipped = state.incident, state.shipped
    lines = [
        f"**{incident.service}: {cell(incident.title)}**",
        "",
        *(f"> {harmless(line)}" for line in incident.description.splitlines()),
        "",
        f"In production since the hotfix of {incident.opened_at:%Y-%m-%d}: {shipped.version if shipped else ''}, "
        f"before it {shipped.previous if shipped else ''}.",
        "",
        *(f"- {gate.name}: {cell(gate.why)}" for gate in state.gates),
    ]
    return "\n".join(lines)[:BODY_LIMIT]


def cell(text: str, limit: int = 600) -> str:
    """One line of a table or list."""
    return harmless(re.sub(r"\s+", " ", text).replace("|", "\\|"))[:limit]


def harmless(text: str) -> str:
    """Foreign text that calls nobody (``@name``), hides nothing (``<!--``) and closes no issue (``fixes #1``)."""
    return _uncalled(text.replace("<", "&lt;"))


def without_mentions(markdown: str) -> str:
    """Markdown of ours with foreign text in it: outside of code blocks nobody is called and no issue is closed."""
    fence = ""
    lines = []
    for line in markdown.split("\n"):
        mark = re.match(r" {0,3}(`{3,}|~{3,})", line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence) and line.strip() == mark[1]:
            fence = ""
        lines.append(line if fence or mark else _uncalled(line))
    return "\n".join(lines)


def _uncalled(text: str) -> str:
    return re.sub(r"(?<![\w`/&])([@#])(?=\w)", "\\1\N{ZERO WIDTH SPACE}", text)
