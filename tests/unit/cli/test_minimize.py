"""``python -m hotfix minimize`` on a real repository with a real pytest reproducer."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from hotfix.adapters.command_tests import CommandTests, command_for_tests
from hotfix.adapters.git import GitRepository
from hotfix.cli import main
from tests.support.git_history import Content, GitHistory

CART = """\
SIZE = 10


def price(quantity):
    return quantity * 5


def boxes(quantity):
    return quantity // SIZE


def label(quantity):
    return str(quantity).rjust(4)
"""
BAD_CART = CART.replace("quantity * 5", "quantity / 5").replace("rjust", "ljust")
TEST = "from cart import boxes\n\n\ndef test_boxes():\n    assert boxes(20) == 2\n"
REPRODUCER = "from cart import price\n\n\ndef test_price():\n    assert price(2) == 10\n"
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A repository, and the commits of it: good, culprit, bad."""
    monkeypatch.setenv("HOTFIX_HOME", str(tmp_path / "home"))
    history = GitHistory(tmp_path / "shop.git")
    files: dict[str | bytes, Content] = {"cart.py": CART, "test_cart.py": TEST, "CHANGES.md": "# Changes\n"}
    good = history.commit("Sell", files)
    culprit = history.commit("Divide", {"cart.py": BAD_CART, "CHANGES.md": "# Changes\n\nDivided.\n"})
    bad = history.commit("Since", {"cart.py": f"NAME = 'cart'\n{BAD_CART}"})
    (tmp_path / "reproducer.py").write_text(REPRODUCER)
    return {"repo": str(tmp_path / "shop.git"), "good": good, "culprit": culprit, "bad": bad, "folder": str(tmp_path)}


def minimize(shop: dict[str, str], *more: str, reproduce: str = "") -> tuple[int, dict[str, Any]]:
    folder = Path(shop["folder"])
    result = folder / "result.json"
    command = reproduce or shlex.join([*PYTEST, "-x", "test_reproducer.py"])
    options = {"repo": shop["repo"], "good": shop["good"], "bad": shop["bad"], "culprit": shop["culprit"]}
    given = [part for name, value in options.items() for part in (f"--{name}", value)]
    overlay = f"{folder / 'reproducer.py'}:test_reproducer.py"
    code = main(["minimize", *given, "--reproduce", command, "--overlay", overlay, "--json", str(result), *more])
    return code, json.loads(result.read_text()) if result.exists() else {}


def test_the_smallest_part_is_found_and_its_patch_applies(shop: dict[str, str], tmp_path: Path) -> None:
    refs = GitHistory(tmp_path / "shop.git").git("for-each-ref")
    code, result = minimize(shop)
    assert code == 0
    assert result["verified"]
    assert (result["hunks_kept"], result["hunks_total"]) == (1, 3)
    assert (result["lines_kept"], result["lines_total"]) == (2, 6)
    assert (result["conflicts"], result["broken_tests"], result["unguarded"]) == ([], [], "")
    assert result["runs"] >= 3
    assert result["test_runs"] == 2
    assert "+    return quantity * 5" in result["patch"]
    assert "rjust" not in "".join(line for line in result["patch"].splitlines() if line[:1] in "+-")
    assert any("CHANGES.md" in hunk for hunk in result["stays"])
    assert [one["why_not"] for one in result["alternatives"]] == ["", "larger"]
    history = GitHistory(tmp_path / "shop.git")
    assert history.git("for-each-ref") == refs, "the user's repository is as it was"
    repository = GitRepository(tmp_path / "mirrors", history.url)
    applied = repository.apply_patch(shop["bad"], result["patch"], "fix", repository.commit(shop["bad"]).at)
    assert repository.read_file(applied, "cart.py") == f"NAME = 'cart'\n{CART.replace('rjust', 'ljust')}"


def test_a_test_that_the_minimal_revert_breaks_is_named(shop: dict[str, str], tmp_path: Path) -> None:
    history = GitHistory(tmp_path / "shop.git")
    test = f"{TEST}\n\ndef test_fifth():\n    from cart import price\n    assert price(10) == 2\n"
    shop["bad"] = history.commit("Test the division", {"test_cart.py": test})
    code, result = minimize(shop)
    assert code == 0, "the whole revert breaks it too"
    assert result["broken_tests"] == ["test_cart.test_fifth"]


