"""What a program executes of a checkout is noted, whatever the program does, and without being in its way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hotfix.adapters.execution_tracer import collect, instrumented, read_execution
from hotfix.domain.execution import MODULE, ExecutedFunction, Execution

VERSIONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13")


def other_pythons() -> list[str]:
    """Interpreters of other versions that pyenv has, one a version."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = {".".join(path.name.split(".")[:2]): str(path / "bin" / "python") for path in sorted(root.glob("3.*"))}
    return [found[version] for version in VERSIONS if version in found and version != "3.11"]


PYTHONS = [sys.executable, *other_pythons()]

SHOP = """\
from helper import half

LIMIT = half(10)


def price(n):
    if n > LIMIT:
        return n * 2
    return n


def never():
    return 1


class Basket:
    kind = "basket"

    def total(self):
        return sum(price(n) for n in (1, 9))
"""
HELPER = "def half(n):\n    return n // 2\n"
MAIN = "import shop\n\nprint(shop.Basket().total())\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "check out"
    folder.mkdir()
    (folder / "shop.py").write_text(SHOP)
    (folder / "helper.py").write_text(HELPER)
    (folder / "main.py").write_text(MAIN)
    return folder


def observe(
    checkout: Path, *argv: str, environment: dict[str, str] | None = None, expect: int | None = 0, seconds: float = 60
) -> tuple[Execution | None, str]:
    notes = checkout.parent / "notes"
    notes.mkdir(exist_ok=True)
    for old in notes.iterdir():
        old.unlink()
    own = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **(environment or {})}
    command, variables = instrumented(argv, own, checkout, notes)
    done = subprocess.run(
        command, cwd=checkout, env=variables, capture_output=True, text=True, timeout=seconds, check=False
    )
    assert expect is None or done.returncode == expect, done.stderr
    return read_execution(notes), done.stdout + done.stderr


def ran(execution: Execution | None) -> dict[tuple[str, str], ExecutedFunction]:
    assert execution is not None
    return {(function.path, function.name): function for function in execution.functions}


@pytest.mark.parametrize("python", PYTHONS)
def test_functions_modules_and_their_lines(checkout: Path, python: str) -> None:
    execution, output = observe(checkout, python, "main.py")
    assert output == "19\n", "the program itself sees nothing of it"
    found = ran(execution)
    assert found["shop.py", "price"].lines == (7, 8, 9)
    assert found["shop.py", "price"].first_line == 6
    assert {4, 7, 13}.isdisjoint(found["shop.py", MODULE].lines)
    assert {1, 3, 6, 12, 16} <= set(found["shop.py", MODULE].lines)
    assert ("shop.py", "never") not in found
    assert found["main.py", MODULE].lines == (1, 3)
    assert found["shop.py", "total"].lines == (20,)


@pytest.mark.parametrize("python", PYTHONS)
def test_what_runs_while_a_module_is_imported_is_marked(checkout: Path, python: str) -> None:
    found = ran(observe(checkout, python, "main.py")[0])
    assert found["helper.py", "half"].imported
    assert found["shop.py", MODULE].imported
    assert not found["shop.py", "price"].imported
    assert not found["main.py", MODULE].imported


def test_a_function_that_runs_on_import_and_later_is_not_marked(checkout: Path) -> None:
    (checkout / "main.py").write_text("import shop\nfrom helper import half\n\nhalf(4)\n")
    assert not ran(observe(checkout, sys.executable, "main.py")[0])["helper.py", "half"].imported


def test_what_was_called_last_comes_last(checkout: Path) -> None:
    (checkout / "main.py").write_text(
        "def one(): pass\ndef two(): pass\ndef three(): pass\none(); two(); three(); one()\n"
    )
    execution, _ = observe(checkout, sys.executable, "main.py")
    assert execution is not None
    assert [function.name for function in execution.functions] == [MODULE, "two", "three", "one"]


@pytest.mark.parametrize("python", PYTHONS)
def test_a_failing_program_is_seen_to_its_end(checkout: Path, python: str) -> None:
    (checkout / "main.py").write_text(
        "import shop\n\ndef broken():\n    shop.price(1)\n    raise ValueError\n\nbroken()\n"
    )
    execution, output = observe(checkout, python, "main.py", expect=1)
    assert "ValueError" in output
    assert ran(execution)["main.py", "broken"].lines == (4, 5)


