"""The sample service tells the story which the demo needs: healthy, broken unnoticed, repairable."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple

import pytest

from demo.sample_service import History, build
from demo.sample_service.git import git
from demo.traffic import MIX

HEAD = "b3cf9830ffc65990caa43775542843acbddd536b"
REQUEST = "/api/quote?sku=mug&qty=12"
CRITICAL = "tests/test_checkout.py"
PATCHES = Path(__file__).parents[3] / "demo" / "patches"
NAMES = ("good-fix", "breaks-tests", "insecure", "leaks-secret", "fails-to-boot", "unstable")
GITLEAKS = shutil.which("gitleaks", path=f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}")


class Patched(NamedTuple):
    name: str
    service: Path


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    return build(tmp_path_factory.mktemp("remote") / "shop.git")


@pytest.fixture
def service(history: History, tmp_path: Path) -> Path:
    """A clone of the service at the commit which production runs."""
    return clone(history, tmp_path / "service")


@pytest.fixture(scope="module", params=NAMES)
def patched(request: pytest.FixtureRequest, history: History, tmp_path_factory: pytest.TempPathFactory) -> Patched:
    """A clone with one of the operator's patches."""
    service = clone(history, tmp_path_factory.mktemp(request.param) / "service")
    git(service, "apply", str(PATCHES / f"{request.param}.patch"))
    return Patched(request.param, service)


def clone(history: History, path: Path) -> Path:
    git(path.parent, "clone", "--quiet", str(history.repository), path.name)
    git(path, "checkout", "--quiet", "--detach", history.bad)
    return path


