"""The pull request that turns the hotfix into a proper fix."""

from __future__ import annotations

from hotfix.domain.code_owners import PLACES, CodeOwners
from hotfix.domain.errors import CodeHostFailed, CodeHostUnavailable, HotfixError
from hotfix.domain.follow_up import FollowUp, FollowUpItem, PullRequest
from hotfix.domain.incident import Incident
from hotfix.domain.release import Push
from hotfix.domain.service import ServiceProfile
from hotfix.ports.artefacts import ArtefactStore
from hotfix.ports.bug_database import BugDatabase
from hotfix.ports.code_host import CodeHost
from hotfix.ports.repository import Repository
from hotfix.steps.back_merge import BackMerge, back_merge
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
    """A branch at the shipped commit and a draft pull request with what was left out as a checklist.

    Where the default branch has moved on from what production ran, one more that merges the hotfix back.
    """
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
    merge = back_merge(profile, record.push.commit, repository=repository)
    reviewers = _owners(profile, record, repository)
    title = f"Follow-up of hotfix {incident.id}: {incident.title}"
    body = _body(record, profile, items, merge, artefacts)
    pull = code_host.pull_for(incident, branch) or code_host.open_pull(
        incident, branch, record.push.commit, title, body, reviewers=reviewers
    )
    merged_back, problem = _open_back_merge(incident, profile, record.push, merge, reviewers, code_host)
    return FollowUp(
        pull_request=pull,
        items=items,
        back_merge=merged_back,
        conflicts=merge.conflicts,
        remarks=(*pull.remarks, *(merged_back.remarks if merged_back else ()), *problem),
    )


def _open_back_merge(
    incident: Incident,
    profile: ServiceProfile,
    push: Push,
    merge: BackMerge,
    reviewers: tuple[str, ...],
    code_host: CodeHost,
) -> tuple[PullRequest | None, tuple[str, ...]]:
    """The pull request that merges the hotfix back, where it is needed; else what kept it from being opened."""
    if not merge.needed:
        return None, ()
    try:
        pull = code_host.pull_for(incident, push.branch) or code_host.open_pull(
            incident,
            push.branch,
            push.commit,
            f"Merge hotfix {incident.id} back into {profile.default_branch}",
            f"The hotfix `{push.branch}` is in production of {profile.name}, and {profile.default_branch} has moved on "
            f"without it: the next release would bring the problem back.\n\n{merge.sentence}",
            draft=bool(merge.conflicts),
            reviewers=reviewers,
        )
    except CodeHostUnavailable:
        raise
    except CodeHostFailed as error:
        return None, (f"the hotfix was not offered for merging back: {error}",)
    return pull, ()


def _owners(profile: ServiceProfile, record: Record, repository: Repository) -> tuple[str, ...]:
    """The code owners of what the hotfix changed, by the default branch's file."""
    head = repository.resolve(f"refs/heads/{profile.default_branch}")
    if head is None or record.fix is None:
        return ()
    text = next((text for place in PLACES if (text := repository.read_file(head, place)) is not None), "")
    return CodeOwners(text).of_all(tuple(change.path for change in record.fix.changes))


def _body(
    record: Record,
    profile: ServiceProfile,
    items: tuple[FollowUpItem, ...],
    merge: BackMerge,
    artefacts: ArtefactStore,
) -> str:
    skipped = ["the full test suite (only critical and affected tests ran)", "a code review before it shipped"]
    lines = [
        f"The hotfix `{record.incident.branch}` is in production of {profile.name}. This pull request brings it to "
        f"`{profile.default_branch}`, where it is to be replaced by the full fix. {merge.sentence}",
        "",
        "### To do",
        *(f"- [ ] {item.title} (until {item.due_at:%Y-%m-%d %H:%M} UTC)" for item in items),
        "",
        "### What the full fix has to settle",
        *(f"- {open_end}" for open_end in (record.fix.leaves_open if record.fix else ())),
        "",
        "### What was skipped in the emergency",
        *(f"- [ ] {what}" for what in skipped),
        *(f"- [ ] {what}" for what in untested(record.tests)),
    ]
    if record.post_mortem:
        lines += ["", "---", "", artefacts.read(record.post_mortem.document)]
    return "\n".join(lines)
