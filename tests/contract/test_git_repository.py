"""The Repository port on real git: odd names and odd histories, moved refs, lost remotes, killed processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

import pytest

from hotfix.adapters.git import GitRepository
from hotfix.adapters.git.command import environment
from hotfix.domain.errors import GitFailed, HotfixError, RefMoved, RemoteUnavailable
from hotfix.domain.fix import FileChange
from tests.support.git_history import ZERO, GitHistory

AT = datetime(2026, 3, 1, 3, 0, tzinfo=timezone.utc)
REF = "refs/hotfix/OPS-1/candidate-1"
SPACES, NEWLINE, UNICODE, LATIN = "with space.txt", "a\nb.txt", "grün/ä.txt", b"caf\xe9.txt"


@pytest.fixture
def history(tmp_path: Path) -> GitHistory:
    return GitHistory(tmp_path / "remote.git")


@pytest.fixture
def repository(tmp_path: Path, history: GitHistory) -> GitRepository:
    return GitRepository(tmp_path / "mirrors", history.url)


@pytest.fixture
def other(tmp_path: Path, history: GitHistory) -> GitRepository:
    """The same remote through another machine's mirror."""
    return GitRepository(tmp_path / "other-mirrors", history.url)


def a_line(history: GitHistory, *contents: str, path: str = "a.txt") -> list[str]:
    """One commit a content."""
    return [history.commit(f"Change {number}", {path: content}) for number, content in enumerate(contents)]


# --- reading


def test_what_a_name_names(history: GitHistory, repository: GitRepository) -> None:
    first, second = a_line(history, "1", "2")
    history.tag("v1", first, "annotated")
    history.move("refs/heads/topic/x", first)
    history.move("refs/hotfix/OPS-1/backup", first)
    repository.fetch()
    assert repository.resolve("main") == second
    assert repository.resolve("topic/x") == repository.resolve("v1") == repository.resolve(first[:10]) == first
    assert repository.resolve("refs/hotfix/OPS-1/backup") == first
    for unknown in ("nothing", "refs/heads/nothing", "f" * 40, "-x", "--all", "main:a.txt"):
        assert repository.resolve(unknown) is None, unknown


def test_a_branch_comes_before_a_tag_of_the_same_name(history: GitHistory, repository: GitRepository) -> None:
    first, second = a_line(history, "1", "2")
    history.tag("main", first)
    assert repository.resolve("main") == second


def test_what_a_fetch_follows(history: GitHistory, repository: GitRepository) -> None:
    (first,) = a_line(history, "1")
    history.move("refs/heads/topic", first)
    repository.fetch()
    assert repository.resolve("topic") == first
    forced = history.commit("Rewritten", {"a.txt": "x"}, branch="topic", parents=[])
    repository.fetch()
    assert repository.resolve("topic") == forced
    history.remove("refs/heads/topic")
    history.commit("Below it", {"a.txt": "y"}, branch="topic/sub", parents=[first])
    repository.fetch()
    assert repository.resolve("topic") is None
    assert repository.resolve("topic/sub") is not None


def test_a_commit(history: GitHistory, repository: GitRepository) -> None:
    first, _ = a_line(history, "1", "2")
    merged = history.merge(
        "Merge", history.commit("Side", {"b.txt": "1"}, branch="side", parents=[first]), {"b.txt": "1"}
    )
    commit = repository.commit(merged)
    assert (len(commit.parents), commit.subject, commit.author) == (2, "Merge", "Dev <dev@example.com>")
    assert commit.at.tzinfo is not None
    with pytest.raises(GitFailed):
        repository.commit("e" * 40)


@pytest.mark.parametrize("separator", ["\u2028", "\x0c", "\x0b", "\x85", "\x1e", "\t"])
def test_a_subject_is_one_subject_whatever_is_in_it(
    history: GitHistory, repository: GitRepository, separator: str
) -> None:
    first = history.commit("Begin", {"a.txt": "1"})
    odd = history.commit(f"One{separator}two", {"a.txt": "2"})
    last = history.commit("Three", {"a.txt": "3"})
    assert [commit.sha for commit in repository.commits(first, last)] == [odd, last]


