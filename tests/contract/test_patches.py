"""What commits changed, read from real git: odd names, odd contents, odd histories; and histories read in place."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from hotfix.adapters.git import GitRepository
from hotfix.adapters.git import patches as module
from hotfix.domain.errors import GitFailed
from hotfix.domain.history import CommitPatch, FilePatch, Hunk
from tests.support.git_history import GitHistory

ODD_NAMES = (
    "with space.txt",
    " leading and trailing ",
    'quo"te.txt',
    "back\\slash.txt",
    "a\nb.txt",
    "tab\there.txt",
    "trailing tab\t",
    "bell\a\x7f.txt",
    "grün/ä.txt",
    b"caf\xe9.txt",
    b'caf\xe9 "quoted".txt',
    "a => b",
    "b/a/x.txt",
    "-rf",
    "--- a/x",
    "\\303\\244.txt",
    "dev/null",
)


@pytest.fixture
def history(tmp_path: Path) -> GitHistory:
    made = GitHistory(tmp_path / "remote.git")
    made.commit("Begin", {"keep.txt": "1\n"})
    return made


class Reader:
    def __init__(self, folder: Path, history: GitHistory) -> None:
        self.history = history
        self.good = history.ref("refs/heads/main") or ""
        self.repository = GitRepository(folder / "mirrors", history.url)

    def all(self, good: str | None = None, bad: str = "refs/heads/main") -> list[CommitPatch]:
        self.repository.fetch()
        return list(self.repository.patches(good or self.good, self.history.git("rev-parse", bad)))

    def last(self) -> CommitPatch:
        return self.all()[0]

    def only_file(self) -> FilePatch:
        (file,) = self.last().files
        return file


@pytest.fixture
def reader(tmp_path: Path, history: GitHistory) -> Reader:
    return Reader(tmp_path, history)


def as_text(name: str | bytes) -> str:
    return name if isinstance(name, str) else name.decode("utf-8", "surrogateescape")


def test_what_is_left_out_hides_no_side_branch(reader: Reader, history: GitHistory):
    code = history.commit("Code", {"app.py": "1\n", "docs/app.md": "1\n", "web/tests/app.py": "1\n"})
    history.commit("Documented", {"docs/app.md": "2\n"})
    history.commit("Aside", {"app.py": "2\n"}, branch="side", parents=[code])
    undone = history.commit("Undone", {"app.py": "1\n", "web/tests/app.py": "2\n"}, branch="side")
    history.merge("Merge", undone, {"web/tests/app.py": "2\n"})
    reader.repository.fetch()
    patches = reader.repository.patches(reader.good, history.ref("refs/heads/main") or "", ["*.md", "*/tests/*"])
    assert [(patch.message, [file.path for file in patch.files]) for patch in patches] == [
        ("Undone", ["app.py"]),
        ("Aside", ["app.py"]),
        ("Code", ["app.py"]),
    ]


# --- names


@pytest.mark.parametrize("name", ODD_NAMES, ids=repr)
def test_any_name_that_git_allows(reader: Reader, name: str | bytes) -> None:
    """Made, changed and deleted; spelled as ``files`` spells it."""
    reader.history.commit("Make", {name: "one\n"})
    made = reader.history.git("rev-parse", "main")
    reader.history.commit("Change", {name: "two\n"})
    reader.history.commit("Delete", {name: None})
    deleted, changed, new = reader.all()
    path = as_text(name)
    assert path in reader.repository.files(made)
    assert new.files == (FilePatch(path, path, (Hunk("", (), ("one",)),)),)
    assert changed.files == (FilePatch(path, path, (Hunk("", ("one",), ("two",)),)),)
    assert deleted.files == (FilePatch(path, path, (Hunk("", ("two",), ()),)),)


@pytest.mark.parametrize("name", ODD_NAMES, ids=repr)
def test_a_rename_to_and_from_any_name(reader: Reader, name: str | bytes) -> None:
    text = "".join(f"{number} line\n" for number in range(20))
    reader.history.commit("Make", {"plain.txt": text})
    reader.history.commit("There", {"plain.txt": None, name: text})
    reader.history.commit("And back", {name: None, "plain.txt": text.replace("7 line\n", "7 changed\n", 1)})
    back, there, _ = reader.all()
    path = as_text(name)
    assert there.files == (FilePatch(path, "plain.txt", ()),)
    assert back.files == (FilePatch("plain.txt", path, (Hunk("", ("7 line",), ("7 changed",)),)),)


# --- contents


def test_lines_that_look_like_headers_are_lines(reader: Reader) -> None:
    nasty = [
        "--- a/x", "+++ b/x", "@@ -1 +1 @@", "@@ -1,99 +1,99 @@ def f", "diff --git a/x b/x", "rename from x",
        "\\ No newline at end of file", "-- a/x", "++ b/x", "Binary files a/x and b/x differ",
    ]  # fmt: skip
    reader.history.commit("Make", {"a.txt": "\n".join(nasty) + "\n", "z.txt": "1\n"})
    reader.history.commit("Change", {"a.txt": "plain\n", "z.txt": "2\n"})
    changed, made = reader.all()
    assert made.files[0].hunks == (Hunk("", (), tuple(nasty)),)
    assert changed.files[0].hunks == (Hunk("", tuple(nasty), ("plain",)),)
    assert [file.path for file in (*changed.files, *made.files)] == ["a.txt", "z.txt"] * 2


def test_no_newline_at_the_end(reader: Reader) -> None:
    reader.history.commit("Make", {"a.txt": "one\ntwo", "b.txt": "x"})
    reader.history.commit("Change", {"a.txt": "one\ntoo", "b.txt": "x\n"})
    changed, made = reader.all()
    assert made.files == (
        FilePatch("a.txt", "a.txt", (Hunk("", (), ("one", "two")),)),
        FilePatch("b.txt", "b.txt", (Hunk("", (), ("x",)),)),
    )
    assert changed.files[0].hunks[0].removed == ("two",)
    assert changed.files[0].hunks[0].added == ("too",)
    assert changed.files[1] == FilePatch("b.txt", "b.txt", (Hunk("", ("x",), ("x",)),))


def test_line_ends_of_other_systems_are_no_part_of_a_line(reader: Reader) -> None:
    reader.history.commit("Make", {"a.txt": "1\r\ntwo\r\n"})
    reader.history.commit("Change", {"a.txt": "1\r\nt\rwo\r\n"})
    changed, made = reader.all()
    assert made.files[0].hunks == (Hunk("", (), ("1", "two")),)
    assert changed.files[0].hunks == (Hunk("", ("two",), ("t\rwo",)),)


def test_text_that_is_not_utf_8(reader: Reader) -> None:
    reader.history.commit("Make", {"a.txt": b"caf\xe9\n"})
    assert reader.only_file().hunks == (Hunk("", (), ("caf�",)),)


def test_binary_files_have_no_lines(reader: Reader) -> None:
    reader.history.commit("Make", {"a.bin": bytes(range(256)), "a.txt": "1\n"})
    assert [file.path for file in reader.last().files] == ["a.txt"]


def test_hunks_name_the_function_around_them(reader: Reader) -> None:
    lines = ["import os", "", "class Basket:", "    def price(self):", *[f"        x{n} = {n}" for n in range(9)]]
    reader.history.commit("Make", {"a.py": "\n".join(lines) + "\n"})
    lines[-1] = "        x8 = 88"
    reader.history.commit("Change", {"a.py": "\n".join(lines) + "\n"})
    assert reader.only_file().hunks == (Hunk("def price(self):", ("        x8 = 8",), ("        x8 = 88",)),)


def test_hunks_of_one_file_stay_apart(reader: Reader) -> None:
    reader.history.commit("Make", {"a.txt": "".join(f"{n}\n" for n in range(30))})
    reader.history.commit("Change", {"a.txt": "".join(f"{'x' if n in (3, 20) else n}\n" for n in range(30) if n != 10)})
    hunks = reader.only_file().hunks
    assert [(hunk.removed, hunk.added) for hunk in hunks] == [(("3",), ("x",)), (("10",), ()), (("20",), ("x",))]


def test_what_is_huge_is_clipped_and_what_follows_is_not_lost(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HUNK_LINES", 20)
    monkeypatch.setattr(module, "FILE_LINES", 50)
    many = "".join(f"line {n}\n" for n in range(100))
    reader.history.commit("Make", {"a.txt": many, "b.txt": "small\n"})
    huge, small = reader.last().files
    assert len(huge.hunks[0].added) == 20
    assert huge.hunks[0].added[0] == "line 0"
    assert small.hunks == (Hunk("", (), ("small",)),)


# --- commits


def test_the_newest_comes_first_with_its_message(reader: Reader) -> None:
    one = reader.history.commit("One\n\nWhy.\n\ndiff --git a/x b/x\n@@ -1 +1 @@\n--- a/x\n", {"a.txt": "1\n"})
    two = reader.history.commit("Two", {"a.txt": "2\n"})
    patches = reader.all()
    assert [(patch.sha, patch.message) for patch in patches] == [
        (two, "Two"),
        (one, "One\n\nWhy.\n\ndiff --git a/x b/x\n@@ -1 +1 @@\n--- a/x"),
    ]
    assert [len(patch.files) for patch in patches] == [1, 1]


@pytest.mark.parametrize(
    "message",
    [b"", b"\n\n", b"ends in a backslash \\", b"caf\xe9", b"\x01\x02", b"before\x00after\n\ndiff --git a/x b/x\n"],
    ids=repr,
)
def test_odd_messages_do_not_hide_the_commits_around_them(reader: Reader, message: bytes) -> None:
    tree = reader.history.git("rev-parse", f"{reader.history.commit('Before', {'a.txt': '1'})}^{{tree}}")
    before = reader.history.git("rev-parse", "main")
    person = "Dev <dev@example.com> 1767225600 +0000"
    raw = f"tree {tree}\nparent {before}\nauthor {person}\ncommitter {person}\n\n".encode() + message
    odd = reader.history.git("hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=raw)
    reader.history.move("refs/heads/main", odd)
    after = reader.history.commit("After", {"a.txt": "2"})
    patches = reader.all()
    assert [patch.sha for patch in patches] == [after, odd, before]
    assert [len(patch.files) for patch in patches] == [1, 0, 1]
    assert patches[2].message == "Before"


def test_merges_are_left_out_and_their_branches_are_not(reader: Reader) -> None:
    side = reader.history.commit("Side", {"side.txt": "1\n"}, branch="side", parents=[reader.good])
    line = reader.history.commit("Line", {"line.txt": "1\n"})
    reader.history.merge("Merge", side, {"side.txt": "1\n", "evil.txt": "only in the merge\n"})
    assert {patch.sha for patch in reader.all()} == {side, line}


def test_a_root_commit_adds_all_that_it_has(reader: Reader) -> None:
    root = reader.history.commit("Another root", {"other.txt": "1\n"}, branch="other", parents=[])
    reader.history.merge("Join", root, {"other.txt": "1\n"})
    (patch,) = reader.all()
    assert patch == CommitPatch(root, "Another root", (FilePatch("other.txt", "other.txt", (Hunk("", (), ("1",)),)),))


def test_commits_without_a_change_of_lines(reader: Reader) -> None:
    empty = reader.history.commit("Empty", {})
    blob = reader.history.git("rev-parse", "main:keep.txt")
    tree = reader.history.git("mktree", stdin=f"100755 blob {blob}\tkeep.txt\n".encode())
    person = "Dev <dev@example.com> 1767225600 +0000"
    raw = f"tree {tree}\nparent {empty}\nauthor {person}\ncommitter {person}\n\nMode\n".encode()
    mode = reader.history.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=raw)
    reader.history.move("refs/heads/main", mode)
    after = reader.history.commit("After", {"keep.txt": "2\n"})
    patches = reader.all()
    assert [patch.sha for patch in patches] == [after, mode, empty]
    assert [len(patch.files) for patch in patches] == [1, 0, 0]


def test_a_version_that_is_not_there(reader: Reader) -> None:
    reader.repository.fetch()
    with pytest.raises(GitFailed):
        list(reader.repository.patches("f" * 40, reader.good))


def test_reading_may_stop_at_any_commit(reader: Reader) -> None:
    for number in range(5):
        reader.history.commit(f"{number}", {"a.txt": f"{number}\n" * 50_000})
    reader.repository.fetch()
    patches = reader.repository.patches(reader.good, reader.history.git("rev-parse", "main"))
    assert next(patches).message == "4"
    patches.close()  # type: ignore[attr-defined]


# --- a repository that is read in place


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A user's repository: three commits, a tag, a change that is staged, one that is not, and a stash."""
    folder = tmp_path / "their project"
    folder.mkdir()
    run(folder, "init", "-q", "-b", "main")
    for number in (1, 2, 3):
        (folder / "sub").mkdir(exist_ok=True)
        (folder / "sub" / "a.txt").write_text(f"{number}\n")
        run(folder, "add", ".")
        run(folder, "commit", "-q", "-m", f"commit {number}")
        run(folder, "tag", f"v{number}")
    (folder / "sub" / "a.txt").write_text("stashed\n")
    run(folder, "stash", "-q")
    (folder / "staged.txt").write_text("staged\n")
    run(folder, "add", "staged.txt")
    (folder / "loose.txt").write_text("loose\n")
    return folder


