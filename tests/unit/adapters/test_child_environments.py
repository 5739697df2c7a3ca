"""No process that is started gets the worker's own environment: it may hold Connections and passwords."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
STARTS = {"run", "Popen", "call", "check_call", "check_output", "getoutput", "getstatusoutput"}
BARE = {("os", name) for name in ("system", "popen", "posix_spawn", "posix_spawnp", "execv", "execvp", "spawnv")}


def starts_with_everything(source: str) -> Iterator[int]:
    """Lines that start a process and do not say with which environment."""
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if not isinstance(node.func.value, ast.Name):
            continue
        called = (node.func.value.id, node.func.attr)
        bare = called in BARE
        started = called[0] == "subprocess" and called[1] in STARTS
        if bare or (started and "env" not in {keyword.arg for keyword in node.keywords}):
            yield node.lineno


@pytest.mark.parametrize("folder", ["include/hotfix", "plugins", "dags"])
def test_every_process_is_given_an_environment(folder: str) -> None:
    # The launcher and the hooks run inside the confined process, whose environment was chosen before.
    confined = {ROOT / "include/hotfix/adapters/process_launcher.py"}
    files = [path for path in (ROOT / folder).rglob("*.py") if path not in confined and "hook" not in path.parts]
    assert files
    found = [f"{path.relative_to(ROOT)}:{line}" for path in files for line in starts_with_everything(path.read_text())]
    assert found == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("subprocess.run(['rm'], check=False)", [1]),
        ("import os\nos.system('rm')", [2]),
        ("subprocess.Popen(['rm'], env=minimal)", []),
        ("processes.run(['rm'])", []),
    ],
)
def test_the_rule_sees_what_it_should(source: str, lines: list[int]) -> None:
    assert list(starts_with_everything(source)) == lines