def test_commits_in_between_parents_first(history: GitHistory, repository: GitRepository) -> None:
    good, second = a_line(history, "1", "2")
    side = history.commit("Side", {"b.txt": "1"}, branch="side", parents=[good])
    merge = history.merge("Merge", side, {"b.txt": "1"})
    bad = history.commit("Last", {"c.txt": "1"})
    listed = [commit.sha for commit in repository.commits(good, bad)]
    assert sorted(listed) == sorted([second, side, merge, bad])
    assert listed[-1] == bad
    seen = {good}
    for sha in listed:
        assert set(repository.commit(sha).parents) <= seen
        seen.add(sha)
    assert repository.commits(bad, bad) == ()


def test_ancestors(history: GitHistory, repository: GitRepository) -> None:
    first, second = a_line(history, "1", "2")
    assert repository.is_ancestor(first, second)
    assert repository.is_ancestor(first, first)
    assert not repository.is_ancestor(second, first)


def test_a_history_with_another_beginning_is_no_ancestor(history: GitHistory, repository: GitRepository) -> None:
    (first,) = a_line(history, "1")
    orphan = history.commit("Another beginning", {"a.txt": "1"}, branch="other", parents=[])
    assert not repository.is_ancestor(orphan, first)


def test_tags_before_a_version_the_newest_first(history: GitHistory, repository: GitRepository) -> None:
    first, second, third = a_line(history, "1", "2", "3")
    later = history.commit("Later", {"a.txt": "4"}, branch="topic")
    history.tag("v1", first)
    history.tag("v2", second, "annotated")
    history.tag("v3", third)
    history.tag("later", later)
    assert dict(repository.tags_before(third)) == {"v1": first, "v2": second}
    history.git("tag", "-d", "v2")
    repository.fetch()
    assert repository.tags_before(third) == (("v1", first),)
    assert repository.tags_before(first) == ()


def test_files_and_changes_with_names_that_tools_stumble_over(history: GitHistory, repository: GitRepository) -> None:
    names: list[str | bytes] = [SPACES, NEWLINE, UNICODE, LATIN, "-rf", '"quoted".txt', "a\tb"]
    first = history.commit("Begin", dict.fromkeys(names, "1\n"))
    second = history.commit("Change", dict.fromkeys(names, "2\n3\n"))
    assert len(repository.files(first)) == len(names)
    changes = {change.path: change for change in repository.changes(first, second)}
    assert len(changes) == len(names)
    assert changes[NEWLINE] == FileChange(path=NEWLINE, added=2, removed=1)
    assert set(changes) > {SPACES, NEWLINE, UNICODE, "-rf", '"quoted".txt', "a\tb"}
    for change in changes.values():
        assert FileChange.model_validate_json(change.model_dump_json()) == change
    with repository.checkout(second) as tree:
        assert (tree / NEWLINE).read_text() == (tree / SPACES).read_text() == "2\n3\n"


def test_changes_of_every_kind(history: GitHistory, repository: GitRepository) -> None:
    first = history.commit("Begin", {"old.txt": "x\n" * 30, "gone.txt": "1\n", "bin": b"\0\1"})
    second = history.commit("Change", {"old.txt": None, "new.txt": "x\n" * 30, "gone.txt": None, "bin": b"\0\2"})
    assert {(c.path, c.added, c.removed, c.binary) for c in repository.changes(first, second)} == {
        ("old.txt", 0, 30, False),
        ("new.txt", 30, 0, False),
        ("gone.txt", 0, 1, False),
        ("bin", 0, 0, True),
    }, "a rename is a removal and an addition: the policy sees both paths"
    assert "+x" in repository.diff(first, second)
    assert repository.changes(first, first) == ()


def test_a_file_at_a_version(history: GitHistory, repository: GitRepository) -> None:
    first, second = a_line(history, "eins\n", "zwei\n")
    assert (repository.read_file(first, "a.txt"), repository.read_file(second, "a.txt")) == ("eins\n", "zwei\n")
    assert repository.read_file(first, "b.txt") is None
    assert repository.read_file(first, "../a.txt") is None


