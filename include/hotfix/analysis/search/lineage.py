"""A range of history laid out in a row, so that what a commit contains is a stretch of it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from hotfix.domain.diagnosis import Commit
from hotfix.domain.document import Sha


class Lineage:
    """The commits of good..bad in the order of the mainline (first parents), each merge after what it brought in.

    A mainline commit contains all that stands before it, so that its share of any quantity is a prefix sum. A commit
    on a side branch contains a prefix (up to where its branch left the mainline) and a few more.
    """

    def __init__(self, commits: Sequence[Commit]) -> None:
        """``commits``: parents first, the bad one last."""
        by_sha = {commit.sha: commit for commit in commits}
        rank = {commit.sha: number for number, commit in enumerate(commits)}
        mainline = _mainline(commits[-1], by_sha)
        placed: set[Sha] = set()
        order: list[Commit] = []
        for commit in mainline:
            group = _unplaced_ancestors(commit, by_sha, placed)
            order += sorted(group, key=lambda each: rank[each.sha])
            placed.update(each.sha for each in group)
        self.commits = tuple(order)
        self.position = {commit.sha: number for number, commit in enumerate(order)}
        self.mainline = tuple(self.position[commit.sha] for commit in mainline)
        self._on_mainline = frozenset(self.mainline)
        self._reach: dict[int, tuple[int, tuple[int, ...]]] = {}

    def __len__(self) -> int:
        return len(self.commits)

    def is_mainline(self, position: int) -> bool:
        return position in self._on_mainline

    def parents(self, position: int) -> tuple[int, ...]:
        """Positions of the parents that lie in the range; the others are as good as the good version."""
        return tuple(self.position[sha] for sha in self.commits[position].parents if sha in self.position)

    def reach(self, position: int) -> tuple[int, tuple[int, ...]]:
        """What the commit contains, itself included: everything before ``prefix``, and single positions after it."""
        if position in self._on_mainline:
            return position + 1, ()
        if position not in self._reach:
            prefix, waiting, seen = 0, [position], set()
            while waiting:
                current = waiting.pop()
                if current < prefix or current in seen:
                    continue
                if current in self._on_mainline:
                    prefix = max(prefix, current + 1)
                    continue
                seen.add(current)
                waiting.extend(self.parents(current))
            self._reach[position] = prefix, tuple(sorted(each for each in seen if each >= prefix))
        return self._reach[position]

    def contains(self, position: int, other: int) -> bool:
        """Whether the commit at ``position`` has ``other`` among its ancestors or is it."""
        prefix, extras = self.reach(position)
        return other < prefix or other in extras

    def share(self, position: int, sums: Sequence[float], weights: Sequence[float]) -> float:
        """The part of ``weights`` that lies in the commit; ``sums`` are ``prefix_sums(weights)``."""
        prefix, extras = self.reach(position)
        return sums[prefix] + sum(weights[each] for each in extras)


def prefix_sums(weights: Sequence[float]) -> list[float]:
    """``sums[n]`` is the sum of the first n."""
    return [0.0, *accumulate(weights)]


def _mainline(last: Commit, by_sha: dict[Sha, Commit]) -> list[Commit]:
    line = [last]
    while line[-1].parents and line[-1].parents[0] in by_sha:
        line.append(by_sha[line[-1].parents[0]])
    return line[::-1]


def _unplaced_ancestors(commit: Commit, by_sha: dict[Sha, Commit], placed: set[Sha]) -> list[Commit]:
    found: dict[Sha, Commit] = {}
    waiting = [commit]
    while waiting:
        current = waiting.pop()
        if current.sha not in placed and current.sha not in found:
            found[current.sha] = current
            waiting.extend(by_sha[parent] for parent in current.parents if parent in by_sha)
    return list(found.values())