def test_pytest(checkout: Path) -> None:
    (checkout / "test_shop.py").write_text("import shop\n\ndef test_price():\n    assert shop.price(9) == 9\n")
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_shop.py")
    execution, _ = observe(checkout, *command, expect=1)
    found = ran(execution)
    assert found["shop.py", "price"].lines == (7, 8)
    assert not found["test_shop.py", "test_price"].imported
    assert found["shop.py", MODULE].imported


def test_programs_that_it_starts_are_followed(checkout: Path) -> None:
    (checkout / "main.py").write_text(
        "import os, subprocess, sys\n"
        "subprocess.run([sys.executable, '-c', 'import shop; shop.price(9)'], check=True)\n"
        "if os.fork() == 0:\n"
        "    import helper\n"
        "    helper.half(2)\n"
        "    sys.exit(0)\n"
        "os.wait()\n"
    )
    found = ran(observe(checkout, sys.executable, "main.py")[0])
    assert found["shop.py", "price"].lines == (7, 8)
    assert ("helper.py", "half") in found


def test_the_same_function_in_several_processes_is_one(checkout: Path) -> None:
    (checkout / "main.py").write_text(
        "import subprocess, sys\n"
        "for n in (1, 9):\n"
        "    subprocess.run([sys.executable, '-c', f'import shop; shop.price({n})'], check=True)\n"
    )
    execution, _ = observe(checkout, sys.executable, "main.py")
    assert execution is not None
    assert [f.lines for f in execution.functions if f.name == "price"] == [(7, 8, 9)]


def test_threads_are_followed(checkout: Path) -> None:
    (checkout / "main.py").write_text(
        "import threading, shop\nother = threading.Thread(target=shop.price, args=(9,))\nother.start()\nother.join()\n"
    )
    assert ran(observe(checkout, sys.executable, "main.py")[0])["shop.py", "price"].lines == (7, 8)


# --- paths


def test_a_path_of_the_command_itself(checkout: Path) -> None:
    (checkout / "lib").mkdir()
    (checkout / "lib" / "deep.py").write_text("def f():\n    return 1\n")
    (checkout / "main.py").write_text("import deep\n\ndeep.f()\n")
    command = ("env", "PYTHONPATH=lib", sys.executable, "main.py")
    assert ("lib/deep.py", "f") in ran(observe(checkout, *command)[0])
    environment = {"PYTHONPATH": str(checkout / "lib")}
    assert ("lib/deep.py", "f") in ran(observe(checkout, sys.executable, "main.py", environment=environment)[0])


def test_an_empty_path_does_not_become_the_current_folder(checkout: Path) -> None:
    (checkout / "sub").mkdir()
    (checkout / "sub" / "main.py").write_text("import sys\n\nprint(sys.path.count(''), sys.path[1:])\n")
    _, output = observe(checkout, "env", "PYTHONPATH=", sys.executable, "sub/main.py")
    assert output.startswith("0 ")
    assert str(checkout) not in output


def test_files_outside_of_the_checkout_are_left_out(checkout: Path) -> None:
    outside = checkout.parent / "check out too"
    outside.mkdir()
    (outside / "elsewhere.py").write_text("def f():\n    return 1\n")
    (checkout / "main.py").write_text("import elsewhere, json\n\nelsewhere.f()\njson.dumps({})\n")
    environment = {"PYTHONPATH": str(outside)}
    execution, _ = observe(checkout, sys.executable, "main.py", environment=environment)
    assert execution is not None
    assert execution.paths == ("main.py",)


def test_the_reproducer_itself_can_be_left_out(checkout: Path) -> None:
    execution, _ = observe(checkout, sys.executable, "main.py")
    assert execution is not None
    assert "main.py" in execution.paths
    assert "main.py" not in execution.without(["main.py"]).paths


@pytest.mark.parametrize("python", PYTHONS)
def test_a_sitecustomize_that_is_there_still_runs(checkout: Path, python: str) -> None:
    theirs = checkout.parent / "theirs"
    theirs.mkdir()
    (theirs / "sitecustomize.py").write_text("print('theirs')\n")
    execution, output = observe(checkout, python, "main.py", environment={"PYTHONPATH": str(theirs)})
    assert output == "theirs\n19\n"
    assert ("shop.py", "price") in ran(execution)


def test_nothing_is_written_into_the_checkout(checkout: Path) -> None:
    before = sorted(checkout.rglob("*"))
    observe(checkout, sys.executable, "main.py")
    assert sorted(checkout.rglob("*")) == before


# --- programs that end otherwise


@pytest.mark.parametrize("end", ["os._exit(3)", "os.kill(os.getpid(), signal.SIGKILL)", "os.execvp('true', ['true'])"])
def test_a_program_without_an_orderly_end_tells_nothing(checkout: Path, end: str) -> None:
    (checkout / "main.py").write_text(f"import os, signal, shop\nshop.price(9)\n{end}\n")
    assert observe(checkout, sys.executable, "main.py", expect=None)[0] is None