def test_lines_with_a_text(history: GitHistory, repository: GitRepository) -> None:
    first = history.commit("Begin", {"a.py": "eins\nzwei (1.*)\n", SPACES: "Zwei\n-e zwei\n", "bin": b"\0zwei\n"})
    second = history.commit("More", {"a.py": "null\nzwei\r\n", "dir/b.py": b"caf\xe9 eins", NEWLINE: "zwei\n"})
    assert repository.grep(first, ["zwei"]) == (("a.py", 2, "zwei (1.*)"), (SPACES, 2, "-e zwei"))
    assert set(repository.grep(second, ["zwei", "eins"])) == {
        ("a.py", 2, "zwei\r"),
        ("dir/b.py", 1, "caf\N{REPLACEMENT CHARACTER} eins"),
        (NEWLINE, 1, "zwei"),
        (SPACES, 2, "-e zwei"),
    }
    assert repository.grep(first, ["(1.*)"]) == (("a.py", 2, "zwei (1.*)"),), "a text is no pattern"
    assert repository.grep(first, ["-e"]) == ((SPACES, 2, "-e zwei"),), "and no option"
    for nothing in (["drei"], [], [""]):
        assert repository.grep(second, nothing) == ()
    with pytest.raises(GitFailed):
        repository.grep("e" * 40, ["zwei"])


def test_who_wrote_a_line(history: GitHistory, repository: GitRepository) -> None:
    first = history.commit("Begin", {"a.txt": "1\n2\n"})
    second = history.commit("Change", {"a.txt": "1\n3\n"})
    assert repository.last_changed_by(second, "a.txt", 1) == first
    assert repository.last_changed_by(second, "a.txt", 2) == second
    for path, line in (("a.txt", 3), ("a.txt", 0), ("b.txt", 1), ("--help", 1)):
        assert repository.last_changed_by(second, path, line) is None


def test_fingerprints_of_what_is_there(history: GitHistory, repository: GitRepository) -> None:
    first = history.commit("Begin", {"a.txt": "1", "dir/b.txt": b"\0\xff", SPACES: "2", NEWLINE: "3"})
    found = {
        file.path: file for file in repository.fingerprints(first, ("a.txt", "dir/b.txt", "gone", SPACES, NEWLINE))
    }
    assert set(found) == {"a.txt", "dir/b.txt", SPACES, NEWLINE}
    assert found["a.txt"].sha256 == "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"
    assert (found["a.txt"].mode, found["a.txt"].blob) == ("100644", history.git("rev-parse", f"{first}:a.txt"))
    assert repository.fingerprints(first, ()) == ()


# --- checkouts


def test_a_checkout_is_clean_and_goes_away_with_what_was_left_in_it(
    history: GitHistory, repository: GitRepository, tmp_path: Path
) -> None:
    first, second = a_line(history, "1", "2")
    with repository.checkout(first) as tree, repository.checkout(first) as twin, repository.checkout(second) as newer:
        assert len({tree, twin, newer}) == 3
        assert ((tree / "a.txt").read_text(), (newer / "a.txt").read_text()) == ("1", "2")
        (tree / "a.txt").write_text("spoilt")
        (tree / "left.txt").write_text("behind")
        assert (twin / "a.txt").read_text() == "1"
    assert not any(folder.exists() for folder in (tree, twin, newer))
    with repository.checkout(first) as again:
        assert sorted(path.name for path in again.iterdir()) == [".git", "a.txt"]


def test_a_checkout_goes_away_when_its_user_fails(history: GitHistory, repository: GitRepository) -> None:
    (first,) = a_line(history, "1")
    with pytest.raises(ZeroDivisionError), repository.checkout(first) as tree:
        raise ZeroDivisionError
    assert not tree.exists()


def test_hooks_of_a_mirror_do_not_run(history: GitHistory, repository: GitRepository, tmp_path: Path) -> None:
    (first,) = a_line(history, "1")
    repository.fetch()
    (mirror,) = (tmp_path / "mirrors").glob("*.git")
    hook = mirror / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    with repository.checkout(first):
        pass
    assert not (tmp_path / "ran").exists()


# --- making commits


