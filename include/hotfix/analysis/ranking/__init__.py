"""How likely each commit is the culprit, from what is known without trying it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hotfix.analysis.ranking.clues import Clues, Traced
from hotfix.analysis.ranking.evidence import Gathering, left_out
from hotfix.analysis.ranking.model import suspects
from hotfix.domain.diagnosis import Commit, Suspect
from hotfix.domain.history import CommitPatch

__all__ = ["Clues", "Traced", "left_out", "rank"]


def rank(commits: Sequence[Commit], patches: Iterable[CommitPatch], clues: Clues) -> tuple[Suspect, ...]:
    """Every one of ``commits`` (parents first) as a suspect, the likeliest first.

    ``patches``: what they changed, newest first; each is read once and not kept.
    """
    gathering = Gathering(clues)
    for patch in patches:
        gathering.read(patch)
    return suspects(commits, gathering.evidence(), gathering.counts())