def run(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Dev", "-c", "user.email=dev@example.com"]
    done = subprocess.run(["git", "-C", str(folder), *identity, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def everything(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Mode, time of the last change and checksum of all below ``folder``."""
    found = {}
    for path in sorted(folder.rglob("*")):
        state = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path.relative_to(folder))] = (state.st_mode, state.st_mtime_ns, content)
    return found


def read_all(repository: GitRepository) -> tuple[list[str], list[CommitPatch], str]:
    good, bad = repository.resolve_in_place("v1"), repository.resolve_in_place("v3")
    assert good is not None
    assert bad is not None
    with repository.checkout(bad) as tree:
        (tree / "sub" / "a.txt").write_text("written over\n")
        (tree / "new.txt").write_text("new\n")
        subprocess.run(["git", "-C", str(tree), "add", "."], check=True)
        content = run(tree, "show", "HEAD:sub/a.txt")
    repository.last_changed_by(bad, "sub/a.txt", 1)
    repository.grep(bad, ["3"])
    return [commit.subject for commit in repository.commits(good, bad)], list(repository.patches(good, bad)), content


EXPECTED = (["commit 2", "commit 3"], ["commit 3", "commit 2"], "3")


def assert_all_there(read: tuple[list[str], list[CommitPatch], str]) -> None:
    assert (read[0], [patch.message for patch in read[1]], read[2]) == EXPECTED
    assert read[1][0].files == (FilePatch("sub/a.txt", "sub/a.txt", (Hunk("", ("2",), ("3",)),)),)


def test_nothing_of_the_users_repository_changes(tmp_path: Path, checkout: Path) -> None:
    before = everything(checkout)
    assert "staged.txt" in before
    assert any(path.startswith(".git/objects/") for path in before)
    refs, worktrees = run(checkout, "for-each-ref"), run(checkout, "worktree", "list")
    before = everything(checkout)
    assert_all_there(read_all(GitRepository.of_folder(tmp_path / "work", checkout)))
    assert everything(checkout) == before
    assert (run(checkout, "for-each-ref"), run(checkout, "worktree", "list")) == (refs, worktrees)
    assert run(checkout, "fsck", "--strict") == ""


def test_from_a_subfolder(tmp_path: Path, checkout: Path) -> None:
    assert_all_there(read_all(GitRepository.of_folder(tmp_path / "work", checkout / "sub")))


def test_a_linked_worktree(tmp_path: Path, checkout: Path) -> None:
    run(checkout, "worktree", "add", "-q", str(tmp_path / "linked"), "v1")
    before = everything(checkout)
    repository = GitRepository.of_folder(tmp_path / "work", tmp_path / "linked")
    assert_all_there(read_all(repository))
    assert repository.resolve_in_place("HEAD") == run(checkout, "rev-parse", "v1"), "the worktree's own HEAD"
    assert everything(checkout) == before


def test_a_bare_repository(tmp_path: Path, checkout: Path) -> None:
    run(tmp_path, "clone", "-q", "--bare", str(checkout), str(tmp_path / "bare.git"))
    before = everything(tmp_path / "bare.git")
    assert_all_there(read_all(GitRepository.of_folder(tmp_path / "work", tmp_path / "bare.git")))
    assert everything(tmp_path / "bare.git") == before


def test_a_clone_that_borrows_objects_itself(tmp_path: Path, checkout: Path) -> None:
    run(tmp_path, "clone", "-q", "--shared", str(checkout), str(tmp_path / "shared"))
    assert_all_there(read_all(GitRepository.of_folder(tmp_path / "work", tmp_path / "shared")))


def test_a_shallow_clone_is_read_as_far_as_it_goes(tmp_path: Path, checkout: Path) -> None:
    run(tmp_path, "clone", "-q", "--depth", "2", checkout.as_uri(), str(tmp_path / "shallow"))
    shallow = tmp_path / "shallow"
    before = everything(shallow)
    repository = GitRepository.of_folder(tmp_path / "work", shallow)
    good, bad = repository.resolve_in_place("HEAD~1"), repository.resolve_in_place("HEAD")
    assert good is not None
    assert bad is not None
    assert [commit.subject for commit in repository.commits(good, bad)] == ["commit 3"]
    assert [patch.message for patch in repository.patches(good, bad)] == ["commit 3"]
    assert repository.is_ancestor(good, bad)
    assert not repository.is_ancestor(bad, good)
    assert everything(shallow) == before


def test_a_folder_that_is_no_repository(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    with pytest.raises(GitFailed):
        GitRepository.of_folder(tmp_path / "work", tmp_path / "plain")


@pytest.mark.parametrize("name", ["nothing", "--all", "-x", "v1:sub/a.txt", "v9", "", "f" * 40])
def test_a_name_that_names_no_version(tmp_path: Path, checkout: Path, name: str) -> None:
    assert GitRepository.of_folder(tmp_path / "work", checkout).resolve_in_place(name) is None


def test_names_of_the_users_own(tmp_path: Path, checkout: Path) -> None:
    repository = GitRepository.of_folder(tmp_path / "work", checkout)
    run(checkout, "tag", "-a", "-m", "noted", "annotated", "v2")
    second = run(checkout, "rev-parse", "v2")
    assert {repository.resolve_in_place(name) for name in ("annotated", "HEAD~1", "main^", second[:8])} == {second}
