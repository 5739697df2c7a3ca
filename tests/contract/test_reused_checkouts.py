"""Working trees that are used again are as clean as new ones, whatever was done in them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import pytest

from hotfix.adapters.git import GitRepository
from tests.support.git_history import GitHistory

IGNORES = "build/\n*.pyc\n"


class Two:
    """Two versions: ``first`` has a file that ``second`` has not, and the other way round."""

    def __init__(self, folder: Path) -> None:
        history = GitHistory(folder / "remote.git")
        both = {".gitignore": IGNORES, "same.txt": "same\n"}
        self.first = history.commit("One", {**both, "changed.txt": "one\n", "old/only.txt": "old\n", "kind": "file\n"})
        files = {"changed.txt": "two\n", "old/only.txt": None, "new/only.txt": "new\n", "kind": None, "kind/x": "x\n"}
        self.second = history.commit("Two", files)
        self.repository = GitRepository(folder / "mirrors", history.url)
        self.repository.fetch()
        self.worktrees = folder / "mirrors" / "worktrees"


@pytest.fixture
def two(tmp_path: Path) -> Two:
    return Two(tmp_path)


def content(tree: Path) -> dict[str, tuple[str, int]]:
    """What is there, apart from git's own: text and mode of files, "" for folders."""
    return {
        str(path.relative_to(tree)): (_text(path), path.lstat().st_mode)
        for path in sorted(tree.rglob("*"))
        if path.relative_to(tree).parts[0] != ".git"
    }


def _text(path: Path) -> str:
    if path.is_symlink():
        return str(path.readlink())
    return "" if path.is_dir() else path.read_text()


def fresh(two: Two, sha: str) -> dict[str, tuple[str, int]]:
    with two.repository.checkout(sha) as tree:
        return content(tree)


def git(tree: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=tree, check=True, capture_output=True)


def nothing(tree: Path) -> None:
    assert (tree / "same.txt").exists()


def litter(tree: Path) -> None:
    for name in ("junk.txt", "build/made.o", "deep/er/still.txt", "same.pyc", "old/__pycache__/x.pyc"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("left\n")
    (tree / "empty").mkdir()


def write_over(tree: Path) -> None:
    (tree / "same.txt").write_text("sane\n")
    (tree / "changed.txt").unlink()
    (tree / "changed.txt").mkdir()
    (tree / ".gitignore").write_text("*\n")


def write_over_unseen(tree: Path) -> None:
    """As long as before, and with the times of before."""
    times = (tree / "same.txt").stat()
    (tree / "same.txt").write_text("sane\n")
    os.utime(tree / "same.txt", ns=(times.st_atime_ns, times.st_mtime_ns))


def links(tree: Path) -> None:
    (tree / "same.txt").unlink()
    (tree / "same.txt").symlink_to("/etc/passwd")
    (tree / "away").symlink_to("/usr")


def modes(tree: Path) -> None:
    (tree / "same.txt").chmod(0o755)
    (tree / "locked").mkdir()
    (tree / "locked" / "x").write_text("x")
    (tree / "locked").chmod(0o500)


def own_repository(tree: Path) -> None:
    (tree / "nested").mkdir()
    git(tree / "nested", "init", "-q")
    (tree / "nested" / "x").write_text("x\n")


def commit_something(tree: Path) -> None:
    (tree / "same.txt").write_text("committed\n")
    git(tree, "-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qam", "mine")
    git(tree, "checkout", "-q", "-B", "mine")
    (tree / "staged.txt").write_text("staged\n")
    git(tree, "add", "staged.txt")


def excluded(tree: Path) -> None:
    git(tree, "config", "core.excludesFile", "/dev/null")
    command = ["git", "rev-parse", "--git-common-dir"]
    common = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=True).stdout.strip()
    exclude = tree / common / "info" / "exclude"
    exclude.parent.mkdir(exist_ok=True)
    exclude.write_text("*\n")
    (tree / "hidden.txt").write_text("hidden\n")


def assumed_unchanged(tree: Path) -> None:
    git(tree, "update-index", "--assume-unchanged", "same.txt")
    (tree / "same.txt").write_text("sane\n")


