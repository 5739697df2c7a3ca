"""The local mirror of a remote, shared by the tasks of one worker."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hotfix.adapters.git.command import git, without_credentials

REFSPECS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*", "+refs/hotfix/*:refs/hotfix/*")


class Mirror:
    """A bare repository under ``folder`` that follows ``remote``, and throw-away worktrees of it."""

    def __init__(self, folder: Path, remote: str) -> None:
        plain = without_credentials(remote)
        slug = re.sub(r"[^A-Za-z0-9]+", "-", plain.rsplit("/", 1)[-1].removesuffix(".git")).strip("-")
        self.remote = remote
        self.path = folder / f"{slug}-{hashlib.sha256(plain.encode()).hexdigest()[:10]}.git"
        self._worktrees = folder / "worktrees"

    def update(self) -> None:
        """Fetch, after creating the mirror where there is none. Refs that are gone on the remote go here too."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._locked():
            if not (self.path / "HEAD").exists():
                self._create()
            # Not those of the worktrees: their users do not hold our lock.
            for stale in (*self.path.glob("*.lock"), *(self.path / "refs").rglob("*.lock")):
                stale.unlink(missing_ok=True)
            # --refmap: without it refs/remotes/origin/* are kept too, and never pruned.
            options = ("--refmap=", "--prune", "--force", "--quiet")
            git(["fetch", *options, "origin", *REFSPECS], cwd=self.path, network=True)

    def fetch_object(self, ref: str) -> None:
        """Bring what ``ref`` points at on the remote, without keeping the ref."""
        self.ensure()
        with self._locked():
            options = ("--quiet", "--no-tags", "--no-write-fetch-head")
            git(["fetch", *options, "origin", ref], cwd=self.path, network=True)

    def ensure(self) -> None:
        if not (self.path / "HEAD").exists():
            self.update()

    @contextmanager
    def worktree(self, sha: str) -> Iterator[Path]:
        """A clean detached working tree of ``sha``."""
        self.ensure()
        self._sweep()
        self._worktrees.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=self._worktrees))
        tree = folder / "tree"
        try:
            with self._locked():
                git(["worktree", "add", "--detach", "--force", "--quiet", str(tree), sha], cwd=self.path)
            yield tree
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            with self._locked():
                git(["worktree", "prune"], cwd=self.path)

    def _create(self) -> None:
        staging = Path(tempfile.mkdtemp(prefix="mirror-", dir=self.path.parent))
        git(["init", "--bare", "--quiet", str(staging)], cwd=self.path.parent)
        git(["remote", "add", "origin", self.remote], cwd=staging)
        # Candidate commits live here before they are pushed: nothing may collect them.
        git(["config", "gc.auto", "0"], cwd=staging)
        shutil.rmtree(self.path, ignore_errors=True)
        staging.rename(self.path)

    def _sweep(self) -> None:
        """Remove worktrees whose process died without doing so."""
        if not self._worktrees.is_dir():
            return
        for folder in self._worktrees.iterdir():
            owner = folder.name.split("-", 1)[0]
            if owner.isdigit() and not _alive(int(owner)):
                shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = self.path.with_suffix(".lock")
        with lock.open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
