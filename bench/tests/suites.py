"""Where the cases' own test suites are, what they need, and one run of them."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

from bench.analysis.case import Case, environment
from hotfix.adapters.junit import UnusableJunit, read_junit
from hotfix.domain.testing import Outcome

# Tests that do not end without a network, or a terminal, or that start a server of their own.
LEFT_OUT = ("tests/test_serving.py", "tests/middleware/test_http_proxy.py")
DESELECTED = ("tests/test_debug.py::test_basic",)
PATIENCE = 10
# Test folder and further requirements of a suite, by the name of a case without its commit.
SUITES: dict[str, tuple[str, tuple[str, ...]]] = {
    "attrs": ("tests", ("hypothesis", "cloudpickle")),
    "click": ("tests", ()),
    "jinja": ("tests", ("trio",)),
    "jsonschema": ("jsonschema/tests", ()),
    "marshmallow": ("tests", ("pytz", "simplejson")),
    "more-itertools": ("tests", ()),
    "rich": ("tests", ("attrs",)),
    "sqlglot": ("tests", ("python-dateutil",)),
    "sqlparse": ("tests", ()),
    "starlette": ("tests", ("httpx", "trio", "itsdangerous", "jinja2", "python-multipart", "pyyaml")),
    "werkzeug": ("tests", ("cryptography", "ephemeral-port-reserve", "pytest-timeout", "pytest-xprocess", "watchdog")),
}


@dataclass(frozen=True)
class Suite:
    folder: str
    requirements: tuple[str, ...]


@dataclass(frozen=True)
class SuiteRun:
    """``outcomes`` and ``times`` by test id; ``cut`` when the limit ended it."""

    outcomes: dict[str, str]
    times: dict[str, float]
    seconds: float
    cut: bool


def suite_of(case: Case) -> Suite:
    folder, requirements = SUITES.get(case.name.rsplit("-", 1)[0], ("tests", ()))
    return Suite(folder, requirements)


def suite_environment(case: Case, folder: Path) -> Path:
    """The Python of an environment in which the case's own tests can run; see ``environment``."""
    return environment(replace(case, requirements=case.requirements + suite_of(case).requirements), folder)


def pytest_command(python: Path, ini: Path, arguments: Sequence[str]) -> list[str]:
    return [
        *(str(python), "-m", "pytest", "-q", "-c", str(ini), "--rootdir=.", "-p", "no:cacheprovider"),
        *("-W", "ignore", "--continue-on-collection-errors"),
        *(f"--ignore={path}" for path in LEFT_OUT),
        *(f"--deselect={test}" for test in DESELECTED),
        *arguments,
    ]


def run_tests(case: Case, python: Path, ini: Path, tree: Path, tests: Sequence[str], limit: float) -> SuiteRun:
    """Run ``tests`` (paths or ids) in a checkout; a run that ``limit`` ends has no outcomes.

    ``limit`` is in seconds of the processor: what ends without a mistake ends on a busy machine too. One that waits
    for ever is ended after ``PATIENCE`` times as many seconds on the clock.
    """
    with tempfile.TemporaryDirectory(prefix="bench-tests-") as place:
        junit, home = Path(place) / "junit.xml", Path(place) / "home"
        home.mkdir()
        command = pytest_command(python, ini, [f"--junitxml={junit}", *tests])
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": place, "LANG": "C.UTF-8", "TZ": "UTC",
            "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": os.pathsep.join(case.python_path),
        }  # fmt: skip
        started = time.monotonic()
        child = subprocess.Popen(
            command, cwd=tree, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (ceil(limit), ceil(limit))),
        )  # fmt: skip
        try:
            child.wait(PATIENCE * limit)
            cut = child.returncode == -signal.SIGKILL
        except subprocess.TimeoutExpired:
            cut = True
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        seconds = time.monotonic() - started
        try:
            cases = read_junit(junit)
        except UnusableJunit:
            return SuiteRun({}, {}, seconds, cut)
    # Parameters may hold the path of a checkout, which is another for each version.
    names = [each.id.replace(str(tree), "CHECKOUT") for each in cases]
    return SuiteRun(
        {name: each.outcome.value for name, each in zip(names, cases, strict=True)},
        {name: each.seconds for name, each in zip(names, cases, strict=True)},
        seconds,
        cut,
    )


def failed(outcome: str | None) -> bool:
    return outcome in (Outcome.FAILED.value, Outcome.ERROR.value)
