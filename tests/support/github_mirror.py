"""A git repository as GitHub's API shows it: its commits and branches are made in the emulator, under the same ids."""

from __future__ import annotations

import base64
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

# What a push may bring: branches, and what the workflow keeps of an incident.
_REFS = ("refs/heads", "refs/hotfix")


class GithubMirror:
    """``ask`` calls the emulator below the repository: method, path, body."""

    def __init__(self, repository: Path, ask: Callable[[str, str, dict[str, Any] | None], Any]) -> None:
        self._repository = repository
        self._ask = ask
        self._known: set[str] = set()
        self._heads: dict[str, str] = {"main": ""}
        self._lock = threading.Lock()

    def update(self) -> None:
        """Bring the emulator to what the repository has; to be called after each push."""
        with self._lock:
            listed = self._git("rev-list", "--objects", "--no-object-names", *(f"--glob={each}" for each in _REFS))
            missing = [sha for sha in listed.decode().split() if sha not in self._known]
            objects = {sha: (kind, content) for sha, kind, content in self._read(missing)}
            kinds = (("blob", self._blob, _nothing), ("tree", self._tree, _folders), ("commit", self._commit, _parents))
            for kind, make, parts in kinds:
                wanted = {sha: content for sha, (each, content) in objects.items() if each == kind}
                for sha in _parts_first(wanted, parts):
                    made = make(wanted[sha])["sha"]
                    assert made == sha, f"the emulator has {made} for {kind} {sha}"
            self._known |= set(objects)
            self._move_branches()

    def _move_branches(self) -> None:
        listed = self._git("for-each-ref", "--format=%(objectname) %(refname:lstrip=2)", "refs/heads").decode()
        now = {name: sha for sha, name in (line.split(" ") for line in listed.splitlines())}
        for name, sha in now.items():
            if name not in self._heads:
                self._ask("POST", "/git/refs", {"ref": f"refs/heads/{name}", "sha": sha})
            elif self._heads[name] != sha:
                self._ask("PATCH", f"/git/refs/heads/{name}", {"sha": sha, "force": True})
            self._heads[name] = sha
        for name in set(self._heads) - set(now):
            self._ask("DELETE", f"/git/refs/heads/{name}", None)
            del self._heads[name]

    def _blob(self, content: bytes) -> Any:
        return self._ask("POST", "/git/blobs", {"content": base64.b64encode(content).decode(), "encoding": "base64"})

    def _tree(self, content: bytes) -> Any:
        entries = [
            {"path": path, "mode": mode.zfill(6), "type": "tree" if mode == "40000" else "blob", "sha": sha}
            for mode, path, sha in _entries(content)
        ]
        return self._ask("POST", "/git/trees", {"tree": entries})

    def _commit(self, content: bytes) -> Any:
        head, _, message = content.decode().partition("\n\n")
        fields = [line.split(" ", 1) for line in head.splitlines()]
        people = {name: _person(value) for name, value in fields if name in ("author", "committer")}
        made = {"message": message, "tree": fields[0][1], "parents": _parents(content), **people}
        return self._ask("POST", "/git/commits", made)

    def _read(self, shas: Iterable[str]) -> Iterator[tuple[str, str, bytes]]:
        found = self._git("cat-file", "--batch", stdin="\n".join(shas).encode())
        while found:
            line, _, rest = found.partition(b"\n")
            sha, kind, size = line.decode().split(" ")
            yield sha, kind, rest[: int(size)]
            found = rest[int(size) + 1 :]

    def _git(self, *arguments: str, stdin: bytes = b"") -> bytes:
        return subprocess.run(
            ["git", "-C", str(self._repository), *arguments], input=stdin, capture_output=True, check=True
        ).stdout


def _nothing(blob: bytes) -> list[str]:
    return []


def _folders(tree: bytes) -> list[str]:
    return [sha for mode, _, sha in _entries(tree) if mode == "40000"]


def _parents(commit: bytes) -> list[str]:
    head = commit.decode().partition("\n\n")[0]
    return [line.split(" ")[1] for line in head.splitlines() if line.startswith("parent ")]


def _parts_first(objects: dict[str, bytes], references: Callable[[bytes], list[str]]) -> Iterator[str]:
    done: set[str] = set()

    def visit(sha: str) -> Iterator[str]:
        if sha in done or sha not in objects:
            return
        done.add(sha)
        for part in references(objects[sha]):
            yield from visit(part)
        yield sha

    for sha in objects:
        yield from visit(sha)


def _entries(tree: bytes) -> Iterator[tuple[str, str, str]]:
    """(mode, name, id) of each entry."""
    while tree:
        head, _, rest = tree.partition(b"\0")
        mode, _, name = head.decode().partition(" ")
        yield mode, name, rest[:20].hex()
        tree = rest[20:]


def _person(line: str) -> dict[str, str]:
    who, seconds, zone = line.rsplit(" ", 2)
    name, _, address = who.partition(" <")
    offset = timezone(timedelta(hours=int(zone[:3]), minutes=int(zone[0] + zone[3:])))
    moment = datetime.fromtimestamp(int(seconds), offset)
    return {"name": name, "email": address.rstrip(">"), "date": moment.isoformat()}
