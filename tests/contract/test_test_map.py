"""Which lines each test executes is noted on a real pytest, and what cannot be seen is said."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from hotfix.adapters.test_map import MapUnusable, collect_map
from hotfix.cli import main
from hotfix.domain.test_map import TestMap, map_from_text
from tests.support.git_history import GitHistory

VERSION = "a" * 40
SHOP = """\
import functools
import threading

RATES = {}


def price(n):
    if n > 10:
        return n - 1
    return n


def rate(name):
    if name not in RATES:
        RATES[name] = load(name)
    return RATES[name]


def load(name):
    return len(name)


def in_a_thread(n):
    thread = threading.Thread(target=price, args=(n,))
    thread.start()
    thread.join()
"""
CONFTEST = """\
import pytest

import shop


@pytest.fixture(scope="module")
def dear():
    yield shop.price(20)
    shop.load("end")
"""
TESTS = """\
import subprocess
import sys

import pytest

import shop


@pytest.mark.parametrize("n", [1, 20])
def test_price(n):
    assert shop.price(n) <= n


def test_cheap():
    assert shop.price(2) == 2


def test_dear(dear):
    assert dear == 19


def test_dear_too(dear):
    assert dear


def test_rate():
    assert shop.rate("vat") == 3


def test_rate_again():
    assert shop.rate("vat") == 3


def test_thread():
    shop.in_a_thread(20)


def test_process():
    subprocess.run([sys.executable, "-c", "import shop; shop.price(20)"], check=True)


def test_untraced():
    sys.settrace(None)
    shop.price(20)


@pytest.mark.skipif(True, reason="not here")
def test_elsewhere():
    shop.price(20)


def test_fails():
    assert shop.price(1) == 2
"""
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
FILES = {"shop.py": SHOP, "tests/conftest.py": CONFTEST, "tests/test_shop.py": TESTS}


def mapped(checkout: Path, *command: str) -> TestMap:
    environment = {"PYTHONPATH": str(checkout)}
    return collect_map(command or (*PYTEST, "tests"), checkout, VERSION, environment=environment, time_limit=60)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> TestMap:
    checkout = tmp_path_factory.mktemp("checkout")
    for path, text in FILES.items():
        (checkout / path).parent.mkdir(exist_ok=True)
        (checkout / path).write_text(text)
    return mapped(checkout)


def executing(found: TestMap, line: str) -> set[str]:
    number = SHOP.splitlines().index(line) + 1
    return {test.rsplit("::", 1)[1] for test in found.executing("shop.py", frozenset({number}))}


def test_lines_by_test_with_those_of_wide_fixtures_and_threads(found: TestMap) -> None:
    assert executing(found, "        return n - 1") == {"test_price", "test_dear", "test_dear_too", "test_thread"}
    assert executing(found, "    return n") == {"test_price", "test_cheap", "test_fails"}
    assert {"test_dear", "test_dear_too"} <= executing(found, "    return len(name)")


def test_imports_are_nobodys(found: TestMap) -> None:
    assert not found.tells_of("shop.py", frozenset({SHOP.splitlines().index("RATES = {}") + 1}))
    assert found.tells_of("shop.py", frozenset({SHOP.splitlines().index("    return n") + 1}))


def test_what_a_test_leaves_behind_for_others_is_seen_as_unsteady(found: TestMap) -> None:
    assert not found.tells_of("shop.py", frozenset({SHOP.splitlines().index("    return len(name)") + 1}))


def test_what_cannot_be_seen_is_said(found: TestMap) -> None:
    assert {name.rsplit("::", 1)[1] for name in found.beyond} == {"test_process", "test_untraced", "test_elsewhere"}


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ((sys.executable, "-c", "pass"), "no test was noted"),
        ((sys.executable, "-c", "raise SystemExit(3)"), "exit code 3"),
        (("/nowhere/pytest",), "does not start"),
        ((*PYTEST, "-p", "no:hotfix_test_map", "test_one.py"), "no test was noted"),
        (
            (sys.executable, "-c", "import os; open(os.environ['HOTFIX_MAP_NOTES'] + '/1.json', 'w').write('[')"),
            "notes",
        ),
    ],
)
def test_no_map_rather_than_half_of_one(tmp_path: Path, command: tuple[str, ...], problem: str) -> None:
    (tmp_path / "test_one.py").write_text("def test_one():\n    pass\n")
    with pytest.raises(MapUnusable, match=problem):
        mapped(tmp_path, *command)


def test_a_suite_that_hangs(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "import time; time.sleep(60)")
    with pytest.raises(MapUnusable, match="did not end"):
        collect_map(command, tmp_path, VERSION, environment={}, time_limit=0.5)


def test_from_a_terminal_and_into_a_selection(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    history = GitHistory(tmp_path / "remote.git")
    base = history.commit("Sell", dict(FILES))
    head = history.commit("Fix", {"shop.py": SHOP.replace("return n - 1", "return n - 2")})
    repository, file, answer = str(tmp_path / "remote.git"), tmp_path / "map.json", tmp_path / "selected.json"
    assert main(["map-tests", "--repo", repository, "--ref", base, "--map", str(file), "--env", "PYTHONPATH=.", "--",
                 *PYTEST, "tests"]) == 0  # fmt: skip
    assert map_from_text(file.read_text()).version == base
    select = ["select-tests", "--repo", repository, "--head", head, "--json", str(answer)]
    assert main([*select, "--base", base, "--map", str(file)]) == 0
    selected = {test["path"].rsplit("::", 1)[1] for test in json.loads(answer.read_text())["selected"]}
    # test_untraced and test_elsewhere lead there by name, and what they do is not all seen.
    assert selected == {"test_price", "test_dear", "test_dear_too", "test_thread", "test_untraced", "test_elsewhere"}
    capsys.readouterr()
    assert main([*select, "--base", head, "--map", str(file)]) == 2
    assert "make one of that version" in capsys.readouterr().err