def test_a_patch_becomes_a_commit(history: GitHistory, repository: GitRepository) -> None:
    base, wanted = a_line(history, "1\n2\n3\n", "1\nzwei\n3\n")
    made = repository.apply_patch(base, history.patch(base, wanted), "Fix\n\nWhy.\n", AT)
    commit = repository.commit(made)
    assert (commit.parents, commit.subject, commit.at) == ((base,), "Fix", AT)
    assert repository.read_file(made, "a.txt") == "1\nzwei\n3\n"
    assert history.ref("refs/heads/main") == wanted, "nothing is pushed"


def test_the_same_change_gives_the_same_commit_in_every_mirror(
    history: GitHistory, repository: GitRepository, other: GitRepository
) -> None:
    base, bad, good = a_line(history, "1\n", "2\n", "3\n")
    patch = history.patch(base, good)

    def made(one: GitRepository) -> tuple[str, ...]:
        return (
            one.apply_patch(base, patch, "Fix", AT),
            one.revert(bad, bad, "Back", AT),
            one.graft(bad, good, "Graft", AT),
            one.seal(good, "approved", "Approved by grace", AT),
            one.mark("lock", AT),
        )

    first = made(repository)
    assert len(set(first)) == len(first)
    time.sleep(1.1)
    assert made(repository) == first
    assert made(other) == first


def test_a_commits_message_ends_as_git_ends_it(history: GitHistory, repository: GitRepository) -> None:
    base, changed = a_line(history, "one\n", "two\n")
    repository.fetch()
    for message in ("Hotfix", "Hotfix\n\n"):
        commit = repository.apply_patch(base, history.patch(base, changed), message, AT)
        content = repository._git("cat-file", "commit", commit)
        assert content.endswith(b"\n\nHotfix\n")


@pytest.mark.parametrize("network", [False, True])
def test_git_sees_no_connection_of_airflow(monkeypatch: pytest.MonkeyPatch, network: bool) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SLACK_DEFAULT", "a secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com")
    passed = environment(network)
    assert not [name for name in passed if name.startswith("AIRFLOW_")]
    assert passed["HTTPS_PROXY"] == "http://proxy.example.com"


def test_a_patch_with_the_line_ends_of_a_browser(history: GitHistory, repository: GitRepository) -> None:
    base, wanted = a_line(history, "1\n2\n", "1\nzwei\n")
    patch = history.patch(base, wanted).replace("\n", "\r\n")
    assert repository.read_file(repository.apply_patch(base, patch, "Fix", AT), "a.txt") == "1\nzwei\n"
    without_end = history.patch(base, wanted).rstrip("\n")
    assert repository.read_file(repository.apply_patch(base, without_end, "Fix", AT), "a.txt") == "1\nzwei\n"


def test_a_patch_of_a_file_that_has_such_line_ends(history: GitHistory, repository: GitRepository) -> None:
    base, wanted = a_line(history, "1\r\n2\r\n3\r\n", "1\r\nzwei\r\n3\r\n")
    made = repository.apply_patch(base, history.patch(base, wanted), "Fix", AT)
    assert history.git("diff", "--stat", wanted, base)
    with repository.checkout(made) as tree:
        assert (tree / "a.txt").read_bytes() == b"1\r\nzwei\r\n3\r\n"


def test_a_patch_for_a_neighbouring_version_still_applies(history: GitHistory, repository: GitRepository) -> None:
    text = "".join(f"{number}\n" for number in range(30))
    old, new = a_line(history, text, text.replace("25\n", "fünfundzwanzig\n"))
    base = history.commit("Elsewhere", {"a.txt": f"zero\n{text}"}, branch="production", parents=[old])
    made = repository.apply_patch(base, history.patch(old, new), "Fix", AT)
    assert repository.read_file(made, "a.txt") == f"zero\n{text}".replace("25\n", "fünfundzwanzig\n")


