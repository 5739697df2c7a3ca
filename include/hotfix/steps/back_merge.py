"""Whether the default branch has the hotfix, and how it can get it."""

from __future__ import annotations

from dataclasses import dataclass

from hotfix.domain.document import Sha
from hotfix.domain.service import ServiceProfile
from hotfix.ports.repository import Repository

NAMED = 20


@dataclass(frozen=True)
class BackMerge:
    """``needed`` where the default branch has commits that production did not run, and not the hotfix."""

    needed: bool
    conflicts: tuple[str, ...]
    sentence: str


def back_merge(profile: ServiceProfile, hotfix: Sha, *, repository: Repository) -> BackMerge:
    """As of the default branch now."""
    branch = profile.default_branch
    head = repository.resolve(f"refs/heads/{branch}")
    if head is None:
        return BackMerge(False, (), f"There is no branch {branch} that the hotfix could be merged into.")
    if repository.is_ancestor(hotfix, head):
        return BackMerge(False, (), f"{branch} has the hotfix.")
    if repository.is_ancestor(head, hotfix):
        return BackMerge(False, (), f"{branch} is at what production ran before the hotfix.")
    conflicts = repository.conflicts(head, hotfix)
    if not conflicts:
        said = f"{branch} has moved on from what production ran; the hotfix merges into it without conflicts."
        return BackMerge(True, (), said)
    named = ", ".join(f"`{path}`" for path in conflicts[:NAMED])
    more = f" and {len(conflicts) - NAMED} more" if len(conflicts) > NAMED else ""
    said = f"{branch} has moved on from what production ran, and **the hotfix conflicts with it** in {named}{more}."
    return BackMerge(True, conflicts, said)
