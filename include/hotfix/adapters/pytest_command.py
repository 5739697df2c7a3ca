"""What is added to a pytest command, and how a test of its JUnit XML is named on its command line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

from hotfix.adapters.untrusted_file import UnusableFile, read_untrusted
from hotfix.ports.test_runner import PARALLEL_FAILURES

_NUMBER = ("-n", "--numprocesses")
_OFF = ("no:xdist", "-pno:xdist")
_SETTINGS = ("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "pyproject.toml", "tox.ini", "setup.cfg")
_SETTINGS_LIMIT = 1024 * 1024
_WORKERS = re.compile(rb"(?<![\w-])(-n[\s=\"',]*(\d|auto|logical)|--numprocesses|--tx)")
# A run that stops at the first failure says nothing of the tests after it, and ends like one that ran them all.
_TO_THE_END = ("--maxfail=0",)
# By default xdist gives up after four crashes a process, and ends like a run with failures.
_AFTER_CRASHES = (f"--max-worker-restart={PARALLEL_FAILURES}",)


def is_pytest(command: Sequence[str]) -> bool:
    return _program(command) is not None


def to_the_end(command: Sequence[str]) -> tuple[str, ...]:
    """A pytest command that does not stop at a failure; another command as it is."""
    return _with(command, _TO_THE_END) if is_pytest(command) else tuple(command)


def every_core(command: Sequence[str]) -> tuple[str, ...]:
    """The pytest command with one process a core, or with as many as it says itself."""
    return _with(command, (*(() if own_number(command) else ("-n", "auto")), *_AFTER_CRASHES))


def one_process(command: Sequence[str]) -> tuple[str, ...]:
    """The pytest command with one process, whatever it or the repository's settings say."""
    return _with(command, ("-n", "0"))


def own_number(command: Sequence[str]) -> bool:
    return any(word.startswith(_NUMBER) for word in command)


def asks_for_workers(command: Sequence[str], checkout: Path, environment: Mapping[str, str]) -> bool:
    """Whether the command, its environment or the checkout's settings may ask for more than one process."""
    if own_number(command) or _WORKERS.search(environment.get("PYTEST_ADDOPTS", "").encode()):
        return True
    for name in _SETTINGS:
        try:
            if _WORKERS.search(read_untrusted(checkout / name, _SETTINGS_LIMIT)):
                return True
        except FileNotFoundError:
            continue
        except UnusableFile:
            return True
    return False


def turned_off(command: Sequence[str]) -> bool:
    return any(word.startswith(_OFF) for word in command)


def probe(command: Sequence[str]) -> tuple[str, ...]:
    """A command that succeeds where ``command``'s interpreter has pytest-xdist, and the checkout's settings let it."""
    program = _program(command)
    assert program is not None
    return (*command[: program + 1], "-n", "0", "--markers")


def node_ids(checkout: Path, cases: Sequence[str]) -> tuple[str, ...]:
    """What pytest calls the ``cases`` of a JUnit file; empty when that cannot be told of all of them."""
    found = tuple(_node_id(checkout, case) for case in cases)
    return found if all(found) else ()


def _node_id(checkout: Path, case: str) -> str:
    """From ``path::Class::name[parameters]``, or all of it with dots and without the file's suffix."""
    name, bracket, parameters = case.partition("[")
    if "::" in name:
        return case if (checkout / name.split("::")[0]).is_file() else ""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        path = "/".join(parts[:count]) + ".py"
        if all(parts) and (checkout / path).is_file():
            return "::".join((path, *parts[count:])) + bracket + parameters
    return ""


def _program(command: Sequence[str]) -> int | None:
    return next((i for i, word in enumerate(command) if PurePath(word).name in ("pytest", "py.test")), None)


def _with(command: Sequence[str], options: Sequence[str]) -> tuple[str, ...]:
    """The options last, where they win over the command's own and the settings'."""
    end = list(command).index("--") if "--" in command else len(command)
    return (*command[:end], *options, *command[end:])
