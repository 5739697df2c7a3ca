"""A bare repository with a history that a test writes down, commit by commit."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

Sha = str
Content = str | bytes | None
EPOCH = 1_767_225_600  # 2026-01-01 00:00 UTC; commits follow a minute apart
ZERO = "0" * 40


class GitHistory:
    """A remote on disk, new or as it was left in ``folder``.

    Every commit is one ``git fast-import``, which needs no working tree. Files are text or bytes by path (None
    deletes); what is not named stays as in the first parent.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._commits = 100 if (folder / "HEAD").exists() else 0
        if not (folder / "HEAD").exists():
            self.git("init", "--bare", "--quiet", "--initial-branch=main", "--template=", ".")

    @property
    def url(self) -> str:
        return self.path.as_uri()

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        done = subprocess.run(["git", *arguments], cwd=self.path, input=stdin, capture_output=True, check=True)
        return done.stdout.decode().rstrip("\n")

    def commit(
        self,
        subject: str,
        files: Mapping[str | bytes, Content],
        *,
        branch: str = "main",
        parents: Sequence[Sha] | None = None,
        author: str = "Dev",
    ) -> Sha:
        """A commit on top of ``branch`` (or of ``parents``; none for a root), to which the branch is moved."""
        if parents is None:
            head = self.ref(f"refs/heads/{branch}")
            parents = [head] if head else []
        self._commits += 1
        message = subject.encode()
        stream = [
            *([f"reset refs/heads/{branch}\nfrom {ZERO}\n\n".encode()] if not parents else []),
            f"commit refs/heads/{branch}\nmark :1\n".encode(),
            f"committer {author} <dev@example.com> {EPOCH + 60 * self._commits} +0000\n".encode(),
            _data(message),
            *(f"{'merge' if position else 'from'} {sha}\n".encode() for position, sha in enumerate(parents)),
        ]
        for path, content in files.items():
            name = _quoted(path)
            stream.append(
                b"D " + name + b"\n" if content is None else b"M 100644 inline " + name + b"\n" + _data(content)
            )
        stream.append(b"\nget-mark :1\n")
        return self.git("fast-import", "--quiet", "--force", stdin=b"".join(stream)).strip()

    def merge(self, subject: str, other: Sha, files: Mapping[str | bytes, Content], *, branch: str = "main") -> Sha:
        """A merge of ``other`` into ``branch``; ``files`` is what the other side brings in."""
        head = self.ref(f"refs/heads/{branch}")
        assert head is not None, f"{branch} has no commit to merge into"
        return self.commit(subject, files, branch=branch, parents=[head, other])

    def tag(self, name: str, sha: Sha, message: str | None = None) -> None:
        """A lightweight tag, or with a message an annotated one."""
        if message is None:
            self.git("tag", name, sha)
        else:
            self.git("-c", "user.name=Dev", "-c", "user.email=dev@example.com", "tag", "-a", "-m", message, name, sha)

    def ref(self, name: str) -> Sha | None:
        """Where a full ref name is; None when there is none."""
        return self.git("for-each-ref", "--format=%(objectname)", name) or None

    def move(self, name: str, sha: Sha) -> None:
        self.git("update-ref", name, sha)

    def remove(self, name: str) -> None:
        self.git("update-ref", "-d", name)

    def show(self, sha: Sha, path: str) -> str:
        return self.git("cat-file", "blob", f"{sha}:{path}") + "\n"

    def bytes_of(self, sha: Sha, path: str) -> bytes:
        command = ["git", "cat-file", "blob", f"{sha}:{path}"]
        return subprocess.run(command, cwd=self.path, capture_output=True, check=True).stdout

    def patch(self, base: Sha, head: Sha) -> str:
        """What ``git diff`` prints between two commits."""
        return self.git("diff", base, head) + "\n"


def _data(content: str | bytes) -> bytes:
    raw = content.encode() if isinstance(content, str) else content
    return f"data {len(raw)}\n".encode() + raw + b"\n"


def _quoted(path: str | bytes) -> bytes:
    """A path in fast-import's own quotes, which carry any byte."""
    raw = path.encode() if isinstance(path, str) else path
    plain = b"".join(bytes([byte]) if 32 <= byte < 127 and byte not in b'"\\' else b"\\%03o" % byte for byte in raw)
    return b'"' + plain + b'"'
