"""Two runs of a suite under the plugin, in opposite orders, and their notes as one map."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from hotfix.adapters.processes import Limits, minimal_environment, run
from hotfix.adapters.scratch import scratch
from hotfix.adapters.untrusted_file import read_untrusted
from hotfix.domain.document import Sha, clip
from hotfix.domain.test_map import TestMap, map_of_two_runs

SIZE_LIMIT = 512 * 1024 * 1024
HOOK = Path(__file__).with_name("hook")
_PATH, _PLUGINS = "PYTHONPATH", "PYTEST_PLUGINS"
# pytest: everything passed, something failed.
_RAN = (0, 1)


class MapUnusable(Exception):
    """No map could be made; the text says why."""


def collect_map(
    command: Sequence[str], checkout: Path, version: Sha, *, environment: Mapping[str, str], time_limit: float
) -> TestMap:
    """Run ``command`` (pytest on the whole suite) twice in a checkout of ``version``; each run may take ``time_limit``
    seconds.

    Raises:
        MapUnusable: it does not start, does not end, does not run tests, or leaves no notes.
    """
    forward, backward = (
        _one_run(command, checkout, version, environment, time_limit, backwards) for backwards in (False, True)
    )
    return map_of_two_runs(forward, backward)


def _one_run(
    command: Sequence[str],
    checkout: Path,
    version: Sha,
    environment: Mapping[str, str],
    time_limit: float,
    backwards: bool,
) -> TestMap:
    with scratch() as folders:
        given = minimal_environment({**environment, **folders.environment})
        patched = {
            **given,
            _PATH: _in_front(str(HOOK), given.get(_PATH, ""), os.pathsep),
            _PLUGINS: _in_front("hotfix_test_map", given.get(_PLUGINS, ""), ","),
            "HOTFIX_MAP_ROOT": str(checkout),
            "HOTFIX_MAP_NOTES": str(folders.results),
            "HOTFIX_MAP_REVERSED": "1" if backwards else "0",
        }
        # As ``env`` takes it, it would hide the plugin.
        words = [
            f"{_PATH}={_in_front(str(HOOK), word[len(_PATH) + 1 :], os.pathsep)}"
            if word.startswith(f"{_PATH}=")
            else word
            for word in command
        ]
        try:
            done = run(words, cwd=checkout, environment=patched, time_limit=time_limit, limits=Limits())
        except OSError as error:
            raise MapUnusable(f"{command[0]} does not start ({error})") from None
        if done.exit_code is None:
            raise MapUnusable(f"the tests {done.overrun(time_limit)}")
        if done.exit_code not in _RAN:
            raise MapUnusable(f"the tests did not run (exit code {done.exit_code}): {clip(done.output.strip(), 500)}")
        return _read(folders.results, version)


def _read(notes: Path, version: Sha) -> TestMap:
    tests: dict[str, dict[str, frozenset[int]]] = {}
    outside: dict[str, frozenset[int]] = {}
    beyond: set[str] = set()
    for file in sorted(notes.glob("*.json")):
        try:
            found = json.loads(read_untrusted(file, SIZE_LIMIT))
            _add(found["outside"], outside)
            fixtures, asked = found["fixtures"], found["asked"]
            unseen = set(found["beyond_fixtures"])
            for name, lines in found["tests"].items():
                into = tests.setdefault(_plain(name), {})
                _add(lines, into)
                # Who asks for "request" may take any fixture by a computed name.
                wanted = set(fixtures) if "request" in asked[name] else set(asked[name]) & set(fixtures)
                for fixture in wanted:
                    _add(fixtures[fixture], into)
                if name in found["beyond"] or wanted & unseen:
                    beyond.add(_plain(name))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            # A part of the picture is worse than none: what is missing would count as not executed.
            raise MapUnusable(f"the notes of a run cannot be read ({error!r:.200})") from None
    if not tests:
        raise MapUnusable("no test was noted: the command must run pytest, and let PYTEST_PLUGINS through")
    return TestMap(version=version, tests=tests, outside=outside, unsteady={}, beyond=frozenset(beyond))


def _add(lines: Mapping[str, Sequence[int]], into: dict[str, frozenset[int]]) -> None:
    for path, numbers in lines.items():
        into[path] = into.get(path, frozenset()) | frozenset(map(int, numbers))


def _plain(name: str) -> str:
    return name.split("[", 1)[0]


def _in_front(first: str, rest: str, separator: str) -> str:
    return f"{first}{separator}{rest}" if rest else first
