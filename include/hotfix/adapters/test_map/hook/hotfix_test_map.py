"""A plugin of pytest that notes which lines of a checkout each test executes.

Standard library and pytest only, since it runs inside the suite that is looked at. What runs while nothing is tested
(imports, collection) is ``outside``; what a fixture of a class, module or session does counts for every test that asks
for that fixture. A test is ``beyond`` when a part of it cannot be seen: it starts a process, stops the tracing or is
skipped. The notes go to ``HOTFIX_MAP_NOTES``/<pid>.json. ``HOTFIX_MAP_REVERSED=1`` runs the tests backwards.
"""

import json
import os
import sys
import threading

import pytest

_PROCESSES = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty")


class Notes:
    def __init__(self, root):
        self.root = os.path.realpath(root) + os.sep
        self.outside = {}
        self.tests = {}
        self.fixtures = {}
        self.asked = {}
        self.beyond = set()
        self.stack = [("outside", "", self.outside)]
        self.lines = self.outside
        self.teardown = None
        self.tracers = {}
        self.hook = self.trace_call

    def enter(self, kind, name):
        into = self.tests if kind == "test" else self.fixtures
        self.stack.append((kind, name, into.setdefault(name, {})))
        self.lines = self.stack[-1][2]

    def leave(self):
        self.stack.pop()
        self.lines = self.stack[-1][2]

    def mark_beyond(self):
        for kind, name, _ in self.stack[1:]:
            self.beyond.add((kind, name))

    def begin(self):
        threading.settrace(self.hook)
        sys.settrace(self.hook)

    def trace_call(self, frame, event, argument):
        filename = frame.f_code.co_filename
        try:
            return self.tracers[filename]
        except KeyError:
            tracer = self.tracers[filename] = self._tracer(filename)
            return tracer

    def _tracer(self, filename):
        full = "" if filename.startswith("<") else os.path.realpath(filename)
        if not full.startswith(self.root):
            return None
        path = full[len(self.root) :]

        def trace_line(frame, event, argument):
            # Asked anew for each line: a frame may live on into another test.
            lines = self.lines
            try:
                lines[path].add(frame.f_lineno)
            except KeyError:
                lines[path] = {frame.f_lineno}
            return trace_line

        return trace_line

    def write(self, folder):
        sys.settrace(None)
        content = {
            "outside": _plain(self.outside),
            "tests": {name: _plain(lines) for name, lines in self.tests.items()},
            "fixtures": {name: _plain(lines) for name, lines in self.fixtures.items()},
            "asked": {name: sorted(names) for name, names in self.asked.items()},
            "beyond": sorted(name for kind, name in self.beyond if kind == "test"),
            "beyond_fixtures": sorted(name for kind, name in self.beyond if kind == "fixture"),
        }
        with open(os.path.join(folder, "%d.json" % os.getpid()), "w") as file:
            json.dump(content, file)


def add(lines, into):
    for path, numbers in list(lines.items()):
        into.setdefault(path, set()).update(numbers)


def _plain(lines):
    # A thread of the suite may still be running.
    return {path: sorted(numbers) for path, numbers in list(lines.items())}


NOTES = Notes(os.environ["HOTFIX_MAP_ROOT"])


def _audit(event, arguments):
    if event in _PROCESSES:
        NOTES.mark_beyond()


sys.addaudithook(_audit)
NOTES.begin()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    if os.environ.get("HOTFIX_MAP_REVERSED") == "1":
        items.reverse()


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    NOTES.asked.setdefault(item.nodeid, set()).update(getattr(item, "fixturenames", ()))
    NOTES.enter("test", item.nodeid)
    yield
    if sys.gettrace() is not NOTES.hook:
        NOTES.mark_beyond()
        NOTES.begin()
    NOTES.leave()


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_fixture_setup(fixturedef, request):
    wide = fixturedef.scope != "function"
    if wide:
        NOTES.enter("fixture", fixturedef.argname)
    yield
    if wide:
        NOTES.leave()


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_post_finalizer(fixturedef):
    # What else was torn down before it cannot be told apart: it counts too.
    if fixturedef.scope != "function" and NOTES.teardown is not None:
        add(NOTES.teardown, NOTES.fixtures.setdefault(fixturedef.argname, {}))


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_teardown(item):
    of_test = NOTES.lines
    NOTES.lines = NOTES.teardown = {}
    yield
    add(NOTES.teardown, of_test)
    NOTES.lines, NOTES.teardown = of_test, None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report):
    # It may run where the tests of the change do.
    if report.skipped:
        NOTES.beyond.add(("test", report.nodeid))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    NOTES.write(os.environ["HOTFIX_MAP_NOTES"])
