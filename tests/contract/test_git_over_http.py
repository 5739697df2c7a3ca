"""The Repository port over HTTP with a password, and against remotes with rules."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from hotfix.adapters.git import Credentials, GitRepository
from hotfix.adapters.git.refusals import why_refused
from hotfix.domain.errors import GitFailed, InvalidCatalog, PushRefused
from tests.support.git_history import GitHistory
from tests.support.git_over_http import GitServer, git_over_http

AT = datetime(2026, 3, 1, 3, 0, tzinfo=timezone.utc)
TOKEN, USER = "ghs_only-git-may-know-this", "x-access-token"
NAME = "acme/shop.git"
# What GitHub prints for a ruleset and for a protected branch.
RULESET = """\
echo "error: GH013: Repository rule violations found for refs/heads/hotfix/OPS-1." >&2
echo >&2
echo "- Changes must be made through a pull request." >&2
exit 1"""


@pytest.fixture(scope="module")
def server() -> Iterator[GitServer]:
    # Not pytest's own folder: the path of a socket is short.
    with tempfile.TemporaryDirectory(prefix="git-") as folder, git_over_http(Path(folder), USER, TOKEN) as running:
        running.create(NAME)
        GitHistory(running.repositories / "start.git").commit("Start", {"a.txt": "1\n"})
        yield running


@pytest.fixture
def remote(server: GitServer) -> str:
    server.refuse(NAME, "")
    return f"{server.address}/{NAME}"


def repository(folder: Path, remote: str, token: str = TOKEN) -> GitRepository:
    return GitRepository(folder / "mirrors", remote, Credentials(remote, lambda: token))


def test_it_fetches_and_pushes_with_the_token(tmp_path: Path, remote: str, server: GitServer) -> None:
    work = repository(tmp_path, remote)
    work.fetch()
    commit = work.mark("a lock", AT)
    work.push("refs/hotfix/OPS-1/candidate-1", commit, None)
    other = repository(tmp_path / "other", remote)
    assert other.remote_ref("refs/hotfix/OPS-1/candidate-1") == commit
    assert other.read_mark("refs/hotfix/OPS-1/candidate-1") == "a lock"
    other.delete("refs/hotfix/OPS-1/candidate-1", commit)
    assert work.remote_refs("refs/hotfix/OPS-1") == {}
    assert f" {USER} " in server.log()


def test_without_a_token_or_with_a_wrong_one_it_fails_at_once_and_names_no_token(tmp_path: Path, remote: str) -> None:
    with pytest.raises(GitFailed) as none:
        GitRepository(tmp_path / "mirrors", remote).fetch()
    with pytest.raises(GitFailed) as wrong:
        repository(tmp_path / "other", remote, "ghs_a-wrong-one").fetch()
    assert "ghs_" not in f"{none.value}{wrong.value}"


def test_the_token_is_in_no_file_argument_or_environment(
    tmp_path: Path, remote: str, server: GitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A remote whose hook takes its time, so that there is a moment to look at every process."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    server.refuse(NAME, "sleep 1; exit 0")
    work = repository(tmp_path, remote)
    work.fetch()
    commit = work.mark("slow", AT)
    seen: list[bytes] = []
    child = os.fork()
    if child == 0:
        try:
            work.push("refs/hotfix/SLOW/candidate-1", commit, None)
        finally:
            os._exit(0)
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        seen += what_processes_show()
    assert work.remote_ref("refs/hotfix/SLOW/candidate-1") == commit
    assert any(b"git-receive-pack" in each or b"git-remote-http" in each for each in seen)
    assert any(b"credential.http" in each for each in seen)
    assert not [each for each in seen if TOKEN.encode() in each]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) >= 5
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]
    assert TOKEN not in server.log()


def what_processes_show() -> list[bytes]:
    """Arguments and environment of every process that is not the test's own."""
    shown = []
    for folder in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            try:
                shown.append((folder / name).read_bytes())
            except OSError:
                continue
    return shown


def test_a_push_that_a_rule_refuses_names_the_rule_and_the_pull_request_way(
    tmp_path: Path, remote: str, server: GitServer
) -> None:
    work = repository(tmp_path, remote)
    work.fetch()
    commit = work.mark("refused", AT)
    server.refuse(NAME, RULESET)
    with pytest.raises(PushRefused) as refused:
        work.push("refs/heads/hotfix/OPS-1", commit, None)
    assert "refs/heads/hotfix/OPS-1: The remote refuses the push: GH013 Repository rule violations" in str(
        refused.value
    )
    assert "Changes must be made through a pull request" in str(refused.value)
    assert "go by pull request" in refused.value.advice
    assert not refused.value.retryable
    assert work.remote_ref("refs/heads/hotfix/OPS-1") is None


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        (
            "remote: error: GH006: Protected branch update failed for refs/heads/main.\n"
            "remote: error: At least 1 approving review is required by reviewers with write access.\n"
            " ! [remote rejected] main -> main (protected branch hook declined)",
            "GH006 Protected branch update failed for refs/heads/main; "
            "At least 1 approving review is required by reviewers with write access",
        ),
        (
            "remote: no pushes on Fridays\n ! [remote rejected] a -> a (pre-receive hook declined)",
            "pre-receive hook declined; no pushes on Fridays",
        ),
        ("! [remote rejected] main -> main (stale info)", ""),
        (" ! [rejected]        main -> main (non-fast-forward)", ""),
        ("fatal: Authentication failed for 'https://github.com/acme/shop.git/'", ""),
    ],
)
def test_what_remotes_say(said: str, rule: str) -> None:
    assert why_refused(said) == rule


def test_a_token_is_never_sent_in_the_clear() -> None:
    with pytest.raises(InvalidCatalog, match="without encryption"):
        Credentials("http://git.example.com/acme/shop.git", lambda: TOKEN)
    assert TOKEN not in repr(Credentials("https://git.example.com/acme/shop.git", lambda: TOKEN))
