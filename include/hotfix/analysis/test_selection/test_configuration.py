"""Changes of what decides which tests run and when they pass, and production's settings put back."""

from __future__ import annotations

import configparser
import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from hotfix.analysis.test_selection.select import ChangedPath

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_WHOLE = (
    "pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "tox.ini", "jest.config.*", "vitest.config.*",
    "karma.conf.*", ".mocharc*", ".rspec", "phpunit.xml*", "testng.xml", ".coveragerc",
)  # fmt: skip
_HEADER = re.compile(r"^\[+([^\[\]\n]+)\]+[ \t]*(?:[#;].*)?$", re.MULTILINE)


@dataclass(frozen=True)
class ConfigurationChange:
    """``restored`` is the file with production's test settings, None to remove it. ``is_code``: a conftest.py, which
    has no settings to take out; ``problem``: production's settings cannot be put into the new file."""

    path: str
    restored: str | None
    is_code: bool = False
    problem: str = ""


def configuration_changes(changes: Iterable[ChangedPath]) -> tuple[ConfigurationChange, ...]:
    """The changes of the tests' own settings among ``changes``; other parts of shared files do not count."""
    found = (_change(change) for change in changes if change.before != change.after)
    return tuple(change for change in found if change)


def _change(change: ChangedPath) -> ConfigurationChange | None:
    name = PurePosixPath(change.path)
    if name.name == "conftest.py":
        return ConfigurationChange(change.path, change.before, is_code=True)
    if any(name.match(pattern) for pattern in _WHOLE):
        return ConfigurationChange(change.path, change.before)
    if name.name == "setup.cfg":
        return _shared(change, _ini_settings, lambda old, new: _splice(old, new, _is_ini_section))
    if name.name == "pyproject.toml":
        return _shared(change, _toml_settings, lambda old, new: _splice(old, new, _is_toml_table))
    if name.name == "package.json":
        return _shared(change, _json_settings, _splice_json)
    return None


def _shared(
    change: ChangedPath, read: Callable[[str], tuple[Any, Any]], splice: Callable[[str, str], str]
) -> ConfigurationChange | None:
    """A file that holds test settings beside other things: only these are put back, and only if that can be shown."""
    try:
        old, _ = read(change.before or "")
        new, rest = read(change.after or "")
        if old == new:
            return None
        restored = splice(change.before or "", change.after or "")
        if read(restored) == (old, rest):
            return ConfigurationChange(change.path, restored)
        why = "production's test settings do not fit into the new file"
    except (ValueError, configparser.Error, TypeError, AttributeError) as error:
        why = f"it cannot be read ({error})"
    return ConfigurationChange(
        change.path, change.after, problem=f"{change.path} changes the tests' settings, and {why}"
    )


def _is_ini_section(name: str) -> bool:
    return name.strip() in ("tool:pytest", "pytest") or name.strip().startswith("coverage:")


def _is_toml_table(name: str) -> bool:
    return re.sub(r"[\s\"']", "", name).startswith(("tool.pytest", "tool.coverage"))


def _ini_settings(text: str) -> tuple[Any, Any]:
    parser = configparser.RawConfigParser()
    parser.read_string(text)
    every = {name: dict(parser[name]) for name in parser.sections()}
    tests = {name: values for name, values in every.items() if _is_ini_section(name)}
    return tests, {name: values for name, values in every.items() if name not in tests}


def _toml_settings(text: str) -> tuple[Any, Any]:
    every = tomllib.loads(text)
    tool = every.pop("tool", {})
    tests = {name: tool.pop(name) for name in ("pytest", "coverage") if name in tool}
    return tests, {**every, "tool": tool}


def _json_settings(text: str) -> tuple[Any, Any]:
    every = json.loads(text or "{}")
    scripts = every.pop("scripts", {})
    tests = {name: every.pop(name) for name in ("jest", "mocha", "vitest", "ava") if name in every}
    tests["scripts"] = {name: scripts.pop(name) for name in list(scripts) if "test" in name}
    return tests, {**every, "scripts": scripts}


def _splice(old: str, new: str, ours: Callable[[str], bool]) -> str:
    kept = [text for name, text in _sections(new) if not ours(name)]
    back = [text for name, text in _sections(old) if ours(name)]
    return "".join(text if text.endswith("\n") or not text else f"{text}\n" for text in (*kept, *back))


def _sections(text: str) -> Sequence[tuple[str, str]]:
    """(name, text with its header) of an INI or TOML file; what stands before the first header has no name."""
    headers = list(_HEADER.finditer(text))
    ends = [*(header.start() for header in headers[1:]), len(text)]
    first = headers[0].start() if headers else len(text)
    return [("", text[:first]), *((h[1], text[h.start() : end]) for h, end in zip(headers, ends, strict=True))]


def _splice_json(old: str, new: str) -> str:
    tests, _ = _json_settings(old)
    _, rest = _json_settings(new)
    scripts = {**rest.pop("scripts"), **tests.pop("scripts")}
    return json.dumps({**rest, **tests, **({"scripts": scripts} if scripts else {})}, indent=2) + "\n"