def test_a_program_that_is_no_python_tells_nothing(checkout: Path) -> None:
    assert observe(checkout, "sh", "-c", "echo hello") == (None, "hello\n")


@pytest.mark.parametrize("option", ["-I", "-S", "-E"])
def test_a_python_that_looks_at_no_environment_tells_nothing(checkout: Path, option: str) -> None:
    execution, output = observe(checkout, sys.executable, option, "-c", "print(1)")
    assert (execution, output) == (None, "1\n")


def test_a_python_that_executes_nothing_of_the_checkout_tells_nothing(checkout: Path) -> None:
    assert observe(checkout, sys.executable, "-c", "import json; print(1)") == (None, "1\n")


def test_notes_that_are_cut_off_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "1.json").write_text('[["a.py", "f", 1, [2')
    assert read_execution(tmp_path) is None
    (tmp_path / "2.json").write_text(json.dumps([["a.py", "f", 1, [2], False, 1]]))
    assert read_execution(tmp_path) == Execution((ExecutedFunction("a.py", "f", 1, (2,), False),))


@pytest.mark.parametrize(
    "text",
    [
        "3", "{}", "[1]", '{"abcdef": 1}', '[["a.py"]]', '[["a.py", "f", 1, 2, false, 1]]', "\x00", "[" * 100_000,
        '[["a\\u0000.py", "f", 1, [2], false, 1]]', '[[1, "f", 1, [2], false, 1]]',
        '[["a.py", "f", 1, ["2"], false, 1]]',
        '[["a.py", "f", 1, [2.5], false, 1]]', '[["a.py", "f", 1, [2], false, null]]',
        '[["a.py", ["f"], 1, [2], false, 1]]',
    ],
)  # fmt: skip
def test_notes_that_the_program_made_up_do_no_harm(tmp_path: Path, text: str) -> None:
    (tmp_path / "1.json").write_text(text)
    assert read_execution(tmp_path) is None


def test_notes_that_are_no_files_do_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "SIZE_LIMIT", 100)
    notes = tmp_path / "notes"
    notes.mkdir()
    row = json.dumps([["a.py", "f", 1, [2], False, 1]])
    (tmp_path / "ours.json").write_text(row)
    (notes / "1.json").symlink_to(tmp_path / "ours.json")
    os.mkfifo(notes / "2.json")
    (notes / "3.json").mkdir()
    (notes / "4.json").write_text(row + " " * 100)
    assert read_execution(notes) is None
    (notes / "5.json").write_text(row)
    assert read_execution(notes) == Execution((ExecutedFunction("a.py", "f", 1, (2,), False),))


# --- hot loops


def test_a_hot_loop_stays_bounded(checkout: Path) -> None:
    """Two million lines and half a million calls; the lines are noted all the same."""
    (checkout / "main.py").write_text(
        "def add(n):\n    return n + 1\n\n"
        "def count():\n    n = 0\n    while n < 500_000:\n        n = add(n)\n    return n\n\n"
        "print(count())\n"
    )
    notes = checkout.parent / "notes"
    execution, output = observe(checkout, sys.executable, "main.py")
    assert output == "500000\n"
    found = ran(execution)
    assert found["main.py", "add"].lines == (2,)
    assert found["main.py", "count"].lines[:3] == (5, 6, 7)
    (file,) = notes.glob("*.json")
    assert file.stat().st_size < 2_000


def test_what_comes_after_a_hot_loop_is_noted(checkout: Path) -> None:
    (checkout / "main.py").write_text(
        "def count():\n    n = 0\n    while n < 50_000:\n        n += 1\n    return n\n\n"
        "def after():\n    return 1\n\n"
        "count()\nafter()\n"
    )
    assert ran(observe(checkout, sys.executable, "main.py")[0])["main.py", "after"].lines == (8,)


def test_a_debugger_of_the_programs_own_is_not_in_the_way(checkout: Path) -> None:
    """A program that traces itself (coverage, a debugger) keeps its trace function."""
    (checkout / "main.py").write_text(
        "import sys, shop\nseen = []\nsys.settrace(lambda *event: seen.append(event[1]))\nshop.price(9)\n"
        "sys.settrace(None)\nprint(seen[0])\n"
    )
    execution, output = observe(checkout, sys.executable, "main.py")
    assert output == "call\n"
    assert ("shop.py", MODULE) in ran(execution)
