"""What manifests ask for is read exactly, or said to be unreadable."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotfix.adapters.scanners.manifests import Dependency, UnreadableManifest, dependencies, is_manifest

PINNED = "2.0.1"
MANIFESTS = [
    (
        "requirements.txt",
        "# all\nFlask_Login==2.0.1 ; python_version > '3' \\\n  --hash=sha256:aa\n-r other.txt\n",
        "PyPI",
        "flask-login",
    ),
    ("requirements-dev.in", "flask-login[a,b] == 2.0.1  # why\n", "PyPI", "flask-login"),
    ("requirements/base.txt", "flask-login==2.0.1", "PyPI", "flask-login"),
    ("pyproject.toml", '[project]\ndependencies = ["flask-login==2.0.1"]\n', "PyPI", "flask-login"),
    ("pyproject.toml", '[project.optional-dependencies]\nx = ["flask-login==2.0.1"]\n', "PyPI", "flask-login"),
    (
        "pyproject.toml",
        '[dependency-groups]\nx = ["flask-login==2.0.1", {include-group = "y"}]\n',
        "PyPI",
        "flask-login",
    ),
    ("pyproject.toml", '[tool.poetry.dependencies]\npython = "^3"\nflask-login = "2.0.1"\n', "PyPI", "flask-login"),
    ("poetry.lock", '[[package]]\nname = "Flask-Login"\nversion = "2.0.1"\n', "PyPI", "flask-login"),
    ("uv.lock", 'version = 1\n[[package]]\nname = "flask-login"\nversion = "2.0.1"\n', "PyPI", "flask-login"),
    ("Pipfile.lock", '{"default": {"flask-login": {"version": "==2.0.1"}}}', "PyPI", "flask-login"),
    ("Pipfile", '[packages]\nflask-login = "==2.0.1"\n', "PyPI", "flask-login"),
    (
        "package-lock.json",
        '{"packages": {"": {"version": "1"}, "node_modules/a/node_modules/@x/y": {"version": "2.0.1"}}}',
        "npm",
        "@x/y",
    ),
    ("package-lock.json", '{"dependencies": {"@x/y": {"version": "2.0.1"}}}', "npm", "@x/y"),
    ("package.json", '{"dependencies": {"@x/y": "2.0.1"}}', "npm", "@x/y"),
    ("yarn.lock", '# yarn\n\n"@x/y@^2.0.0", "@x/y@~2":\n  version "2.0.1"\n  resolved "z"\n', "npm", "@x/y"),
    ("pnpm-lock.yaml", "lockfileVersion: '9.0'\npackages:\n  '@x/y@2.0.1':\n    a: b\n", "npm", "@x/y"),
    (
        "go.mod",
        "module a.b/c\n\ngo 1.22\n\nrequire (\n\tgithub.com/x/y v2.0.1 // indirect\n)\n",
        "Go",
        "github.com/x/y",
    ),
    ("go.sum", "github.com/x/y v2.0.1 h1:a=\ngithub.com/x/y v2.0.1/go.mod h1:b=\n", "Go", "github.com/x/y"),
    ("Cargo.lock", '[[package]]\nname = "y"\nversion = "2.0.1"\n', "crates.io", "y"),
    ("Gemfile.lock", "GEM\n  specs:\n    rails (2.0.1)\n      a (>= 1)\n", "RubyGems", "rails"),
    ("composer.lock", '{"packages": [{"name": "x/y", "version": "v2.0.1"}]}', "Packagist", "x/y"),
]


@pytest.mark.parametrize(("path", "text", "ecosystem", "name"), MANIFESTS)
def test_an_exact_version(path: str, text: str, ecosystem: str, name: str) -> None:
    assert is_manifest(f"web/{path}")
    assert dependencies(path, text) == {Dependency(ecosystem, name, PINNED)}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("requirements.txt", "flask>=2\n"),
        ("requirements.txt", "flask==2.*\n"),
        ("requirements.txt", "git+https://host/flask.git@main\n"),
        ("pyproject.toml", '[project]\ndependencies = ["flask~=2.0"]\n'),
        ("pyproject.toml", '[tool.poetry.dependencies]\nflask = "^2.0.1"\n'),
        ("package.json", '{"dependencies": {"flask": "^2.0.1"}}'),
    ],
)
def test_a_range_has_no_version(path: str, text: str) -> None:
    (found,) = dependencies(path, text)
    assert found.version == ""


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("pyproject.toml", "[project\n"),
        ("pyproject.toml", '[project]\ndependencies = ["=="]\n'),
        ("poetry.lock", "version = 1\n"),
        ("package-lock.json", "{"),
        ("package-lock.json", "[]"),
        ("pnpm-lock.yaml", "packages:\n  nonsense: {}\n"),
        ("go.sum", "x\n"),
        ("composer.lock", "{}"),
    ],
)
def test_an_unreadable_one_is_not_an_empty_one(path: str, text: str) -> None:
    with pytest.raises(UnreadableManifest, match=path):
        dependencies(path, text)


def test_other_files_are_none() -> None:
    assert not is_manifest("requirements.md")
    assert not is_manifest("shop/a.py")
    assert dependencies("a.py", "x") == frozenset()


@given(st.sampled_from([path for path, *_ in MANIFESTS]), st.text())
def test_any_text_is_read_or_refused(path: str, text: str) -> None:
    with contextlib.suppress(UnreadableManifest):
        assert isinstance(dependencies(path, text), frozenset)
