"""The post-mortem, from the record and the real times."""

from __future__ import annotations

from hotfix.domain.follow_up import PostMortem
from hotfix.domain.incident import Incident
from hotfix.ports.artefacts import ArtefactStore
from hotfix.ports.bug_database import BugDatabase
from hotfix.ports.clock import Clock
from hotfix.steps.follow_up_items import follow_up_items
from hotfix.steps.post_mortem_text import post_mortem_text, summary
from hotfix.steps.record import read_record


def write_post_mortem(
    incident: Incident, *, bug_database: BugDatabase, artefacts: ArtefactStore, clock: Clock
) -> PostMortem:
    """Written for every run that opened an incident, also for one that was rolled back."""
    record = read_record(incident, bug_database)
    diff = artefacts.read(record.fix.diff) if record.fix else ""
    items = follow_up_items(record)
    text = post_mortem_text(record, items, diff, clock.now())
    return PostMortem(document=artefacts.put("post-mortem.md", text), summary=summary(record), action_items=len(items))
