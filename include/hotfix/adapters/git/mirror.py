"""The local mirror of a remote, shared by the tasks of one worker."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import count
from pathlib import Path

from hotfix.adapters.git.command import git, text, without_credentials
from hotfix.adapters.git.credentials import Credentials
from hotfix.adapters.processes import minimal_environment
from hotfix.domain.errors import GitFailed

REFSPECS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*", "+refs/hotfix/*:refs/hotfix/*")


class Mirror:
    """A bare repository under ``folder`` that follows ``remote``, and throw-away worktrees of it."""

    def __init__(self, folder: Path, remote: str, credentials: Credentials | None = None) -> None:
        plain = without_credentials(remote)
        slug = re.sub(r"[^A-Za-z0-9]+", "-", plain.rsplit("/", 1)[-1].removesuffix(".git")).strip("-")
        self.remote = remote
        self.credentials = credentials
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
            git(["fetch", *options, "origin", *REFSPECS], cwd=self.path, network=True, credentials=self.credentials)

    def fetch_object(self, ref: str) -> None:
        """Bring what ``ref`` points at on the remote, without keeping the ref."""
        self.ensure()
        with self._locked():
            options = ("--quiet", "--no-tags", "--no-write-fetch-head")
            git(["fetch", *options, "origin", ref], cwd=self.path, network=True, credentials=self.credentials)

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

    @contextmanager
    def worktrees(self) -> Iterator[Callable[[str], AbstractContextManager[Path]]]:
        """Working trees that are used again and again: only what differs between two versions is written.

        Each is as clean as a new one: everything that is not of its version is removed, byte code included. One that
        somebody has tampered with is thrown away. May be used by several threads.
        """
        self.ensure()
        self._sweep()
        self._worktrees.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=self._worktrees))
        idle: list[tuple[Path, bytes]] = []
        numbers = count()

        def new(sha: str) -> tuple[Path, bytes]:
            tree = folder / str(next(numbers)) / "tree"
            tree.parent.mkdir()
            with self._locked():
                options = ("--no-checkout", "--detach", "--force", "--quiet")
                git(["worktree", "add", *options, str(tree), sha], cwd=self.path)
            # Not under the lock: this is what takes time.
            git(["reset", "--hard", "--quiet"], cwd=tree)
            return tree, (tree / ".git").read_bytes()

        def cleaned(sha: str) -> tuple[Path, bytes] | None:
            if not idle:
                return None
            tree, link = idle.pop()
            try:
                if (tree / ".git").is_symlink() or (tree / ".git").read_bytes() != link:
                    return None
                git(["checkout", "--detach", "--force", "--quiet", sha], cwd=tree)
                git(["clean", "-ffdxq"], cwd=tree)
            except (OSError, GitFailed):
                return None
            return tree, link

        @contextmanager
        def checkout(sha: str) -> Iterator[Path]:
            taken = cleaned(sha) or new(sha)
            try:
                yield taken[0]
            finally:
                idle.append(taken)

        try:
            yield checkout
        finally:
            # Several times as fast as shutil.rmtree, which is the second try where files were made unremovable.
            arguments = ["rm", "-rf", "--", str(folder)]
            subprocess.run(arguments, env=minimal_environment(), check=False, stderr=subprocess.DEVNULL)
            shutil.rmtree(folder, ignore_errors=True)
            with self._locked():
                git(["worktree", "prune"], cwd=self.path)

    @classmethod
    def borrowing(cls, folder: Path, repository: Path) -> Mirror:
        """A mirror of a repository on this machine that reads its objects in place: nothing is copied or written there.

        It has its tags and no other refs, and is of use as long as the repository keeps its objects.

        Raises:
            GitFailed: ``repository`` is no git repository.
        """
        common = text(["rev-parse", "--path-format=absolute", "--git-common-dir"], cwd=repository)
        mirror = cls(folder, str(repository))
        if not (mirror.path / "HEAD").exists():
            mirror.path.parent.mkdir(parents=True, exist_ok=True)
            with mirror._locked():
                mirror._create()
        (mirror.path / "objects" / "info" / "alternates").write_text(f"{common}/objects\n")
        # Versions name themselves after tags (git describe); branches are nobody's business here.
        tags = git(["for-each-ref", "--format=update %(refname) %(objectname)", "refs/tags"], cwd=repository)
        # In a repository that lacks objects (a shallow or partial clone) a tag may lead nowhere: then there are none.
        with suppress(GitFailed):
            git(["update-ref", "--stdin"], cwd=mirror.path, stdin=tags)
        return mirror

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
