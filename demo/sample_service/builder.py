"""Build the repository of the sample service, commit by commit, always the same."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from demo.sample_service.git import git

PATCHES = Path(__file__).parent / "history"
RELEASE = "Release "
GOOD = "Release 1.4.0"
BAD = "Release 1.5.0"
CULPRIT = "Round half cents up; tidy the money helpers"


@dataclass(frozen=True)
class History:
    """A bare repository and the commits which matter in it, as full SHAs."""

    repository: Path
    good: str  # the last healthy release
    bad: str  # what production runs
    culprit: str  # the commit between them which broke the service
    head: str  # of the branch main


def build(bare_repository: Path) -> History:
    """Create the bare repository, with the branch main and a tag on each release.

    Raises FileExistsError when there is something at the path already.
    """
    bare_repository.mkdir(parents=True)
    git(bare_repository, "init", "--quiet", "--bare", "--object-format=sha1")
    with tempfile.TemporaryDirectory(prefix="shop-") as directory:
        worktree = Path(directory)
        commits = _commit_all(worktree)
        _tag_releases(worktree, commits)
        git(worktree, "push", "--quiet", str(bare_repository.resolve()), "main", "--tags")
    head = list(commits.values())[-1]
    return History(bare_repository, commits[GOOD], commits[BAD], commits[CULPRIT], head)


def _commit_all(worktree: Path) -> dict[str, str]:
    """Commit the patches and return the SHAs by subject, oldest first."""
    git(worktree, "init", "--quiet", "--object-format=sha1")
    patches = [str(path) for path in sorted(PATCHES.glob("*.patch"))]
    git(worktree, "am", "--quiet", "--committer-date-is-author-date", *patches)
    lines = git(worktree, "log", "--reverse", "--format=%H %s").splitlines()
    return {subject: sha for sha, _, subject in (line.partition(" ") for line in lines)}


def _tag_releases(worktree: Path, commits: dict[str, str]) -> None:
    for subject, sha in commits.items():
        if subject.startswith(RELEASE):
            name = "v" + subject.removeprefix(RELEASE)
            date = git(worktree, "show", "--no-patch", "--format=%cI", sha)
            git(worktree, "tag", "--annotate", "--message", subject, name, sha, date=date)
