"""``python -m hotfix analyze``, as an engineer runs it: exit codes, messages, JSON, and nothing left behind."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hotfix.cli.reproduction import WORKPLACE

INCLUDE = Path(__file__).parents[2] / "include"
GOOD = "def price(n):\n    return n * 2\n"
BAD = "def price(n):\n    return n * rate_of(n)\n"
CHECK = "import shop\n\nassert shop.price(3) == 6\n"
COMMITS, CULPRIT = 12, 7
PROVED, FAILED, USAGE, RANKED = 0, 1, 2, 3


@dataclass
class Done:
    code: int
    out: str
    err: str

    @property
    def last(self) -> str:
        return self.err.strip().splitlines()[-1] if self.err.strip() else ""


class Project:
    """A user's repository with twelve versions v1 … v12, of which the seventh broke the shop, and a reproducer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "their project"
        self.temporary = folder / "tmp"
        self.home = folder / "home"
        self.check = folder / "check.py"

    @classmethod
    def make(cls, folder: Path) -> Project:
        made = cls(folder)
        for path in (made.path, made.temporary, made.home):
            path.mkdir(parents=True)
        made.check.write_text(CHECK)
        made.git("init", "-q", "-b", "main")
        for number in range(1, COMMITS + 1):
            made.commit(number, {"shop.py": GOOD if number < CULPRIT else BAD, "other.py": f"x = {number}\n"})
        return made

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        command = ["git", "-C", str(self.path), *identity, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def commit(self, number: int, files: dict[str, str]) -> None:
        for name, text in files.items():
            (self.path / name).write_text(text)
        self.git("add", ".")
        self.git("commit", "-q", "-m", f"Change number {number}")
        self.git("tag", f"v{number}")

    def sha(self, name: str) -> str:
        return self.git("rev-parse", f"{name}^{{commit}}")

    def command(self, *options: str, reproduce: str | None = None, **given: str) -> list[str]:
        values = {"repo": str(self.path), "good": "v1", "bad": f"v{COMMITS}", **given}
        arguments = [part for name, value in values.items() for part in (f"--{name}", value)]
        if reproduce is None:
            reproduce = f"{sys.executable} check.py"
            options = (f"--overlay={self.check}:check.py", *options)
        return [sys.executable, "-m", "hotfix", "analyze", *arguments, f"--reproduce={reproduce}", *options]

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        return {**kept, "PYTHONPATH": str(INCLUDE), "TMPDIR": str(self.temporary), "HOTFIX_HOME": str(self.home)}

    def analyze(self, *options: str, reproduce: str | None = None, **given: str) -> Done:
        command = self.command(*options, reproduce=reproduce, **given)
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert "Traceback" not in done.stderr.replace("Traceback (most recent call last):\\n", ""), done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    def result(self, *options: str, **given: Any) -> tuple[Done, dict[str, Any]]:
        file = self.folder / "result.json"
        file.unlink(missing_ok=True)
        done = self.analyze(f"--json={file}", *options, **given)
        found: dict[str, Any] = json.loads(file.read_text())
        return done, found

    def state(self) -> dict[str, tuple[int, int, str]]:
        """Mode, time and checksum of every file of the repository, its .git included."""
        found = {}
        for path in sorted(self.path.rglob("*")):
            content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            found[str(path.relative_to(self.path))] = (path.lstat().st_mode, path.lstat().st_mtime_ns, content)
        return found

    def left(self) -> list[str]:
        return sorted(path.name for path in self.temporary.iterdir())


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.make(tmp_path_factory.mktemp("template") / "here")


@pytest.fixture
def project(tmp_path: Path, template: Project) -> Project:
    """A copy of its own, and a check that it was not changed, and that nothing was left behind."""
    folder = tmp_path / "here"
    shutil.copytree(template.folder, folder, symlinks=True)
    made = Project(folder)
    made.git("status")
    return made


@pytest.fixture(autouse=True)
def _nothing_changes(request: pytest.FixtureRequest) -> Any:
    if "project" not in request.fixturenames:
        yield
        return
    project: Project = request.getfixturevalue("project")
    before = project.state()
    assert ".git/HEAD" in before
    yield
    assert project.state() == before
    assert project.left() == []


# --- what is found


def test_the_culprit_is_proved(project: Project) -> None:
    done, found = project.result()
    culprit = project.sha(f"v{CULPRIT}")
    assert done.code == PROVED
    assert (found["culprit"], found["proved"]) == (culprit, True)
    assert found["confidence"] >= 0.95
    assert found["signature"] == "NameError: name 'rate_of' is not defined"
    assert len(found["suspects"]) == found["commits"] == COMMITS - 1
    assert found["suspects"][0]["sha"] == culprit
    assert found["suspects"][0]["evidence"]
    assert sum(suspect["probability"] for suspect in found["suspects"]) == pytest.approx(1, abs=1e-3)
    assert {"sha", "probability", "evidence"} <= set(found["suspects"][0])
    assert found["runs"] == len(found["attempted"]) <= 4
    assert found["endpoint_runs"] >= 2
    assert found["seconds"] > 0
    assert found["skipped"] == []
    tried = {run["sha"]: run["verdict"] for run in found["attempted"]}
    assert (tried[culprit], tried[project.sha(f"v{CULPRIT - 1}")]) == ("same_failure", "good")


def test_what_an_engineer_reads(project: Project) -> None:
    done = project.analyze()
    first, second, *rest = done.out.splitlines()
    sha = project.sha(f"v{CULPRIT}")
    assert first.startswith(f"culprit   {sha}  Change number {CULPRIT}  (Ada <ada@example.com>, ")
    assert second.startswith("proved: its parent passes and it fails as production does; confidence ")
    assert "failure   NameError: name 'rate_of' is not defined" in rest
    assert max(map(len, done.out.splitlines())) < 160
    assert re.search(r"bad [0-9a-f]{10}: other_failure \(\d+\.\d s\) NameError", done.err)
    assert re.search(r"run 1: [0-9a-f]{10} \w+ \(\d+\.\d s\) Change number \d+ — \d+ commits? left", done.err)
    assert not re.search(r"\b1 (commit|run)s", done.out + done.err)


def test_quiet_says_only_the_result(project: Project) -> None:
    done = project.analyze("--quiet")
    assert (done.code, done.err) == (PROVED, "")
    assert done.out.startswith("culprit")


def test_without_runs_there_is_a_ranking(project: Project) -> None:
    done, found = project.result("--budget-runs", "0")
    assert done.code == RANKED
    assert (found["culprit"], found["proved"], found["runs"], found["attempted"]) == (None, False, 0, [])
    assert found["suspects"][0]["sha"] == project.sha(f"v{CULPRIT}")
    assert done.out.startswith("ranked only, nothing is proved")
    assert f"Change number {CULPRIT}" in done.out


def test_two_versions_at_once(project: Project) -> None:
    done, found = project.result("--jobs", "2")
    assert (done.code, found["culprit"]) == (PROVED, project.sha(f"v{CULPRIT}"))


def test_branches_other_folders_and_bare_repositories(project: Project) -> None:
    inside = project.path / ".git" / "refs"
    assert project.analyze(repo=str(inside), good=project.sha("v1")[:9], bad="main").code == PROVED
    bare = project.folder / "bare.git"
    project.git("clone", "-q", "--bare", "--no-hardlinks", str(project.path), str(bare))
    assert project.analyze(repo=str(bare), bad="HEAD").code == PROVED


def test_versions_that_cannot_be_tested_are_skipped(project: Project) -> None:
    reproduce = f"sh -c 'grep -q \"x = [67]$\" other.py && exit 125; exec {sys.executable} check.py'"
    done, found = project.result(f"--overlay={project.check}:check.py", reproduce=reproduce)
    assert (done.code, found["proved"]) == (RANKED, False)
    # The ranking alone may be sure enough; it is no proof.
    assert found["culprit"] in (None, project.sha(f"v{CULPRIT}"))
    left = {each["sha"] for each in found["remaining"]}
    assert project.sha(f"v{CULPRIT}") in left
    assert set(found["skipped"]) == {project.sha("v6"), project.sha("v7")}
    assert "2 commits could not be tested" in done.out
    assert len(found["attempted"]) <= 10


def test_a_culprit_whose_parent_cannot_be_tested_is_not_called_proved(project: Project) -> None:
    reproduce = f"sh -c 'grep -q \"x = [2-6]$\" other.py && exit 125; exec {sys.executable} check.py'"
    done, found = project.result(f"--overlay={project.check}:check.py", reproduce=reproduce)
    assert done.code == RANKED
    assert not found["proved"]


# --- what the reproducer does


@pytest.mark.parametrize(
    "script",
    [
        "echo junk > junk.txt; echo broken > shop.pyc; mkdir -p a/b; {check}",
        "{check}; code=$?; echo 'def price(n): return 6' > shop.py; exit $code",
        "rm -rf .git; {check}",
        "echo garbage > .git; {check}",
        "rm -f .git; git init -q; {check}",
        "{check}; code=$?; rm -rf * .[a-z]*; exit $code",
        "{check} || kill -9 0",
        "{check} || kill -9 -1",
        "{check}; code=$?; sleep 600 & exit $code",
        "git checkout -q -b mine; git tag mine; git commit -q --allow-empty -m mine; {check}",
    ],
)
def test_a_reproducer_that_does_not_behave(project: Project, script: str) -> None:
    done, found = project.result(f"--overlay={project.check}:check.py", reproduce=_quoted(script))
    assert (done.code, found["culprit"]) == (PROVED, project.sha(f"v{CULPRIT}"))


def _quoted(script: str) -> str:
    return shlex.join(["sh", "-c", script.format(check=f"{sys.executable} check.py")])


def test_one_that_hangs_where_the_failure_is(project: Project) -> None:
    reproduce = _quoted("{check} || sleep 600")
    done, found = project.result("--time-limit=3", f"--overlay={project.check}:check.py", reproduce=reproduce)
    assert (done.code, found["culprit"], found["signature"]) == (PROVED, project.sha(f"v{CULPRIT}"), "timeout")


def test_one_that_always_hangs(project: Project) -> None:
    done = project.analyze("--time-limit=0.5", reproduce="sleep 600")
    assert done.code == FAILED
    assert "fails on the good version" in done.last
    assert "timeout" in done.last


def test_one_that_destroys_the_workplace_is_an_error_and_no_crash(project: Project) -> None:
    done = project.analyze(reproduce=_quoted('rm -rf "$(git rev-parse --git-common-dir)"; exit 1'))
    assert done.code in (FAILED, RANKED)
    assert done.last


def test_its_environment_is_what_was_let_through(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_MODE", "test")
    monkeypatch.setenv("SHOP_SECRET", "hidden")
    check = 'test "$SHOP_MODE" = test || exit 125; test -z "$SHOP_SECRET" || exit 125; {check}'
    done = project.analyze(f"--overlay={project.check}:check.py", "--env=SHOP_MODE", reproduce=_quoted(check))
    assert done.code == PROVED


# --- what is not found


@pytest.mark.parametrize(
    ("reproduce", "said"),
    [
        ("true", r"passes on the bad version [0-9a-f]{10} \(4 of 4 runs\)"),
        ("false", r"fails on the good version [0-9a-f]{10} too \(exit 1 without output\)"),
        ("no-such-program", r"cannot be run on the bad version .*no-such-program"),
        ("sh -c 'exit 125'", r"cannot be run on the bad version"),
        ("./check.py", r"cannot be run on the bad version"),
    ],
)
def test_a_reproducer_that_shows_nothing(project: Project, reproduce: str, said: str) -> None:
    done = project.analyze(reproduce=reproduce)
    assert (done.code, done.out) == (FAILED, "")
    assert re.search(said, done.last), done.last
    assert not re.search(r"\.\.|\)\.\)", done.last)


# --- bad input


@pytest.mark.parametrize(
    ("given", "options", "said"),
    [
        ({"repo": "nowhere"}, (), "--repo: nowhere cannot be opened (No such file or directory)."),
        ({"repo": "check.py"}, (), "--repo: check.py is not a git repository."),
        ({"repo": "home"}, (), "--repo: home is not a git repository."),
        ({"good": "v99"}, (), "--good: {repo} has no version 'v99'."),
        ({"bad": ""}, (), "--bad: {repo} has no version ''."),
        ({"bad": "--all"}, (), None),
        ({"good": f"v{COMMITS}", "bad": "v1"}, (), f"--good v{COMMITS} is newer than --bad v1. Exchange them."),
        ({"good": "v3", "bad": "v3"}, (), "--good and --bad are the same version, {v3}."),
        ({"good": "main", "bad": f"v{COMMITS}"}, (), "--good and --bad are the same version, {v12}."),
        ({"reproduce": ""}, (), "--reproduce is empty."),
        ({"reproduce": "sh -c 'oops"}, (), "--reproduce: No closing quotation."),
        ({}, ("--overlay=gone.py:x.py",), "--overlay: gone.py cannot be read (No such file or directory)."),
        ({}, ("--overlay=home:x.py",), "--overlay: home cannot be read (Is a directory)."),
        ({}, ("--overlay=check.py",), "--overlay check.py: it must be SRC:PATH_IN_REPO."),
        ({}, ("--overlay=check.py:../x.py",), "--overlay: '../x.py' leaves the repository"),
        ({}, ("--overlay=check.py:/tmp/x.py",), "--overlay: '/tmp/x.py' leaves the repository"),
        ({}, ("--overlay=check.py:.git/config",), "--overlay: '.git/config' leaves the repository"),
        ({}, ("--overlay=binary:x",), "--overlay: binary is no text in UTF-8."),
        ({}, ("--suspect=/etc",), "--suspect: '/etc' leaves the repository"),
        ({}, ("--stack-trace=gone.txt",), "--stack-trace: gone.txt cannot be read (No such file or directory)."),
        ({}, ("--json=gone/result.json",), "--json: there is no folder gone."),
        ({}, ("--jobs=0",), "argument --jobs: '0' is not a whole number of 1 or more"),
        ({}, ("--jobs=many",), "argument --jobs: 'many' is not a whole number of 1 or more"),
        ({}, ("--budget-runs=-1",), "argument --budget-runs: '-1' is not a whole number of 0 or more"),
        ({}, ("--budget-seconds=nan",), "argument --budget-seconds: 'nan' is not a number of 0 or more"),
        ({}, ("--time-limit=0",), "argument --time-limit: '0' is not a number of 0.1 or more"),
        ({}, ("--confidence=1",), "argument --confidence: '1' is not less than 1"),
        ({}, ("--flaky=-0.1",), "argument --flaky: '-0.1' is not a number of 0 or more"),
    ],
)
def test_input_that_makes_no_sense(
    project: Project, given: dict[str, str], options: tuple[str, ...], said: str | None
) -> None:
    (project.folder / "binary").write_bytes(b"\xff\xfe\x00")
    done = project.analyze(*options, **{"reproduce": "touch ../../../ran", **given})
    assert (done.code, done.out) == (USAGE, "")
    if said is not None:
        names = {"repo": str(project.path), "v3": project.sha("v3")[:10], "v12": project.sha("v12")[:10]}
        assert said.format(**names) in done.last
    assert not list(project.folder.rglob("ran")), "nothing was run"


def test_versions_of_two_branches(project: Project) -> None:
    """Neither contains the other: the commits of the bad branch alone are searched."""
    clone = project.folder / "branches"
    project.git("clone", "-q", "--no-hardlinks", str(project.path), str(clone))
    other = Project(project.folder)
    other.path = clone
    other.git("checkout", "-q", "-b", "stable", "v4")
    other.commit(100, {"stable.txt": "1\n"})
    done, found = other.result(good="stable", bad="main")
    assert (done.code, found["culprit"]) == (PROVED, other.sha(f"v{CULPRIT}"))
    assert found["commits"] == COMMITS - 4


# --- budgets


def test_a_budget_that_is_too_small(project: Project) -> None:
    done, found = project.result("--budget-runs=1")
    assert (done.code, found["runs"], found["proved"]) == (RANKED, 1, False)
    assert "the budget of 1 run" in done.out


def test_no_time(project: Project) -> None:
    done, found = project.result("--budget-seconds=0")
    assert (done.code, found["runs"], found["proved"]) == (RANKED, 0, False)
    assert found["suspects"]


# --- killed


def children_with(token: str) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if token.encode() in entry.read_bytes().split(b"\0"):
                found.append(int(entry.parent.name))
        except OSError:
            continue
    return found


def until(condition: Any, seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_an_analysis_that_is_killed_in_the_middle(project: Project, how: signal.Signals) -> None:
    """Its reproducer dies with it, and the next start removes what it left."""
    token = f"token-{os.getpid()}-{how.value}"
    command = project.command("--time-limit=60", reproduce=f"{sys.executable} -c 'import time; time.sleep(50)' {token}")
    process = subprocess.Popen(
        command, cwd=project.folder, env=project.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        assert until(lambda: children_with(token)), "the reproducer runs"
        process.send_signal(how)
        assert process.wait(20) != 0
        assert until(lambda: not children_with(token)), "the reproducer is gone"
    finally:
        process.kill()
        process.communicate()
    if how is signal.SIGKILL:
        assert any(name.startswith(WORKPLACE) for name in project.left())
    assert project.analyze("--quiet").code == PROVED
    assert project.left() == []


def test_the_workplace_of_a_running_analysis_is_left_alone(project: Project) -> None:
    running = project.temporary / f"{WORKPLACE}{os.getpid()}-x"
    strange = project.temporary / f"{WORKPLACE}notes"
    for folder in (running, strange):
        folder.mkdir()
    assert project.analyze("--quiet").code == PROVED
    assert project.left() == sorted((running.name, strange.name))
    for folder in (running, strange):
        folder.rmdir()


def test_help_says_what_the_exit_status_means(project: Project) -> None:
    command = [sys.executable, "-m", "hotfix", "analyze", "--help"]
    done = subprocess.run(command, env=project.environment, capture_output=True, text=True, check=True)
    assert "0 proved, 3 only ranked" in " ".join(done.stdout.split())
