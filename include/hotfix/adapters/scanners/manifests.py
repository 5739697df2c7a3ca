"""Which packages, in exactly which versions, a manifest or lock file asks for.

Only exact versions can be looked up; what is asked for by a range is told apart (``version`` is empty).
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import yaml
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class UnreadableManifest(Exception):
    """The text says which file, and why."""


@dataclass(frozen=True, order=True)
class Dependency:
    """``ecosystem`` in the words of OSV; ``version`` is empty where there is no exact one."""

    ecosystem: str
    name: str
    version: str


def is_manifest(path: str) -> bool:
    return _reader(path) is not None


def dependencies(path: str, text: str) -> frozenset[Dependency]:
    """What the manifest ``path`` with the content ``text`` asks for.

    Raises:
        UnreadableManifest: it has not the form that its name promises.
    """
    reader = _reader(path)
    if reader is None:
        return frozenset()
    try:
        return frozenset(reader(text))
    except (ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError, RecursionError) as error:
        raise UnreadableManifest(f"{path} cannot be read: {type(error).__name__}") from None


_Reader = Callable[[str], Iterator[Dependency]]


def _reader(path: str) -> _Reader | None:
    name = PurePosixPath(path).name
    if name in _READERS:
        return _READERS[name]
    folder = PurePosixPath(path).parent.name
    if re.fullmatch(r"([\w.-]*requirements[\w.-]*|constraints[\w.-]*)\.(txt|in)", name):
        return _requirements
    return _requirements if folder == "requirements" and name.endswith((".txt", ".in")) else None


def _python(text: str) -> Dependency:
    requirement = Requirement(text)
    exact = [
        each.version for each in requirement.specifier if each.operator in ("==", "===") and "*" not in each.version
    ]
    return Dependency("PyPI", canonicalize_name(requirement.name), exact[0] if len(exact) == 1 else "")


def _requirements(text: str) -> Iterator[Dependency]:
    for raw in re.sub(r"\\\r?\n", " ", text).splitlines():
        line = re.sub(r"(^|\s)#.*$", "", raw).strip()
        line = re.sub(r"\s--hash[= ]\S+", "", line).strip()
        if not line or (line.startswith("-") and not line.startswith(("-e", "--editable"))):
            continue
        try:
            yield _python(line)
        except InvalidRequirement:
            # A path or an address: nobody can look it up.
            yield Dependency("PyPI", line[:200], "")


def _pyproject(text: str) -> Iterator[Dependency]:
    document = tomllib.loads(text)
    project = document.get("project", {})
    groups = [project.get("dependencies", []), *project.get("optional-dependencies", {}).values()]
    groups += [document.get("build-system", {}).get("requires", []), *document.get("dependency-groups", {}).values()]
    for group in groups:
        for each in group:
            if isinstance(each, str):
                try:
                    yield _python(each)
                except InvalidRequirement as error:
                    raise ValueError from error
    poetry = document.get("tool", {}).get("poetry", {})
    tables = [poetry.get("dependencies", {}), poetry.get("dev-dependencies", {})]
    tables += [group.get("dependencies", {}) for group in poetry.get("group", {}).values()]
    for table in tables:
        yield from (each for each in _table("PyPI", table) if each.name != "python")


def _pipfile(text: str) -> Iterator[Dependency]:
    document = tomllib.loads(text)
    for section in ("packages", "dev-packages"):
        yield from _table("PyPI", document.get(section, {}))


def _table(ecosystem: str, table: dict[str, Any]) -> Iterator[Dependency]:
    for name, wanted in table.items():
        version = wanted.get("version", "") if isinstance(wanted, dict) else wanted
        plain = str(version).removeprefix("==").strip()
        exact = (
            plain if re.fullmatch(r"\d[\w.!+-]*", plain) and (version.startswith("=") or ecosystem != "PyPI") else ""
        )
        # Poetry's bare "1.2.3" is exact, too.
        exact = exact or (plain if re.fullmatch(r"\d+\.\d+[\w.!+-]*", str(version)) else "")
        yield Dependency(ecosystem, canonicalize_name(name) if ecosystem == "PyPI" else name, exact)


def _toml_lock(ecosystem: str) -> _Reader:
    def read(text: str) -> Iterator[Dependency]:
        for package in tomllib.loads(text)["package"]:
            # The project itself has no version to look up, or a source that is no registry.
            name = canonicalize_name(package["name"]) if ecosystem == "PyPI" else package["name"]
            yield Dependency(ecosystem, name, str(package.get("version", "")))

    return read


def _pipfile_lock(text: str) -> Iterator[Dependency]:
    document = json.loads(text)
    for section in ("default", "develop"):
        for name, entry in document.get(section, {}).items():
            yield Dependency("PyPI", canonicalize_name(name), entry.get("version", "").removeprefix("=="))


def _package_lock(text: str) -> Iterator[Dependency]:
    document = json.loads(text)
    for place, entry in document.get("packages", {}).items():
        if place and "version" in entry and not entry.get("link"):
            yield Dependency("npm", entry.get("name") or place.rpartition("node_modules/")[2], entry["version"])
    if "packages" not in document:
        yield from _nested_lock(document.get("dependencies", {}))


def _nested_lock(entries: dict[str, Any]) -> Iterator[Dependency]:
    for name, entry in entries.items():
        yield Dependency("npm", name, entry["version"])
        yield from _nested_lock(entry.get("dependencies", {}))


def _package_json(text: str) -> Iterator[Dependency]:
    document = json.loads(text)
    for section in ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies"):
        for name, wanted in document.get(section, {}).items():
            exact = re.fullmatch(r"=?v?(\d+\.\d+\.\d+[\w.+-]*)", wanted)
            yield Dependency("npm", name, exact[1] if exact else "")


def _yarn_lock(text: str) -> Iterator[Dependency]:
    pattern = re.compile(r'^"?(@?[^@\s",]+)@[^\n]*:\n(?:  [^\n]*\n)*?  version:? "?([^"\s]+)"?', re.MULTILINE)
    found = [Dependency("npm", match[1], match[2]) for match in pattern.finditer(text)]
    if not found and re.search(r"^\S.*:$", text, re.MULTILINE):
        raise ValueError
    yield from (each for each in found if not each.version.startswith("0.0.0-use.local"))


def _pnpm_lock(text: str) -> Iterator[Dependency]:
    for key in yaml.safe_load(text).get("packages") or {}:
        match = re.match(r"^/?(@?[^@(]+?)[@/](\d[^(@/]*)", key)
        if match is None:
            raise ValueError
        yield Dependency("npm", match[1], match[2])


def _go_mod(text: str) -> Iterator[Dependency]:
    for match in re.finditer(r"^\s*(?:require\s+)?([\w.-]+\.[\w.-]+/\S+)\s+v(\S+)", text, re.MULTILINE):
        yield Dependency("Go", match[1], match[2])


def _go_sum(text: str) -> Iterator[Dependency]:
    for line in text.splitlines():
        parts = line.split()
        if len(parts) != 3:
            raise ValueError
        yield Dependency("Go", parts[0], parts[1].removesuffix("/go.mod").removeprefix("v"))


def _gemfile_lock(text: str) -> Iterator[Dependency]:
    found = [
        Dependency("RubyGems", *match) for match in re.findall(r"^    ([\w.-]+) \(([\w.-]+)\)$", text, re.MULTILINE)
    ]
    if not found and "specs:" in text and re.search(r"specs:\n +\w", text):
        raise ValueError
    yield from found


def _composer_lock(text: str) -> Iterator[Dependency]:
    document = json.loads(text)
    for entry in [*document["packages"], *document.get("packages-dev", [])]:
        yield Dependency("Packagist", entry["name"], entry["version"].removeprefix("v"))


_READERS: dict[str, _Reader] = {
    "pyproject.toml": _pyproject,
    "Pipfile": _pipfile,
    "Pipfile.lock": _pipfile_lock,
    "poetry.lock": _toml_lock("PyPI"),
    "uv.lock": _toml_lock("PyPI"),
    "pdm.lock": _toml_lock("PyPI"),
    "Cargo.lock": _toml_lock("crates.io"),
    "package-lock.json": _package_lock,
    "npm-shrinkwrap.json": _package_lock,
    "package.json": _package_json,
    "yarn.lock": _yarn_lock,
    "pnpm-lock.yaml": _pnpm_lock,
    "go.mod": _go_mod,
    "go.sum": _go_sum,
    "Gemfile.lock": _gemfile_lock,
    "composer.lock": _composer_lock,
}
