"""What the production packaging promises; nothing here needs Docker."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker-compose.yaml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, Any] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
AIRFLOW = {name: service for name, service in SERVICES.items() if service["image"].startswith("emergency-hotfix:")}
COMPONENTS = {"airflow-api-server", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer", "airflow-worker"}
# One value everywhere, or tasks, triggers and the api-server do not understand each other.
SHARED = (
    "PYTHONPATH",
    "HOTFIX_HOME",
    "HOTFIX_ARTEFACTS",
    "HOTFIX_BUG_DATABASE",
    "AIRFLOW_CONN_BUG_DATABASE",
    "AIRFLOW__CORE__EXECUTOR",
    "AIRFLOW__CORE__AUTH_MANAGER",
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL",
    "AIRFLOW__CORE__FERNET_KEY",
    "AIRFLOW__API__SECRET_KEY",
    "AIRFLOW__API_AUTH__JWT_SECRET",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
    "AIRFLOW__CELERY__BROKER_URL",
    "AIRFLOW__CELERY__RESULT_BACKEND",
)
SECRETS = {
    "POSTGRES_PASSWORD",
    "BUG_DATABASE_PASSWORD",
    "REDIS_PASSWORD",
    "AIRFLOW_FERNET_KEY",
    "AIRFLOW_JWT_SECRET",
    "AIRFLOW_SECRET_KEY",
    "AIRFLOW_ADMIN_PASSWORD",
}
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(:[-?])?([^}]*)\}")


def test_every_component_of_airflow_is_there():
    assert COMPONENTS | {"airflow-init", "cli"} == set(AIRFLOW)
    assert set(SERVICES) - set(AIRFLOW) == {"postgres", "redis"}


@pytest.mark.parametrize("setting", SHARED)
def test_all_components_share_one_value(setting: str):
    values = {str(service["environment"].get(setting)) for service in AIRFLOW.values()}
    assert len(values) == 1
    assert values != {"None"}


def test_the_values_that_the_workflow_needs():
    environment = SERVICES["airflow-worker"]["environment"]
    assert environment["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"
    assert environment["PYTHONPATH"] == "/opt/airflow/include"
    assert environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://airflow-api-server:8080/execution/"
    assert environment["HOTFIX_BUG_DATABASE"] == environment["AIRFLOW_CONN_BUG_DATABASE"]
    assert environment["AIRFLOW_CONN_BUG_DATABASE"].endswith("@postgres/hotfix")
    assert environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].endswith("@postgres/airflow")


def test_everything_mounted_is_mounted_everywhere():
    mounts = {tuple(service["volumes"]) for service in AIRFLOW.values()}
    assert len(mounts) == 1
    by_target = {mount.rsplit(":/opt/airflow/", 1)[1]: mount for mount in mounts.pop()}
    assert set(by_target) == {"logs", "hotfix", "include/services:ro"}
    assert SERVICES["airflow-worker"]["environment"]["HOTFIX_HOME"] == "/opt/airflow/hotfix"


def test_the_code_is_in_the_image_and_in_nothing_else():
    for folder in ("dags", "plugins", "include"):
        assert f"COPY {folder} /opt/airflow/{folder}\n" in DOCKERFILE
    assert all(service["build"] == "." for service in AIRFLOW.values())


def test_nothing_is_published_beyond_this_machine():
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"airflow-api-server": ["127.0.0.1:${AIRFLOW_PORT:-8080}:8080"]}
    assert not any("network_mode" in service for service in SERVICES.values())


def test_databases_and_broker_are_reached_from_inside_only():
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    for name in ("postgres", "redis"):
        assert SERVICES[name]["networks"] == ["inside"]
    assert "--requirepass" in SERVICES["redis"]["command"]


def test_no_secret_has_a_value_here():
    demanded = {name for name, operator, _ in VARIABLE.findall(TEXT) if operator == ":?"}
    assert demanded == SECRETS
    with_default = {name for name, operator, _ in VARIABLE.findall(TEXT) if operator == ":-"}
    assert not with_default & SECRETS
    for service in SERVICES.values():
        for name, value in service["environment"].items():
            if re.search("PASSWORD|SECRET|FERNET|AUTH$|CONN|BROKER|BACKEND", name):
                bare = VARIABLE.sub("", str(value))
                assert not re.search(r":[^/@]+@", bare.partition("://")[2]), name
                assert "://" in bare or not bare, name


def test_a_missing_secret_is_explained():
    hints = {hint for _, operator, hint in VARIABLE.findall(TEXT) if operator == ":?"}
    assert hints
    assert all(hint.startswith("fill in .env (") for hint in hints)


def test_the_example_environment_knows_every_variable_and_no_secret():
    given = dict(re.findall(r"^([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))
    used = {name for name, _, _ in VARIABLE.findall(TEXT)}
    assert set(given) == used
    assert {name for name in SECRETS if given[name]} == set()
    defaults = {name: hint for name, operator, hint in VARIABLE.findall(TEXT) if operator == ":-"}
    assert {name: given[name] for name in defaults} == defaults


@pytest.mark.parametrize("name", sorted(COMPONENTS | {"postgres", "redis"}))
def test_what_stays_up_is_checked_restarted_and_bounded(name: str):
    service = SERVICES[name]
    assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    assert {"interval", "timeout", "retries", "start_period"} <= set(service["healthcheck"])
    assert service["restart"] == "always"
    assert service["mem_limit"]


def test_airflow_starts_behind_databases_that_are_healthy_and_migrated():
    assert SERVICES["airflow-init"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert SERVICES["airflow-init"]["restart"] == "no"
    script = SERVICES["airflow-init"]["command"][-1]
    assert script.index("airflow db migrate") < script.index("python -m hotfix migrate")
    for name in COMPONENTS:
        waits = {other: how["condition"] for other, how in SERVICES[name]["depends_on"].items()}
        assert waits["postgres"] == waits["redis"] == "service_healthy"
        assert waits["airflow-init"] == "service_completed_successfully"


def test_airflow_runs_without_rights():
    assert AIRFLOW
    for service in AIRFLOW.values():
        assert service["user"] == "50000:0"
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
        assert not service.get("privileged")
    assert re.findall(r"^USER (\w+)$", DOCKERFILE, re.MULTILINE)[-1] == "airflow"


def test_only_the_worker_may_make_namespaces():
    loosened = {name for name, service in AIRFLOW.items() if any("seccomp" in each for each in service["security_opt"])}
    assert loosened == {"airflow-worker"}


def test_the_image_is_the_airflow_that_the_requirements_name():
    (version,) = re.findall(r"^apache-airflow==(\S+)$", (ROOT / "requirements.in").read_text(), re.MULTILINE)
    assert f"FROM apache/airflow:{version}-python3.11\n" in DOCKERFILE
    assert '"apache-airflow==${AIRFLOW_VERSION}" -r /opt/airflow/requirements.in' in DOCKERFILE


def test_only_what_is_named_gets_into_the_image():
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert lines[0] == "*"
    sources = set(re.findall(r"^COPY (\S+) ", DOCKERFILE, re.MULTILINE))
    assert {line[1:] for line in lines if line.startswith("!")} == sources


def test_the_bug_database_is_made_for_its_own_role_without_the_password_in_the_text():
    script = ROOT / "docker/postgres/bug-database.sh"
    assert script.stat().st_mode & 0o111
    text = script.read_text()
    assert "CREATE ROLE hotfix LOGIN PASSWORD :'password'" in text
    assert "OWNER hotfix" in text
    assert "./docker/postgres:/docker-entrypoint-initdb.d:ro" in SERVICES["postgres"]["volumes"]
    assert SERVICES["postgres"]["environment"]["BUG_DATABASE_PASSWORD"] == "${BUG_DATABASE_PASSWORD}"
