"""A change cannot make its own tests pass by their settings without being noticed."""

from __future__ import annotations

import json

import pytest

from hotfix.analysis.test_selection.select import ChangedPath
from hotfix.analysis.test_selection.test_configuration import configuration_changes

PYPROJECT = '[project]\nname = "shop"\n\n[tool.pytest.ini_options]\naddopts = "-ra"\n\n[tool.ruff]\nline-length = 100\n'


def restored(path: str, before: str | None, after: str | None) -> str | None:
    (found,) = configuration_changes([ChangedPath(path, before, after)])
    assert found.problem == ""
    return found.restored


@pytest.mark.parametrize("path", ["pytest.ini", "deep/tox.ini", "jest.config.js", ".rspec"])
def test_a_file_of_settings_is_put_back_as_it_was(path: str) -> None:
    assert restored(path, "[pytest]\n", "[pytest]\naddopts = -k nothing\n") == "[pytest]\n"
    assert restored(path, None, "[pytest]\naddopts = -k nothing\n") is None


def test_of_pyproject_only_the_tests_settings_are_put_back() -> None:
    after = PYPROJECT.replace('"-ra"', '"-k nothing"').replace("100", "120")
    assert restored("pyproject.toml", PYPROJECT, after) == (
        '[project]\nname = "shop"\n\n[tool.ruff]\nline-length = 120\n[tool.pytest.ini_options]\naddopts = "-ra"\n\n'
    )


def test_of_setup_cfg_only_the_tests_settings_are_put_back() -> None:
    before = "[metadata]\nname = shop\n[tool:pytest]\naddopts = -ra\n"
    after = "[metadata]\nname = store\n[tool:pytest]\naddopts = -k nothing\n"
    assert restored("setup.cfg", before, after) == "[metadata]\nname = store\n[tool:pytest]\naddopts = -ra\n"


def test_of_package_json_only_the_tests_settings_are_put_back() -> None:
    before = {"name": "shop", "scripts": {"test": "jest", "build": "x"}, "jest": {"bail": True}}
    after = {"name": "store", "scripts": {"test": "true", "build": "y"}, "jest": {"bail": False}}
    found = restored("package.json", json.dumps(before), json.dumps(after))
    assert found is not None
    assert json.loads(found) == {**before, "name": "store", "scripts": {"test": "jest", "build": "y"}}


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("pyproject.toml", PYPROJECT, PYPROJECT.replace("100", "120")),
        ("package.json", '{"version": "1"}', '{"version": "2"}'),
        ("setup.cfg", "[metadata]\nname = a\n", "[metadata]\nname = b\n"),
        ("shop/pytest_helper.py", "a", "b"),
    ],
)
def test_other_changes_of_the_same_files_are_none_of_the_tests(path: str, before: str, after: str) -> None:
    assert configuration_changes([ChangedPath(path, before, after)]) == ()


@pytest.mark.parametrize(
    ("path", "after"),
    [
        ("pyproject.toml", "not toml ["),
        ("package.json", "{"),
        ("package.json", "[]"),
        ("setup.cfg", "no section\n"),
        ("pyproject.toml", 'x = """\n[tool.pytest.ini_options]\n"""\n' + PYPROJECT.replace('"-ra"', '"-x"')),
    ],
)
def test_what_cannot_be_put_back_for_sure_is_a_problem(path: str, after: str) -> None:
    before = PYPROJECT if path == "pyproject.toml" else "{}" if path == "package.json" else "[metadata]\n"
    (found,) = configuration_changes([ChangedPath(path, before, after)])
    assert path in found.problem


def test_a_conftest_is_code() -> None:
    (found,) = configuration_changes([ChangedPath("tests/conftest.py", "a", "b")])
    assert (found.is_code, found.restored) == (True, "a")
