"""The pull request that turns the hotfix into a proper fix."""

from __future__ import annotations

from hotfix.domain.errors import HotfixError
from hotfix.domain.follow_up import FollowUp, FollowUpItem
from hotfix.domain.incident import Incident
from hotfix.domain.service import ServiceProfile
from hotfix.ports.artefacts import ArtefactStore
from hotfix.ports.bug_database import BugDatabase
from hotfix.ports.code_host import CodeHost
from hotfix.ports.repository import Repository
from hotfix.steps.open_ends import untested
from hotfix.steps.record import Record, read_record


def open_follow_up_pr(
    incident: Incident,
    profile: ServiceProfile,
    *,
    repository: Repository,
    code_host: CodeHost,
    bug_database: BugDatabase,
    artefacts: ArtefactStore,
) -> FollowUp:
    """A branch at the shipped commit and a draft pull request with what was left out as a checklist."""
    record = read_record(incident, bug_database)
    if record.push is None:
        raise HotfixError("There is no pushed hotfix to follow up.", "Look at the run's push_hotfix task.")
    repository.fetch()
    branch = f"follow-up/{incident.id}"
    ref = f"refs/heads/{branch}"
    # Work that was pushed on top of it since is left alone.
    if repository.remote_ref(ref) is None:
        repository.push(ref, record.push.commit, expect=None)
    items = tuple(item for _, item in bug_database.owed(incident.id, only_open=False))
    title = f"Follow-up of hotfix {incident.id}: {incident.title}"
    body = _body(record, profile, items, artefacts)
    pull = code_host.pull_for(incident, branch) or code_host.open_pull(
        incident, branch, record.push.commit, title, body
    )
    return FollowUp(pull_request=pull, items=items)


def _body(record: Record, profile: ServiceProfile, items: tuple[FollowUpItem, ...], artefacts: ArtefactStore) -> str:
    skipped = ["the full test suite (only critical and affected tests ran)", "a code review before it shipped"]
    lines = [
        f"The hotfix `{record.incident.branch}` is in production of {profile.name}. This pull request brings it to "
        f"`{profile.default_branch}`, where it is to be replaced by the full fix.",
        "",
        "### To do",
        *(f"- [ ] {item.title} (until {item.due_at:%Y-%m-%d %H:%M} UTC)" for item in items),
        "",
        "### What the full fix has to settle",
        *(f"- {open_end}" for open_end in (record.fix.leaves_open if record.fix else ())),
        "",
        "### What was skipped in the emergency",
        *(f"- {what}" for what in skipped),
        *(f"- [ ] {what}" for what in untested(record.tests)),
    ]
    if record.post_mortem:
        lines += ["", "---", "", artefacts.read(record.post_mortem.document)]
    return "\n".join(lines)