@pytest.mark.parametrize(
    "patch",
    [
        "no diff",
        "",
        "--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-not there\n+x\n",
        "--- a/gone.txt\n+++ b/gone.txt\n@@ -1 +1 @@\n-1\n+x\n",
        "--- a/../out.txt\n+++ b/../out.txt\n@@ -0,0 +1 @@\n+x\n",
        "--- /dev/null\n+++ b/../../out.txt\n@@ -0,0 +1 @@\n+x\n",
        "--- /dev/null\n+++ b/.git/hooks/post-commit\n@@ -0,0 +1 @@\n+x\n",
        "diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+..\n"
        "\\ No newline at end of file\n"
        "diff --git a/l/out.txt b/l/out.txt\nnew file mode 100644\n--- /dev/null\n+++ b/l/out.txt\n@@ -0,0 +1 @@\n+x\n",
    ],
)
def test_a_patch_that_does_not_apply_or_leaves_the_tree(
    history: GitHistory, repository: GitRepository, tmp_path: Path, patch: str
) -> None:
    (base,) = a_line(history, "1\n")
    with pytest.raises(GitFailed):
        repository.apply_patch(base, patch, "Fix", AT)
    assert list(tmp_path.rglob("out.txt")) == []


def test_a_change_that_changes_nothing_is_refused(history: GitHistory, repository: GitRepository) -> None:
    first, second, third = a_line(history, "1\n", "2\n", "1\n")
    with pytest.raises(GitFailed, match="the change is empty"):
        repository.revert(third, second, "Back", AT)
    again = "--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-1\n+1\n"
    with pytest.raises(GitFailed):
        repository.apply_patch(first, again, "Fix", AT)


def test_a_revert(history: GitHistory, repository: GitRepository) -> None:
    first, bad = a_line(history, "1\n", "2\n")
    base = history.commit("Elsewhere", {"b.txt": "x\n"})
    made = repository.revert(base, bad, "Back\n\nWhy.", AT)
    assert (repository.read_file(made, "a.txt"), repository.read_file(made, "b.txt")) == ("1\n", "x\n")
    assert repository.commit(made).parents == (base,)
    assert repository.changes(first, made) == (FileChange(path="b.txt", added=1, removed=0),)


def test_the_revert_of_a_merge_takes_back_what_it_brought_in(history: GitHistory, repository: GitRepository) -> None:
    first = history.commit("Begin", {"a.txt": "1\n"})
    side = history.commit("Side", {"b.txt": "side\n"}, branch="side", parents=[first])
    history.commit("Main", {"c.txt": "main\n"})
    merge = history.merge("Merge", side, {"b.txt": "side\n"})
    made = repository.revert(merge, merge, "Back", AT)
    assert repository.files(made) == ("a.txt", "c.txt")


def test_a_revert_that_conflicts_says_so_and_leaves_nothing_behind(
    history: GitHistory, repository: GitRepository
) -> None:
    _, bad, base = a_line(history, "1\n", "2\n", "3\n")
    with pytest.raises(GitFailed, match="git revert failed") as caught:
        repository.revert(base, bad, "Back", AT)
    assert "conflict" in str(caught.value).lower() or "could not revert" in str(caught.value)
    assert repository.revert(bad, bad, "Back", AT), "the mirror is as usable as before"


def test_a_graft_takes_only_the_change(history: GitHistory, repository: GitRepository) -> None:
    fork = history.commit("Begin", {"a.txt": "1\n", "b.txt": "1\n"})
    base = history.commit("Main", {"b.txt": "2\n"})
    history.commit("Half a fix", {"a.txt": "half\n"}, branch="fix", parents=[fork])
    fix = history.commit("The other half", {"a.txt": "2\n"}, branch="fix")
    made = repository.graft(base, fix, "Graft", AT)
    assert (repository.read_file(made, "a.txt"), repository.read_file(made, "b.txt")) == ("2\n", "2\n")
    assert repository.commit(made).parents == (base,)
    on_top = history.commit("On top", {"c.txt": "x\n"}, branch="top", parents=[base])
    repository.fetch()
    assert repository.files(repository.graft(base, on_top, "Graft", AT)) == ("a.txt", "b.txt", "c.txt")


