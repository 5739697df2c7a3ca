"""The Repository port over a mirror of the service's remote."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timezone
from pathlib import Path

from hotfix.adapters.git.command import IDENTITY, git, text, without_credentials
from hotfix.adapters.git.credentials import Credentials
from hotfix.adapters.git.mirror import Mirror
from hotfix.adapters.git.patches import read_patches
from hotfix.adapters.git.three_way import reverse_patch
from hotfix.domain.diagnosis import Commit
from hotfix.domain.document import GitRef, Sha
from hotfix.domain.errors import GitFailed, PushRefused, RefMoved, RemoteUnavailable
from hotfix.domain.fix import BackedUpFile, FileChange
from hotfix.domain.history import CommitPatch
from hotfix.domain.revert import FileState, ReversePatch

_PULL_REQUEST_WAY = (
    "Either let the workflow's account pass that rule, or go by pull request: fetch the commit from the incident's "
    "refs (git ls-remote origin 'refs/hotfix/*'), push it as a branch that you may push, and open one from there."
)
_COMMIT_FORMAT = "%H%x00%P%x00%T%x00%an <%ae>%x00%ct%x00%s"


class GitRepository:
    """``folder`` is where this machine keeps its mirrors; any number of processes may share it.

    Without ``credentials`` git finds its own: by a key, or by a helper of the user's configuration.
    """

    def __init__(self, folder: Path, remote: str, credentials: Credentials | None = None) -> None:
        self._mirror = Mirror(folder, remote, credentials)

    @classmethod
    def of_folder(cls, folder: Path, repository: Path) -> GitRepository:
        """The history of a repository on this machine, read in place and never changed; ``fetch`` is not for it.

        Raises:
            GitFailed: ``repository`` is no git repository.
        """
        made = cls(folder, str(repository))
        made._mirror = Mirror.borrowing(folder, repository)
        return made

    def resolve_in_place(self, name: str) -> Sha | None:
        """Like ``resolve``, in the folder's own repository, whose branches and tags the mirror does not have."""
        try:
            arguments = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
            return text(arguments, cwd=Path(self._mirror.remote))
        except GitFailed:
            return None

    @property
    def remote(self) -> str:
        return without_credentials(self._mirror.remote)

    def fetch(self) -> None:
        self._mirror.update()

    def bring(self, sha: Sha) -> None:
        """Have a commit also when no branch or tag of the remote leads to it, as far as the remote gives it away."""
        if self.resolve(sha) is None:
            self._mirror.fetch_object(sha)

    def resolve(self, name: str) -> Sha | None:
        for candidate in (name,) if name.startswith("refs/") else (f"refs/heads/{name}", f"refs/tags/{name}", name):
            try:
                return self._text("rev-parse", "--verify", "--quiet", "--end-of-options", f"{candidate}^{{commit}}")
            except RemoteUnavailable:
                raise
            except GitFailed:
                continue
        return None

    def commit(self, sha: Sha) -> Commit:
        return _commit(self._text("log", "-1", f"--format={_COMMIT_FORMAT}", sha, "--"))

    def message(self, sha: Sha) -> str:
        return _printable(self._text("log", "-1", "--format=%B", sha, "--"))

    def commits(self, good: Sha, bad: Sha) -> tuple[Commit, ...]:
        listing = self._text("log", "--topo-order", "--reverse", f"--format={_COMMIT_FORMAT}", bad, f"^{good}", "--")
        return tuple(_commit(line) for line in listing.split("\n") if line)

    def patches(self, good: Sha, bad: Sha, without: Sequence[str] = ()) -> Iterator[CommitPatch]:
        return read_patches(self._path, good, bad, without)

    def is_ancestor(self, ancestor: Sha, descendant: Sha) -> bool:
        return not self._text("rev-list", "--max-count=1", ancestor, f"^{descendant}")

    def merge_base(self, one: Sha, other: Sha) -> Sha | None:
        try:
            return self._text("merge-base", one, other)
        except RemoteUnavailable:
            raise
        except GitFailed:
            return None

    def conflicts(self, one: Sha, other: Sha) -> tuple[str, ...]:
        command = ["merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", one, other]
        # 1: there are some. The tree comes first, then their paths.
        listing = git(command, cwd=self._path, accepted=(0, 1)).decode("utf-8", "surrogateescape")
        return tuple(dict.fromkeys(_printable(path) for path in listing.split("\0")[1:] if path))

    def tags_before(self, sha: Sha) -> tuple[tuple[str, Sha], ...]:
        listing = self._text(
            "for-each-ref", "--merged", sha, "--sort=-creatordate", "refs/tags",
            "--format=%(refname:short)%00%(objectname)%00%(*objectname)",
        )  # fmt: skip
        tags = (line.split("\0") for line in listing.split("\n") if line)
        return tuple((name, peeled or plain) for name, plain, peeled in tags if (peeled or plain) != sha)

    def checkout(self, sha: Sha) -> AbstractContextManager[Path]:
        return self._mirror.worktree(sha)

    def checkouts(self) -> AbstractContextManager[Callable[[Sha], AbstractContextManager[Path]]]:
        return self._mirror.worktrees()

    def files(self, sha: Sha) -> tuple[str, ...]:
        listing = self._text("ls-tree", "-r", "-z", "--name-only", sha)
        return tuple(path for path in listing.split("\0") if path)

    def read_file(self, sha: Sha, path: str) -> str | None:
        try:
            return self._git("cat-file", "blob", f"{sha}:{path}").decode("utf-8", "replace")
        except GitFailed:
            return None

    def grep(self, sha: Sha, texts: Sequence[str]) -> tuple[tuple[str, int, str], ...]:
        patterns = [option for text in texts if text for option in ("-e", text)]
        if not patterns:
            return ()
        command = ["grep", "-n", "-z", "-I", "-F", "--full-name", "--no-color", *patterns, sha, "--"]
        # 1: no line has any of them.
        listing = git(command, cwd=self._path, accepted=(0, 1))
        return tuple(_lines_found(listing, f"{sha}:".encode()))

    def changes(self, base: Sha, head: Sha) -> tuple[FileChange, ...]:
        listing = self._text("diff-tree", "-r", "-z", "--no-renames", "--numstat", base, head)
        entries = (entry.split("\t", 2) for entry in listing.split("\0") if entry)
        return tuple(
            FileChange(path=_printable(path), added=0, removed=0, binary=True)
            if added == "-"
            else FileChange(path=_printable(path), added=int(added), removed=int(removed))
            for added, removed, path in entries
        )

    def diff(self, base: Sha, head: Sha) -> str:
        return self._git("diff-tree", "-p", "--no-ext-diff", "--no-textconv", base, head).decode("utf-8", "replace")

    def last_changed_by(self, sha: Sha, path: str, line: int) -> Sha | None:
        try:
            blamed = self._text("blame", "--porcelain", "-w", "-L", f"{line},{line}", sha, "--", path)
        except GitFailed:
            return None
        return blamed.split(" ", 1)[0].lstrip("^") or None

    def fingerprints(self, sha: Sha, paths: tuple[str, ...]) -> tuple[BackedUpFile, ...]:
        if not paths:
            return ()
        listing = self._text("ls-tree", "-r", "-z", sha, "--", *paths)
        found = []
        for entry in filter(None, listing.split("\0")):
            head, path = entry.split("\t", 1)
            mode, kind, blob = head.split()
            if kind == "blob":
                content = self._git("cat-file", "blob", blob)
                checksum = hashlib.sha256(content).hexdigest()
                found.append(BackedUpFile(path=_printable(path), blob=blob, sha256=checksum, mode=mode))
        return tuple(found)

    def apply_patch(self, base: Sha, patch: str, message: str, at: datetime) -> Sha:
        # git's own header lines never end in CR LF: where they do, a browser has changed all line ends.
        sent_by_browser = re.search(r"^(---|\+\+\+) .*\r$", patch, re.MULTILINE) is not None
        content = patch.replace("\r\n", "\n") if sent_by_browser else patch
        return self._apply(base, f"{content.removesuffix(chr(10))}\n".encode(), message, at)

    def _apply(self, base: Sha, patch: bytes, message: str, at: datetime) -> Sha:
        with self.checkout(base) as tree:
            git(["apply", "--index", "--3way", "--whitespace=nowarn", "-"], cwd=tree, stdin=patch)
            return self._commit_index(tree, base, message, at)

    def revert(self, base: Sha, commit: Sha, message: str, at: datetime) -> Sha:
        parents = self.commit(commit).parents
        # Of a merge, what it brought in relative to its first parent is taken back.
        mainline = ["--mainline", "1"] if len(parents) > 1 else []
        with self.checkout(base) as tree:
            git(["revert", "--no-commit", *mainline, commit], cwd=tree, extra_environment=_identity(at))
            return self._commit_index(tree, base, message, at)

    def reverse_patch(self, culprit: Sha, production: Sha) -> ReversePatch:
        parents = self.commit(culprit).parents
        if not parents:
            raise GitFailed(f"{culprit[:12]} has no parent to go back to.")
        return reverse_patch(self._path, culprit, parents[0], production)

    def commit_files(self, base: Sha, files: Mapping[str, FileState | None], message: str, at: datetime) -> Sha:
        with tempfile.TemporaryDirectory(prefix="hotfix-index-") as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            git(["read-tree", base], cwd=self._path, extra_environment=index)
            lines = [b"0 %s\t%s" % (b"0" * 40, os.fsencode(path)) for path in files]
            for path, state in files.items():
                if state is not None:
                    blob = git(["hash-object", "-w", "--stdin"], cwd=self._path, stdin=state.content).strip()
                    lines.append(b"%s %s\t%s" % (state.mode.encode(), blob, os.fsencode(path)))
            # All removals first: a folder may become a file, and the other way round.
            entries = b"".join(line + b"\0" for line in lines)
            git(["update-index", "-z", "--index-info"], cwd=self._path, extra_environment=index, stdin=entries)
            tree = git(["write-tree"], cwd=self._path, extra_environment=index).decode().strip()
        if tree == self._text("rev-parse", f"{base}^{{tree}}"):
            raise GitFailed("the change is empty: production has it already.")
        return self._commit_tree(tree, base, message, at)

    def graft(self, base: Sha, commit: Sha, message: str, at: datetime) -> Sha:
        fork = self.merge_base(base, commit)
        if fork is None:
            raise GitFailed(f"{commit[:12]} has no history in common with {base[:12]}.")
        if fork == base:
            return self._commit_tree(self._text("rev-parse", f"{commit}^{{tree}}"), base, message, at)
        # Bytes, and with binary files: a diff for people loses both.
        change = self._git(
            "diff-tree", "-p", "--binary", "--full-index", "--no-ext-diff", "--no-textconv", fork, commit
        )
        return self._apply(base, change, message, at)

    def seal(self, commit: Sha, name: str, message: str, at: datetime) -> str:
        tagger = f"{IDENTITY['NAME']} <{IDENTITY['EMAIL']}> {_stamp(at)}"
        content = f"object {commit}\ntype commit\ntag {name}\ntagger {tagger}\n\n{message.rstrip()}\n"
        return git(["mktag"], cwd=self._path, stdin=content.encode()).decode().strip()

    def mark(self, message: str, at: datetime) -> Sha:
        empty = git(["mktree"], cwd=self._path, stdin=b"").decode().strip()
        return self._commit_tree(empty, None, message, at)

    def read_mark(self, ref: GitRef) -> str | None:
        there = self.remote_ref(ref)
        if there is None:
            return None
        self._mirror.fetch_object(ref)
        return self._text("log", "-1", "--format=%B", there).strip()

    def remote_ref(self, ref: GitRef) -> str | None:
        return self.remote_refs(ref).get(ref)

    def remote_refs(self, prefix: str) -> dict[str, str]:
        listing = self._remotely("ls-remote", "--refs", "origin")
        pairs = (line.split("\t", 1) for line in listing.split("\n") if "\t" in line)
        return {name: target for target, name in pairs if name.startswith(prefix)}

    def push(self, ref: GitRef, target: str, expect: str | None) -> None:
        if self.remote_ref(ref) == target:
            return
        self._change_ref(ref, f"{target}:{ref}", expect, target)

    def delete(self, ref: GitRef, expect: str) -> None:
        if self.remote_ref(ref) is None:
            return
        self._change_ref(ref, f":{ref}", expect, None)

    def _change_ref(self, ref: GitRef, refspec: str, expect: str | None, wanted: str | None) -> None:
        lease = f"--force-with-lease={ref}:{expect or ''}"
        try:
            self._remotely("push", "--porcelain", "--no-verify", lease, "origin", refspec)
        except RemoteUnavailable:
            raise
        except PushRefused as error:
            raise PushRefused(f"{ref}: {error.what}", _PULL_REQUEST_WAY) from error
        except GitFailed as error:
            there = self.remote_ref(ref)
            if there == wanted:
                return
            if there != expect:
                raise RefMoved(
                    f"{ref} on the remote is at {there or 'nothing'}, not at {expect or 'nothing'} as expected.",
                    "Somebody else changed it; look at who did before you go on.",
                ) from error
            raise

    def _commit_index(self, tree: Path, base: Sha, message: str, at: datetime) -> Sha:
        written = text(["write-tree"], cwd=tree)
        if written == self._text("rev-parse", f"{base}^{{tree}}"):
            raise GitFailed("the change is empty: production has it already.")
        return self._commit_tree(written, base, message, at)

    def _commit_tree(self, tree: str, parent: Sha | None, message: str, at: datetime) -> Sha:
        arguments = ["commit-tree", tree, *(["-p", parent] if parent else []), "-F", "-"]
        # As git commit does: a message ends with a line end.
        content = f"{message.rstrip()}\n".encode()
        made = git(arguments, cwd=self._path, extra_environment=_identity(at), stdin=content)
        return made.decode().strip()

    @property
    def _path(self) -> Path:
        self._mirror.ensure()
        return self._mirror.path

    def _remotely(self, *arguments: str) -> str:
        return text(arguments, cwd=self._path, network=True, credentials=self._mirror.credentials)

    def _text(self, *arguments: str) -> str:
        return text(arguments, cwd=self._path)

    def _git(self, *arguments: str) -> bytes:
        return git(arguments, cwd=self._path)


