"""How likely each commit is the culprit, from what is known without running anything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from hotfix.analysis.stack_trace import Frame
from hotfix.domain.diagnosis import Commit, Suspect
from hotfix.domain.document import Sha
from hotfix.ports.repository import Repository

# Relative weights of the evidence against a commit. The floor keeps every commit possible: evidence may mislead.
WROTE_FRAME_LINE = 8.0
TOUCHED_FRAME_FILE = 3.0
TOUCHED_SUSPECTED_PATH = 4.0
CHANGED_CODE = 1.0
FLOOR = 0.25
# Beyond this many commits the diff of each is not read: a ranking has to be there within seconds.
COMMITS_READ = 400


def rank(
    repository: Repository,
    commits: Sequence[Commit],
    bad: Sha,
    trace: Sequence[Frame],
    suspected_paths: Sequence[str],
) -> tuple[Suspect, ...]:
    """Every commit with its probability (they sum to 1) and the evidence, the likeliest first; ties: the newest."""
    weights: dict[Sha, float] = defaultdict(lambda: FLOOR)
    evidence: dict[Sha, list[str]] = defaultdict(list)

    def accuse(sha: Sha, weight: float, why: str) -> None:
        weights[sha] += weight
        evidence[sha].append(why)

    for position, frame in enumerate(trace):
        if author := repository.last_changed_by(bad, frame.path, frame.line):
            # The innermost frame raised; each caller above it tells less.
            accuse(author, WROTE_FRAME_LINE / (position + 1), f"wrote {frame.path}:{frame.line}, in the stack trace")
    frame_files = {frame.path for frame in trace}
    for commit in commits[-COMMITS_READ:]:
        if len(commit.parents) != 1:
            continue
        paths = {change.path for change in repository.changes(commit.parents[0], commit.sha)}
        if touched := sorted(paths & frame_files):
            accuse(commit.sha, TOUCHED_FRAME_FILE, f"changed {', '.join(touched)}, in the stack trace")
        for path in suspected_paths:
            if any(changed == path or changed.startswith(f"{path.rstrip('/')}/") for changed in paths):
                accuse(commit.sha, TOUCHED_SUSPECTED_PATH, f"changed {path}, which the reporter suspects")
        if any(not _is_prose(path) for path in paths):
            weights[commit.sha] += CHANGED_CODE
    total = sum(weights[commit.sha] for commit in commits)
    newest_first = reversed(commits)
    return tuple(
        Suspect(commit=commit, probability=weights[commit.sha] / total, evidence=tuple(evidence[commit.sha]))
        for commit in sorted(newest_first, key=lambda commit: -weights[commit.sha])
    )


def _is_prose(path: str) -> bool:
    return path.endswith((".md", ".rst", ".txt")) or path.startswith("docs/")