def test_without_a_test_command_the_output_says_that_only_the_reproducer_guards(
    shop: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    command = shlex.join([sys.executable, "-c", "import cart; assert cart.price(2) == 10"])
    code, result = minimize(shop, reproduce=command)
    assert (code, result["test_runs"]) == (0, 0)
    assert "no test command" in result["unguarded"]
    assert "only the reproducer guards it" in capsys.readouterr().out


def test_a_test_command_of_ones_own(shop: dict[str, str]) -> None:
    command = shlex.join([sys.executable, "-c", "import cart; assert cart.price(2) == 10"])
    code, result = minimize(shop, "--test", shlex.join([*PYTEST, "--junitxml={junit}", "{tests}"]), reproduce=command)
    assert (code, result["test_runs"], result["unguarded"]) == (0, 2, "")


def test_a_commit_whose_revert_does_not_help_is_not_verified(shop: dict[str, str], tmp_path: Path) -> None:
    shop["culprit"] = shop["bad"]
    code, result = minimize(shop)
    assert (code, result["verified"], result["patch"]) == (3, False, "")
    assert "whatever is taken back" in result["why"]


def test_a_reproducer_that_does_not_fail_at_bad_or_not_pass_at_good_cannot_be_used(
    shop: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mended = GitHistory(tmp_path / "shop.git").commit("Mend", {"cart.py": CART})
    assert minimize({**shop, "bad": mended})[0] == 1
    assert "does not fail on" in capsys.readouterr().err
    assert minimize({**shop, "good": shop["culprit"]})[0] == 1
    assert "does not pass on" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"repo": "/nowhere/at/all"}, "--repo"),
        ({"culprit": "f" * 40}, "--culprit"),
        ({"bad": "no-such-branch"}, "--bad"),
    ],
)
def test_arguments_that_cannot_be_used(
    shop: dict[str, str], capsys: pytest.CaptureFixture[str], change: dict[str, str], why: str
) -> None:
    assert minimize({**shop, **change})[0] == 2
    assert why in capsys.readouterr().err


@pytest.mark.parametrize("overlay", ["nothing", "/no/such/file:test_a.py", "README:../outside.py", "README:/etc/x.py"])
def test_an_overlay_that_cannot_be_used(shop: dict[str, str], capsys: pytest.CaptureFixture[str], overlay: str) -> None:
    assert minimize(shop, "--overlay", overlay)[0] == 2
    assert "--overlay" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("reproduce", "tests"),
    [
        (
            "python -m pytest -q -x -k price -c empty.ini tests/test_r.py::test_it -W ignore",
            "python -m pytest -q -c empty.ini {tests} -W ignore --junitxml={junit} --continue-on-collection-errors",
        ),
        (
            "env PYTHONPATH=src /v/bin/pytest --maxfail 1 ./tests/test_r.py",
            "env PYTHONPATH=src /v/bin/pytest {tests} --junitxml={junit} --continue-on-collection-errors",
        ),
        ("pytest -q", None),
        ("python check.py tests/test_r.py", None),
        ("sh -c 'pytest tests/test_r.py'", None),
    ],
)
def test_the_test_command_is_made_of_a_pytest_reproducer(reproduce: str, tests: str | None) -> None:
    made = command_for_tests(shlex.split(reproduce), ("tests/test_r.py",))
    assert made == (tuple(shlex.split(tests)) if tests else None)


def test_a_hanging_version_gets_only_a_few_times_the_time_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hotfix.adapters.command_tests.SHORTEST", 0.5)
    (tmp_path / "test_a.py").write_text("def test_a():\n    pass\n")
    tests = CommandTests((*PYTEST, "--junitxml={junit}", "{tests}"), {}, 600)
    assert tests.run(tmp_path, ("test_a.py",)).problem == ""
    assert tests.time_limit < 600
    assert "exit code" in tests.run(tmp_path, ("test_b.py",)).problem


def test_a_flaky_reproducer_is_asked_until_it_is_sure(shop: dict[str, str]):
    wrong_now_and_then = Path(shop["folder"]) / "flaky.py"
    count = Path(shop["folder"]) / "count"
    wrong_now_and_then.write_text(
        f"import pathlib, sys\nsys.path.insert(0, '.')\nfrom cart import price\ncount = pathlib.Path({str(count)!r})\n"
        "runs = int(count.read_text()) if count.exists() else 0\ncount.write_text(str(runs + 1))\n"
        "sys.exit((price(2) != 10) != (runs % 5 == 3))\n"
    )
    reproduce = shlex.join([sys.executable, str(wrong_now_and_then)])
    code, found = minimize(shop, "--flaky", "0.2", "--jobs", "1", reproduce=reproduce)
    assert (code, found["verified"], found["lines_kept"]) == (0, True, 2)
    assert int(count.read_text()) > 2 * found["runs"]


def test_a_coin_proves_nothing(shop: dict[str, str], capsys: pytest.CaptureFixture[str]):
    assert minimize(shop, "--flaky", "0.5") == (2, {})
    assert "tell nothing" in capsys.readouterr().err