def _lines_found(listing: bytes, prefix: bytes) -> Iterator[tuple[str, int, str]]:
    """Of ``<sha>:<path> NUL <line> NUL <content> LF``; a path may hold an LF, a line's content none."""
    at = 0
    while at < len(listing):
        number = listing.index(b"\0", at)
        rest = listing.index(b"\0", number + 1)
        end = listing.index(b"\n", rest)
        yield (
            listing[at + len(prefix) : number].decode("utf-8", "surrogateescape"),
            int(listing[number + 1 : rest]),
            listing[rest + 1 : end].decode("utf-8", "replace"),
        )
        at = end + 1


def _commit(line: str) -> Commit:
    sha, parents, tree, author, at, subject = line.split("\0", 5)
    moment = datetime.fromtimestamp(int(at), timezone.utc)
    return Commit(
        sha=sha,
        parents=tuple(parents.split()),
        author=_printable(author),
        at=moment,
        subject=_printable(subject),
        tree=tree,
    )


def _stamp(at: datetime) -> str:
    return f"{int(at.timestamp())} +0000"


def _identity(at: datetime) -> dict[str, str]:
    """Author and committer are fixed, so that the same change gives the same commit on every retry."""
    people = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in IDENTITY.items()}
    return {**people, "GIT_AUTHOR_DATE": _stamp(at), "GIT_COMMITTER_DATE": _stamp(at)}


def _printable(value: str) -> str:
    """Names in other encodings as they can be shown; JSON cannot carry their bytes."""
    return re.sub(r"[\udc80-\udcff]", "\N{REPLACEMENT CHARACTER}", value)
