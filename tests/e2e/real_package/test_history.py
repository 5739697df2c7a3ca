"""The history is what the end-to-end test takes it for: one regression, found by its reproducer, mended by a revert."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.e2e.real_package.history import DownloadFailed, RealHistory, build

pytestmark = [pytest.mark.network, pytest.mark.xdist_group("real-package")]

REPRODUCER = Path(__file__).with_name("reproducer_test.py.txt")
CRITICAL_TESTS = (
    "importlib_resources/tests/test_files.py",
    "importlib_resources/tests/test_read.py",
    "importlib_resources/tests/test_custom.py",
)
WHOLE_SUITE = ("importlib_resources/tests",)


@pytest.fixture
def checkout(history: RealHistory, tmp_path: Path) -> Path:
    """A clone at the bad release."""
    folder = tmp_path / "checkout"
    git(tmp_path, "clone", "--quiet", str(history.repository), str(folder))
    git(folder, "config", "user.name", "Test")
    git(folder, "config", "user.email", "test@example.org")
    git(folder, "checkout", "--quiet", history.bad)
    return folder


def test_there_is_a_commit_and_a_tag_for_each_release(history: RealHistory) -> None:
    log = git(history.repository, "log", "--reverse", "--format=%s", "main").splitlines()

    assert log == [f"Release importlib_resources {version}" for version in history.versions]
    assert set(git(history.repository, "tag").split()) == set(history.versions)
    assert git(history.repository, "rev-parse", f"{history.versions[0]}^0", f"{history.versions[-1]}^0").split() == [
        history.good,
        history.bad,
    ]


def test_a_second_build_makes_the_same_commits(history: RealHistory, sdists: Path, tmp_path: Path) -> None:
    again = build(tmp_path / "again.git", sdists)

    assert (again.good, again.culprit, again.bad) == (history.good, history.culprit, history.bad)


def test_an_index_out_of_reach_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setattr("tests.e2e.real_package.history.VERSIONS", ("6.2.0",))

    with pytest.raises(DownloadFailed, match=r"importlib_resources 6\.2\.0 could not be downloaded"):
        build(tmp_path / "never.git", tmp_path / "empty")

    assert not (tmp_path / "never.git").exists()


def test_the_reproducer_fails_from_the_culprit_on(history: RealHistory, checkout: Path, python: str) -> None:
    commits = git(checkout, "rev-list", "--reverse", history.bad).split()
    first_red = commits.index(history.culprit)
    # What a bisection looks at, about: the ends, the middle, and both sides of the culprit.
    tried = sorted({0, len(commits) // 2, first_red - 1, first_red, len(commits) - 1})

    green = [number for number in tried if reproducer_passes(python, checkout, commits[number])]

    assert green == [number for number in tried if number < first_red]
    assert (commits[0], commits[-1]) == (history.good, history.bad)
    assert 0 < first_red < len(commits) - 1


def test_the_culprit_and_its_revert_change_one_small_file(history: RealHistory, checkout: Path) -> None:
    changed = git(checkout, "show", "--numstat", "--format=", history.culprit)

    git(checkout, "revert", "--no-edit", history.culprit)

    assert changed == "38\t1\timportlib_resources/future/adapters.py"
    assert git(checkout, "show", "--numstat", "--format=") == "1\t38\timportlib_resources/future/adapters.py"


def test_the_revert_makes_the_reproducer_green_and_breaks_no_test(
    history: RealHistory, checkout: Path, python: str
) -> None:
    before = passes(python, checkout, *CRITICAL_TESTS), passes(python, checkout, *WHOLE_SUITE)
    git(checkout, "revert", "--no-edit", history.culprit)

    assert before == (True, True)
    assert reproducer_passes(python, checkout, "HEAD")
    assert passes(python, checkout, *CRITICAL_TESTS)
    assert passes(python, checkout, *WHOLE_SUITE)


def reproducer_passes(python: str, checkout: Path, revision: str) -> bool:
    git(checkout, "checkout", "--quiet", "--force", revision)
    test = checkout / "importlib_resources" / "tests" / "test_hotfix_reproducer.py"
    test.write_bytes(REPRODUCER.read_bytes())
    try:
        return passes(python, checkout, str(test))
    finally:
        test.unlink()


def passes(python: str, checkout: Path, *tests: str) -> bool:
    """Whether tests pass; an outcome other than passed and failed, such as nothing collected, raises."""
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"pytest ended with exit code {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.returncode == 0


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()