def run(service: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a clone, with nothing of this process's environment but the path."""
    environment["PATH"] = os.environ["PATH"]
    return subprocess.run([sys.executable, *command], cwd=service, env=environment, capture_output=True, text=True)


def ask(service: Path, target: str = REQUEST, **environment: str) -> int:
    return run(service, "tools/request.py", target, **environment).returncode


def suite(service: Path, *tests: str) -> int:
    return run(service, "-m", "pytest", "-q", *tests, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1").returncode


def test_the_history_is_the_same_on_every_machine(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".gitconfig").write_text(
        "[user]\nname = Somebody\n[commit]\ngpgsign = true\n[i18n]\ncommitEncoding = latin1\n"
    )
    for name, value in {
        "HOME": str(tmp_path),
        "TZ": "Asia/Tokyo",
        "GIT_DIR": str(tmp_path / "elsewhere"),
        "GIT_COMMITTER_DATE": "2001-01-01T00:00:00Z",
        "GIT_AUTHOR_NAME": "Somebody",
    }.items():
        monkeypatch.setenv(name, value)
    again = build(tmp_path / "again.git")
    refs = ("for-each-ref", "--format=%(objectname) %(refname)")
    assert history.head == again.head == HEAD
    assert git(again.repository, *refs) == git(history.repository, *refs)


def test_a_repository_is_not_overwritten(history: History) -> None:
    with pytest.raises(FileExistsError):
        build(history.repository)


def test_the_history_is_long_and_the_culprit_in_its_middle(history: History) -> None:
    def count(span: str) -> int:
        return int(git(history.repository, "rev-list", "--count", span))

    assert count("main") >= 34
    assert count(f"{history.good}..{history.culprit}") >= 10
    assert count(f"{history.culprit}..{history.bad}") >= 10
    assert count(f"{history.bad}..main") in (0, 1, 2)


def test_the_releases_are_tagged(history: History) -> None:
    assert git(history.repository, "rev-parse", "v1.4.0^{commit}") == history.good
    assert git(history.repository, "rev-parse", "v1.5.0^{commit}") == history.bad
    assert git(history.repository, "cat-file", "-t", "v1.0.0") == "tag"


def test_the_service_answers_until_the_culprit(history: History, service: Path) -> None:
    answers = {}
    for commit in (history.good, f"{history.culprit}^", history.culprit, history.bad, history.head):
        git(service, "checkout", "--quiet", "--detach", commit)
        answers[commit] = ask(service)
    assert list(answers.values()) == [0, 0, 1, 1, 1]


def test_the_failure_shows_its_traceback(service: Path) -> None:
    failed = run(service, "tools/request.py", REQUEST)
    assert "shop/currency.py" in failed.stderr
    assert failed.stderr.endswith("ValueError: invalid format string\n")


def test_bisection_finds_the_culprit(history: History, service: Path) -> None:
    git(service, "bisect", "start", history.bad, history.good)
    git(service, "bisect", "run", sys.executable, "tools/request.py", REQUEST)
    assert git(service, "rev-parse", "refs/bisect/bad") == history.culprit


def test_the_line_which_fails_and_the_last_change_of_prices_are_innocent(history: History, service: Path) -> None:
    blamed = git(service, "blame", "--porcelain", "-L", "/:02d/,+1", "shop/currency.py").split()[0]
    changes = git(service, "log", "--format=%H", f"{history.good}..", "--", "shop/pricing.py").splitlines()
    assert blamed != history.culprit
    assert changes[0] != history.culprit
    assert changes[-1] != history.culprit
    assert history.culprit in changes


def test_no_test_notices(history: History, service: Path) -> None:
    assert suite(service) == 0
    git(service, "checkout", "--quiet", "--detach", history.culprit)
    assert suite(service) == 0


def test_the_culprit_is_small_and_can_be_reverted(history: History, service: Path) -> None:
    changed = git(service, "show", "--numstat", "--format=", history.culprit).split()
    assert sum(int(word) for word in changed if word.isdecimal()) < 60
    git(service, "revert", "--no-edit", history.culprit)
    assert ask(service) == 0
    assert suite(service) == 0


def test_a_third_of_the_traffic_meets_the_regression(service: Path) -> None:
    hit = sum(share * sum(ask(service, path) for path in paths) / len(paths) for share, paths in MIX.items())
    assert sum(MIX) == 100
    assert 30 <= hit <= 40


def test_every_patch_answers_the_request(patched: Patched) -> None:
    assert ask(patched.service) == 0


def test_one_patch_breaks_a_critical_test(patched: Patched) -> None:
    if patched.name == "breaks-tests":
        assert suite(patched.service, CRITICAL) == 1
    else:
        assert suite(patched.service) == 0


def test_one_patch_is_insecure(patched: Patched) -> None:
    report = json.loads(run(patched.service, "-m", "bandit", "-q", "-r", "shop", "-f", "json").stdout)
    severe = [found["test_id"] for found in report["results"] if found["issue_severity"] == "HIGH"]
    ruff = run(patched.service, "-m", "ruff", "check", "--no-cache", "--select", "S", ".")
    assert report["errors"] == []
    assert severe == (["B602"] if patched.name == "insecure" else [])
    assert ruff.returncode == (patched.name == "insecure"), ruff.stdout + ruff.stderr


@pytest.mark.skipif(GITLEAKS is None, reason="gitleaks is not installed")
def test_one_patch_leaks_a_secret(patched: Patched) -> None:
    command = [str(GITLEAKS), "dir", "--no-banner", "--exit-code", "42", "."]
    scan = subprocess.run(command, cwd=patched.service, capture_output=True, text=True)
    assert scan.returncode == (42 if patched.name == "leaks-secret" else 0), scan.stderr


def test_one_patch_cannot_start_in_production(patched: Patched) -> None:
    expected = 125 if patched.name == "fails-to-boot" else 0
    assert ask(patched.service, "/healthz", SHOP_ENV="production") == expected


@pytest.mark.parametrize("target", ["/api/products", "/api/checkout?sku=mug&qty=1"])
def test_one_patch_fails_in_production_only(patched: Patched, target: str) -> None:
    expected = {"fails-to-boot": 125, "unstable": 1}.get(patched.name, 0)
    assert ask(patched.service, target, SHOP_ENV="production") == expected