@pytest.mark.parametrize("content", [b"caf\xe9 zwei\n", b"\0\1\2\n"], ids=["latin-1", "binary"])
def test_a_graft_keeps_every_byte(history: GitHistory, repository: GitRepository, content: bytes) -> None:
    fork = history.commit("Begin", {"a.txt": b"caf\xe9 eins\n", "b.txt": "1\n"})
    base = history.commit("Main", {"b.txt": "2\n"})
    fix = history.commit("Fix", {"a.txt": content}, branch="fix", parents=[fork])
    made = repository.graft(base, fix, "Graft", AT)
    with repository.checkout(made) as tree:
        assert (tree / "a.txt").read_bytes() == content


def test_a_graft_of_what_is_there_already_is_refused(history: GitHistory, repository: GitRepository) -> None:
    first, base = a_line(history, "1\n", "2\n")
    with pytest.raises(GitFailed):
        repository.graft(base, first, "Graft", AT)


def test_a_seal_says_who_approved_what(history: GitHistory, repository: GitRepository) -> None:
    (commit,) = a_line(history, "1\n")
    seal = repository.seal(commit, "hotfix-OPS-1-approved-1", "Approved by grace\n\nAt: now — „ja“", AT)
    repository.push("refs/hotfix/OPS-1/approved-1", seal, expect=None)
    words = history.git("cat-file", "tag", "refs/hotfix/OPS-1/approved-1")
    assert f"object {commit}" in words
    assert "Approved by grace" in words
    assert "„ja“" in words


def test_a_mark_carries_only_its_message(history: GitHistory, repository: GitRepository, other: GitRepository) -> None:
    a_line(history, "1\n")
    mark = repository.mark('{"incident": "OPS-1"}', AT)
    assert repository.read_mark("refs/hotfix-locks/shop") is None
    repository.push("refs/hotfix-locks/shop", mark, expect=None)
    assert other.read_mark("refs/hotfix-locks/shop") == '{"incident": "OPS-1"}'
    assert history.git("ls-tree", "-r", mark) == ""


# --- the refs on the remote


def test_refs_are_set_and_deleted_once_and_only_from_where_they_are_expected(
    history: GitHistory, repository: GitRepository, other: GitRepository
) -> None:
    first, second = a_line(history, "1\n", "2\n")
    repository.push(REF, first, expect=None)
    assert history.ref(REF) == repository.remote_ref(REF) == first
    other.push(REF, first, expect=None)
    with pytest.raises(RefMoved, match=f"is at {first}, not at nothing"):
        other.push(REF, second, expect=None)
    with pytest.raises(RefMoved):
        other.push(REF, second, expect=second[:-1] + "0")
    assert history.ref(REF) == first
    repository.push(REF, second, expect=first)
    with pytest.raises(RefMoved):
        other.delete(REF, expect=first)
    assert history.ref(REF) == second
    repository.delete(REF, expect=second)
    repository.delete(REF, expect=second)
    assert history.ref(REF) is None
    assert repository.remote_ref(REF) is None


def test_a_push_can_go_back(history: GitHistory, repository: GitRepository) -> None:
    first, second = a_line(history, "1\n", "2\n")
    repository.push(REF, second, expect=None)
    repository.push(REF, first, expect=second)
    assert history.ref(REF) == first


def test_refs_by_prefix(history: GitHistory, repository: GitRepository) -> None:
    (first,) = a_line(history, "1\n")
    for ref in (REF, "refs/hotfix/OPS-1/backup", "refs/hotfix/OPS-10/backup"):
        repository.push(ref, first, expect=None)
    assert set(repository.remote_refs("refs/hotfix/OPS-1/")) == {REF, "refs/hotfix/OPS-1/backup"}
    assert repository.remote_ref("refs/hotfix/OPS-1") is None, "a prefix is no ref"


def test_a_remote_that_is_gone_may_come_back(history: GitHistory, repository: GitRepository) -> None:
    (first,) = a_line(history, "1\n")
    repository.fetch()
    away = history.path.rename(history.path.with_name("away.git"))
    for call in (
        repository.fetch,
        lambda: repository.remote_ref(REF),
        lambda: repository.push(REF, first, expect=None),
        lambda: repository.delete(REF, expect=first),
    ):
        with pytest.raises(RemoteUnavailable) as caught:
            call()
        assert caught.value.retryable
    assert repository.read_file(first, "a.txt") == "1\n", "what was fetched can be read"
    away.rename(history.path)
    repository.push(REF, first, expect=None)
    assert history.ref(REF) == first


