"""What a path says about a file: a test, its configuration, dependencies, prose, code of a language."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import PurePosixPath

_PYTHON_TEST = re.compile(r"^(test_.*|.*_test)\.py$", re.DOTALL)
# A name in these forms is a test in the language of its suffix.
_OTHER_TEST = re.compile(
    r"^(.+\.(test|spec)\.[cm]?[jt]sx?|.+(Tests?|IT|Spec)\.(java|kt|scala|groovy|cs|php|swift)|Test[A-Z].*\.(java|kt|php)"
    r"|.+_test\.(go|exs?|cc|cpp|dart)|.+_(spec|test)\.rb|test_.+\.rb)$"
)
_DEPENDENCIES = (
    "requirements*.txt", "requirements*.in", "constraints*.txt", "pyproject.toml", "setup.py", "setup.cfg", "Pipfile",
    "*.lock", "package.json", "package-lock.json", "yarn.lock", "pnpm-lock.yaml", "go.mod", "go.sum", "Gemfile",
    "Cargo.toml", "pom.xml", "build.gradle", "build.gradle.kts", "gradle.properties", "composer.json",
    "environment.yml", "environment.yaml", "*.csproj", "*.gemspec", "Dockerfile",
)  # fmt: skip
_CONFIGURATION = (
    "conftest.py", "pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "tox.ini", "noxfile.py", "jest.config.*",
    "vitest.config.*", "karma.conf.*", ".mocharc*", ".rspec", "spec_helper.rb", "phpunit.xml*", "testng.xml",
)  # fmt: skip
_PROSE = re.compile(
    r"\.(md|rst|adoc)$|^(LICEN[CS]E|COPYING|AUTHORS|CHANGE(S|LOG)|NEWS|HISTORY|CONTRIBUTORS|CODEOWNERS|NOTICE)(\.txt)?$"
    r"|^\.(gitignore|gitattributes|editorconfig|mailmap|pre-commit-config\.yaml|readthedocs\.ya?ml|dockerignore)$",
    re.IGNORECASE,
)
CODE_SUFFIXES = (
    ".py", ".pyi", ".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".java", ".kt", ".kts",
    ".scala", ".groovy", ".go", ".rb", ".rs", ".cs", ".php", ".swift", ".ex", ".exs", ".c", ".h", ".cc",
    ".cpp", ".hpp", ".dart", ".vue", ".svelte",
)  # fmt: skip


class PathKind(str, Enum):
    TEST = "test"
    CONFIGURATION = "configuration"
    DEPENDENCIES = "dependencies"
    PROSE = "prose"
    PYTHON = "python"
    CODE = "code"
    UNKNOWN = "unknown"


def kind_of(path: str) -> PathKind:
    name = PurePosixPath(path)
    if is_test_name(path):
        return PathKind.TEST
    if any(name.match(pattern) for pattern in _CONFIGURATION):
        return PathKind.CONFIGURATION
    if any(name.match(pattern) for pattern in _DEPENDENCIES):
        return PathKind.DEPENDENCIES
    if _PROSE.search(name.name) or name.parts[0] in (".github", ".gitlab"):
        return PathKind.PROSE
    if name.suffix == ".py":
        return PathKind.PYTHON
    return PathKind.CODE if name.suffix in CODE_SUFFIXES else PathKind.UNKNOWN


def is_test_name(path: str) -> bool:
    name = PurePosixPath(path).name
    return bool(_PYTHON_TEST.match(name) or _OTHER_TEST.match(name))


def is_python_test(path: str) -> bool:
    return bool(_PYTHON_TEST.match(PurePosixPath(path).name))
