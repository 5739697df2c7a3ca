"""Notes which lines of a checkout this Python process executes; every interpreter that finds it on its path runs it.

Standard library only and any Python from 3.7 on, since it runs inside the program that is looked at. Nothing is traced
before the first code of the checkout runs; from then on, calls into the checkout are. A function is looked at closely
in its first calls only, so that hot loops stay fast. The notes go to ``HOTFIX_TRACE_NOTES``/<pid>.json when the
interpreter ends.
"""

import atexit
import importlib.machinery
import importlib.util
import json
import os
import sys
import threading

# How many calls of a function, and how many lines in all of them, are noted.
CALLS, LINES = 40, 4000


def install(root, notes):
    root = os.path.realpath(root) + os.sep
    paths = {}
    functions = {}
    calls = [0]

    def path_of(filename):
        if filename not in paths:
            # "<frozen importlib>" and its like are no files.
            full = "" if filename.startswith("<") else os.path.realpath(filename)
            paths[filename] = full[len(root) :] if full.startswith(root) else None
        return paths[filename]

    def imported(frame):
        while frame is not None:
            is_import = frame.f_code.co_name == "<module>" and frame.f_globals.get("__name__") != "__main__"
            if is_import and path_of(frame.f_code.co_filename):
                return True
            frame = frame.f_back
        return False

    def trace_call(frame, event, argument):
        code = frame.f_code
        filename = code.co_filename
        path = paths[filename] if filename in paths else path_of(filename)
        if path is None:
            return None
        seen = functions.get(code)
        if seen is None:
            seen = functions[code] = {"path": path, "lines": set(), "calls": 0, "events": 0, "imported": True}
        calls[0] += 1
        seen["calls"] += 1
        seen["last"] = calls[0]
        if seen["imported"] and seen["calls"] < CALLS:
            seen["imported"] = imported(frame)
        if seen["calls"] > CALLS or seen["events"] > LINES:
            return None
        lines = seen["lines"]

        def trace_line(frame, event, argument):
            if event == "line":
                lines.add(frame.f_lineno)
                seen["events"] += 1
                if seen["events"] > LINES:
                    frame.f_trace_lines = False
            return trace_line

        return trace_line

    def begin(event, arguments):
        if event == "exec" and not begun:
            code = arguments[0]
            if hasattr(code, "co_filename") and path_of(code.co_filename):
                begun.append(True)
                threading.settrace(trace_call)
                sys.settrace(trace_call)

    def write():
        sys.settrace(None)
        if not functions:
            return
        found = [
            [seen["path"], code.co_name, code.co_firstlineno, sorted(seen["lines"]), seen["imported"], seen["last"]]
            for code, seen in list(functions.items())
        ]
        with open(os.path.join(notes, "%d.json" % os.getpid()), "w") as file:
            json.dump(found, file)

    begun = []
    atexit.register(write)
    sys.addaudithook(begin)


def run_the_next_sitecustomize():
    """The one that this file hides, if there is one."""
    here = os.path.dirname(os.path.abspath(__file__))
    others = [entry for entry in sys.path if os.path.abspath(entry or os.curdir) != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


if os.environ.get("HOTFIX_TRACE_NOTES") and hasattr(sys, "addaudithook"):
    install(os.environ["HOTFIX_TRACE_ROOT"], os.environ["HOTFIX_TRACE_NOTES"])
run_the_next_sitecustomize()