def test_a_remote_that_never_was(tmp_path: Path, history: GitHistory) -> None:
    absent = GitRepository(tmp_path / "mirrors", (tmp_path / "nowhere.git").as_uri())
    with pytest.raises(RemoteUnavailable):
        absent.fetch()


def test_a_push_that_a_hook_refuses_is_told_in_the_hooks_words(history: GitHistory, repository: GitRepository) -> None:
    (first,) = a_line(history, "1\n")
    hook = history.path / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'Hotfix branches need a ticket.' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(GitFailed, match="Hotfix branches need a ticket") as caught:
        repository.push(REF, first, expect=None)
    assert not isinstance(caught.value, RefMoved | RemoteUnavailable)
    assert not caught.value.retryable
    assert history.ref(REF) is None


# --- processes


SHARED = """\
import sys
from datetime import datetime, timezone
from pathlib import Path
from hotfix.adapters.git import GitRepository

folder, remote, base, bad, name, turns = sys.argv[1:]
repository = GitRepository(Path(folder), remote)
at = datetime(2026, 3, 1, tzinfo=timezone.utc)
for turn in range(int(turns)):
    repository.fetch()
    lock = f"refs/hotfix-locks/{name}"
    mark = repository.mark(f"{name} {turn}", at)
    repository.push(lock, mark, expect=None)
    assert repository.read_mark(lock) == f"{name} {turn}", repository.read_mark(lock)
    with repository.checkout(bad) as tree:
        assert (tree / "a.txt").read_text() == "2\\n"
    assert repository.read_file(repository.revert(bad, bad, f"Back {name}", at), "a.txt") == "1\\n"
    repository.delete(lock, expect=mark)
"""


