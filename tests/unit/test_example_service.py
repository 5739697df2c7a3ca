"""The example profile is what operators copy: complete, commented, and valid."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel, TypeAdapter

from hotfix.adapters.catalog import YamlCatalog
from hotfix.domain import service
from hotfix.domain.intake import IntakeParams, IntakeRule
from hotfix.domain.service import (
    AnsibleDeployerProfile,
    CommandDeployerProfile,
    DeployerProfile,
    GithubDeployerProfile,
    HaproxyDeployerProfile,
    LocalDeployerProfile,
    ServiceProfile,
)

CATALOG = Path(service.__file__).parents[2] / "services"
EXAMPLE = CATALOG / "_example.yaml"
DEPLOYERS = CATALOG / "_deployers.yaml"
MODELS = (
    ServiceProfile,
    service.Commands,
    service.Tests,
    service.Policy,
    service.SecurityPolicy,
    CommandDeployerProfile,
    LocalDeployerProfile,
    HaproxyDeployerProfile,
    AnsibleDeployerProfile,
    GithubDeployerProfile,
    service.Monitoring,
    service.Prometheus,
    service.FailedRequests,
    service.PrometheusMetric,
    service.JsonLines,
    service.Metric,
    service.Github,
    service.Chat,
    service.Identity,
    IntakeRule,
    IntakeParams,
)
SOURCES = (service.Prometheus, service.JsonLines)


def profile(folder: Path) -> ServiceProfile:
    name = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))["name"]
    (folder / f"{name}.yaml").write_bytes(EXAMPLE.read_bytes())
    return YamlCatalog(folder).profile(name)


def further_deployers() -> list[BaseModel]:
    read = yaml.safe_load(DEPLOYERS.read_text(encoding="utf-8"))
    sections: list[BaseModel] = [TypeAdapter(DeployerProfile).validate_python(section) for section in read.values()]
    assert [section.kind for section in sections] == list(read)
    return sections


def every_line() -> list[str]:
    """Without the headings of the further deployers, which are no keys of a profile."""
    further = (line for line in DEPLOYERS.read_text(encoding="utf-8").splitlines() if line.startswith((" ", "#")))
    return [*EXAMPLE.read_text(encoding="utf-8").splitlines(), *further]


def test_the_example_is_no_service_of_the_catalog():
    assert EXAMPLE.exists()
    assert "_example" not in YamlCatalog(CATALOG).names()


def test_a_copy_of_the_example_is_a_service(tmp_path: Path):
    described = profile(tmp_path)
    assert described.deployer.kind == "command"
    assert described.alternative_deployer is not None
    assert described.alternative_deployer.kind == "local"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_key_is_shown(model: type[BaseModel], tmp_path: Path):
    shown = [profile(tmp_path), *further_deployers()]
    for part in shown:
        for value in dict(part).values():
            within = value if isinstance(value, tuple) else value.values() if isinstance(value, dict) else (value,)
            shown += [each for each in within if isinstance(each, BaseModel)]
    (section,) = (part for part in shown if type(part) is model)
    assert set(model.model_fields) == section.model_fields_set


def test_every_key_has_a_sentence():
    lines = every_line()
    keys = {name for model in MODELS for name in model.model_fields}
    found = [number for number, line in enumerate(lines) if _key(line) in keys]
    assert len(found) == sum(len(model.model_fields) for model in MODELS) - len(SOURCES)
    assert [lines[number] for number in found if not lines[number - 1].lstrip().startswith("# ")] == []


def test_the_defaults_that_it_names_are_the_defaults():
    lines = every_line()
    stated: dict[str, str] = {}
    for above, line in itertools.pairwise(lines):
        if "Default: " in above and ":" in line:
            # The first time_limit is that of the tests, the section checked below.
            stated.setdefault(line.strip().split(":")[0], above.partition("Default: ")[2])
    checked = 0
    for model in (service.Tests, service.Policy, HaproxyDeployerProfile, service.Monitoring):
        for name, field in model.model_fields.items():
            if isinstance(field.default, int | float) and name in stated:
                default = str(field.default).lower().removesuffix(".0")
                assert stated[name].rstrip(".").startswith(default), name
                checked += 1
    assert checked >= 12


def test_required_keys_say_so():
    lines = every_line()
    marked = {
        _key(line) for number, line in enumerate(lines) if _comment_above(lines, number).startswith("# Required.")
    }
    required = {name for model in MODELS for name, field in model.model_fields.items() if field.is_required()}
    assert required - {"kind"} <= marked


def _key(line: str) -> str:
    """The key that a line gives a value, also as the first of a list's item; a kind of source needs no sentence."""
    key = line.strip().removeprefix("- ").split(":")[0]
    return "" if line.strip().startswith("- kind") else key


def _comment_above(lines: list[str], number: int) -> str:
    first = number
    while first and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    return lines[first].strip() if first < number else ""