def left_lock(tree: Path) -> None:
    found = subprocess.run(["git", "rev-parse", "--git-dir"], cwd=tree, capture_output=True, text=True, check=True)
    (tree / found.stdout.strip() / "index.lock").write_text("")
    (tree / "same.txt").write_text("sane\n")


def no_git(tree: Path) -> None:
    (tree / ".git").unlink()
    (tree / "same.txt").write_text("sane\n")


def git_elsewhere(tree: Path) -> None:
    (tree / ".git").write_text("gitdir: /nowhere\n")
    (tree / "same.txt").write_text("sane\n")


def git_of_its_own(tree: Path) -> None:
    (tree / ".git").unlink()
    git(tree, "init", "-q")
    (tree / "same.txt").write_text("sane\n")


def all_gone(tree: Path) -> None:
    subprocess.run(["rm", "-rf", str(tree)], check=True)


DEEDS = (
    nothing, litter, write_over, write_over_unseen, links, modes, own_repository, commit_something, excluded, left_lock,
    assumed_unchanged, no_git, git_elsewhere, git_of_its_own, all_gone,
)  # fmt: skip


@pytest.mark.parametrize("deed", DEEDS)
def test_a_tree_is_as_clean_as_a_new_one(two: Two, deed: object) -> None:
    assert callable(deed)
    expected = {sha: fresh(two, sha) for sha in (two.first, two.second)}
    assert expected[two.first] != expected[two.second]
    with two.repository.checkouts() as checkout:
        for sha in (two.first, two.second, two.second, two.first, two.first):
            with checkout(sha) as tree:
                assert content(tree) == expected[sha]
                deed(tree)
    assert list(two.worktrees.iterdir()) == [], "nothing is left"


def spoil(checkout: Callable[[str], AbstractContextManager[Path]], sha: str) -> Path:
    with suppress(ValueError), checkout(sha) as tree:
        litter(tree)
        raise ValueError("what happens in a tree")
    return tree


def test_a_tree_is_used_again_after_an_error_too(two: Two) -> None:
    with two.repository.checkouts() as checkout:
        before = spoil(checkout, two.first)
        with checkout(two.second) as after:
            assert after == before
            assert not (after / "junk.txt").exists()


def test_several_at_once_never_share_a_tree(two: Two) -> None:
    def one(number: int) -> None:
        sha, text = ((two.first, "one\n"), (two.second, "two\n"))[number % 2]
        with checkout(sha) as tree:
            (tree / "mine.txt").write_text(str(number))
            assert (tree / "changed.txt").read_text() == text
            litter(tree)
            assert (tree / "mine.txt").read_text() == str(number)

    with two.repository.checkouts() as checkout, ThreadPoolExecutor(3) as pool:
        list(pool.map(one, range(18)))
        assert len(list(two.worktrees.iterdir())) == 1
        assert len(list(next(two.worktrees.iterdir()).iterdir())) <= 3


def test_a_version_that_is_not_there_leaves_the_others_usable(two: Two) -> None:
    with two.repository.checkouts() as checkout:
        with checkout(two.first):
            pass
        with pytest.raises(Exception, match="f" * 40), checkout("f" * 40):
            pass
        with checkout(two.second) as tree:
            assert (tree / "changed.txt").read_text() == "two\n"


def test_nothing_that_a_checkout_starts_is_shown_the_secrets_of_the_worker(
    two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, programs = tmp_path / "seen", tmp_path / "programs"
    programs.mkdir()
    for name in ("git", "rm"):
        shim = programs / name
        shim.write_text(f'#!/bin/sh\n{{ echo "program={name}"; env; }} >> {seen}\nexec {shutil.which(name)} "$@"\n')
        shim.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("AIRFLOW_CONN_GITHUB_DEFAULT", "secret-of-the-connection")
    monkeypatch.setenv("HOTFIX_BUG_DATABASE", "postgresql://hotfix:secret-of-the-database@db/bugs")
    two.repository.fetch()
    with two.repository.checkouts() as checkout:
        for sha in (two.first, two.second):
            with checkout(sha):
                pass
    lines = seen.read_text().splitlines()
    assert {"program=git", "program=rm"} <= set(lines)
    assert [line for line in lines if "secret-of-the" in line] == []