def start(code: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_processes_share_a_mirror(history: GitHistory, tmp_path: Path) -> None:
    """Each makes the mirror if it is the first, and reads back its own lock while the others fetch."""
    base, bad = a_line(history, "1\n", "2\n")
    arguments = (str(tmp_path / "mirrors"), history.url, base, bad)
    started = [start(SHARED, *arguments, f"service-{number}", "6") for number in range(3)]
    said = [process.communicate(timeout=120)[1] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], "\n".join(said)
    assert list((tmp_path / "mirrors" / "worktrees").iterdir()) == []


def test_only_one_of_many_gets_a_lock(history: GitHistory, tmp_path: Path) -> None:
    a_line(history, "1\n")
    code = (
        "import sys; from datetime import datetime, timezone; from pathlib import Path\n"
        "from hotfix.adapters.git import GitRepository; from hotfix.domain.errors import RefMoved\n"
        "repository = GitRepository(Path(sys.argv[1]), sys.argv[2])\n"
        "mark = repository.mark(sys.argv[3], datetime(2026, 3, 1, tzinfo=timezone.utc))\n"
        "try:\n    repository.push('refs/hotfix-locks/shop', mark, expect=None); print('mine')\n"
        "except RefMoved:\n    print('not mine')\n"
    )
    started = [start(code, str(tmp_path / f"m{number}"), history.url, f"holder {number}") for number in range(4)]
    said = [process.communicate(timeout=120) for process in started]
    assert sorted(out.strip() for out, _ in said) == ["mine", *["not mine"] * 3], said


HANGING = """\
import sys, time
from pathlib import Path
from hotfix.adapters.git import GitRepository

with GitRepository(Path(sys.argv[1]), sys.argv[2]).checkout(sys.argv[3]) as tree:
    print(tree, flush=True)
    time.sleep(120)
"""


def test_what_a_killed_process_left_is_swept_and_what_a_living_one_uses_is_not(
    history: GitHistory, repository: GitRepository, tmp_path: Path
) -> None:
    (first,) = a_line(history, "1\n")
    killed, living = (start(HANGING, str(tmp_path / "mirrors"), history.url, first) for _ in range(2))
    try:
        assert killed.stdout is not None
        assert living.stdout is not None
        left, used = Path(killed.stdout.readline().strip()), Path(living.stdout.readline().strip())
        killed.kill()
        killed.communicate(timeout=30)
        assert left.exists(), "there is something to sweep"
        with repository.checkout(first):
            assert not left.exists()
            assert (used / "a.txt").read_text() == "1\n"
        listed = subprocess.run(
            ["git", "worktree", "list"],
            cwd=next((tmp_path / "mirrors").glob("*.git")),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert str(left) not in listed
        assert str(used) in listed
    finally:
        for process in (killed, living):
            process.kill()
            process.communicate(timeout=30)


def test_a_lock_file_that_a_killed_git_left_does_not_stop_the_next_fetch(
    history: GitHistory, repository: GitRepository, tmp_path: Path
) -> None:
    a_line(history, "1\n")
    repository.fetch()
    second = history.commit("Next", {"a.txt": "2\n"})
    (mirror,) = (tmp_path / "mirrors").glob("*.git")
    (mirror / "refs" / "heads" / "main.lock").touch()
    repository.fetch()
    assert repository.resolve("main") == second


def test_a_mirror_that_was_never_fetched_to_the_end_is_completed(
    history: GitHistory, repository: GitRepository, other: GitRepository, tmp_path: Path
) -> None:
    (first,) = a_line(history, "1\n")
    away = history.path.rename(history.path.with_name("away.git"))
    with pytest.raises(RemoteUnavailable):
        repository.fetch()
    away.rename(history.path)
    repository.fetch()
    assert repository.resolve("main") == first


# --- the surroundings


def test_the_callers_git_environment_is_ignored(
    history: GitHistory, repository: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, bad = a_line(history, "1\n", "2\n")
    outer = GitHistory(tmp_path / "outer.git")
    monkeypatch.setenv("GIT_DIR", str(outer.path))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Somebody Else")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2001-01-01T00:00:00Z")
    made = repository.revert(bad, bad, "Back", AT)
    repository.push(REF, made, expect=None)
    monkeypatch.undo()
    assert history.ref(REF) == made
    assert outer.git("for-each-ref") == ""
    assert not (tmp_path / "index").exists()
    assert repository.commit(made).author == "Emergency Hotfix <hotfix@localhost>"
    assert repository.commit(made).at == AT
    assert base != made


def test_the_users_git_settings_do_not_change_commits(
    history: GitHistory,
    repository: GitRepository,
    other: GitRepository,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, wanted = a_line(history, "1\r\n2\r\n", "1\r\nzwei\r\n")
    plain = repository.revert(wanted, wanted, "Back", AT)
    home = tmp_path / "home"
    home.mkdir()
    settings = (
        "[core]\n\tautocrlf = true\n\tfileMode = false\n[commit]\n\tgpgSign = true\n[apply]\n\twhitespace = fix\n"
    )
    (home / ".gitconfig").write_text(settings)
    monkeypatch.setenv("HOME", str(home))
    assert other.revert(wanted, wanted, "Back", AT) == plain


@pytest.mark.parametrize("password", ["s3cret", "s3cr@t0ken", "p:s3cret"])
def test_credentials_are_in_no_message(tmp_path: Path, password: str) -> None:
    """Nobody listens on port 1."""
    repository = GitRepository(tmp_path / "mirrors", f"http://robot:{password}@127.0.0.1:1/shop.git")
    parts = {password, *password.replace(":", "@").split("@")} - {"p"}
    assert not any(part in repository.remote for part in parts)
    with pytest.raises(HotfixError) as caught:
        repository.fetch()
    assert not any(part in str(caught.value) for part in parts)
    assert "robot" not in str(caught.value)
    assert [path for path in (tmp_path / "mirrors").iterdir() if any(part in path.name for part in parts)] == []


def test_a_remote_cannot_run_commands(tmp_path: Path) -> None:
    with pytest.raises(GitFailed):
        GitRepository(tmp_path / "mirrors", f"ext::touch {tmp_path}/ran").fetch()
    assert not (tmp_path / "ran").exists()


def test_the_helper_tells_apart_what_is_and_what_is_not(history: GitHistory) -> None:
    assert history.ref("refs/heads/main") is None
    (first,) = a_line(history, "1\n")
    assert history.ref("refs/heads/main") == first != ZERO
