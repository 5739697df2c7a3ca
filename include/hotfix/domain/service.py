"""The service profile: everything about a service that nobody should have to type at 3 a.m."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from hotfix.domain.incident import ApprovalMode, RefName, RepositoryPath, RequestPath, Slug, repository_path


def _test_id(value: str) -> str:
    repository_path(value.split("::", 1)[0])
    return value


TestId = Annotated[str, AfterValidator(_test_id)]
Argv = Annotated[tuple[str, ...], Field(min_length=1)]
LoopbackOrUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$")]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Commands(_Section):
    """Commands as argument lists (no shell), run in a checkout of the service with a scrubbed environment.

    Placeholders, each replaced inside one argument: ``{python}`` this package's interpreter, ``{checkout}`` the
    checkout, ``{junit}`` the JUnit XML file to write, ``{reproducer}`` the path of the reproducer test,
    ``{request}`` the failing request. An argument ``{tests}`` becomes one argument a test.
    """

    setup: tuple[Argv, ...] = ()
    test: Argv
    reproduce_test: Argv | None = None
    reproduce_request: Argv | None = None
    environment: dict[str, str] = Field(default_factory=dict)


class Tests(_Section):
    """Where tests are (``paths``), which are critical (paths, or ``path::name``), how long they may take (seconds)."""

    critical: tuple[TestId, ...] = Field(min_length=1)
    paths: tuple[RepositoryPath, ...] = ("tests",)
    reproducer_path: RepositoryPath = "tests/test_hotfix_reproducer.py"
    source_roots: tuple[str, ...] = (".",)
    time_limit: int = Field(default=600, ge=5, le=3600)
    reproducer_time_limit: int = Field(default=120, ge=5, le=1800)


class Policy(_Section):
    """What a hotfix of this service may do without a person saying yes."""

    max_changed_lines: int = Field(default=200, ge=1)
    max_changed_files: int = Field(default=10, ge=1)
    forbidden_paths: tuple[str, ...] = (".github/", ".gitlab-ci.yml", "Dockerfile", ".hotfix.yaml")
    irreversible_paths: tuple[str, ...] = ("migrations/", "alembic/")
    approval: ApprovalMode = ApprovalMode.SILENCE_APPROVES
    allow_not_required: bool = False
    analysis_time_limit: int = Field(default=900, ge=10)


class LocalDeployerProfile(_Section):
    """Release directories on this machine, an atomic ``current`` link, gunicorn upgraded in place."""

    kind: Literal["local"]
    root: str
    pid_file: str
    trial: Argv
    trial_environment: dict[str, str] = Field(default_factory=dict)
    time_limit: int = Field(default=60, ge=5)


class CommandDeployerProfile(_Section):
    """Any deployment tool. Placeholders: ``{version}`` the full SHA, ``{source}`` a checkout of it, ``{python}``.

    ``status`` prints the SHA that is live as its last line; ``history``, if given, one SHA a line, newest first.
    """

    kind: Literal["command"]
    deploy: Argv
    status: Argv
    rollback: Argv
    history: Argv | None = None
    environment: dict[str, str] = Field(default_factory=dict)
    pass_environment: tuple[str, ...] = ()
    time_limit: int = Field(default=300, ge=5)


DeployerProfile = Annotated[LocalDeployerProfile | CommandDeployerProfile, Field(discriminator="kind")]


class Monitoring(_Section):
    """How production is seen: its own requests (``access_log``) and requests that we make (``probes``).

    ``version_path`` answers JSON with the key ``version``. Times in seconds, ``latency_limit_ms`` for the 95th
    percentile. ``access_log`` is a JSON-lines file with the keys t (epoch seconds), path, status, ms.
    """

    url: LoopbackOrUrl
    version_path: RequestPath = "/version"
    probes: tuple[RequestPath, ...] = Field(min_length=1)
    access_log: str | None = None
    window: int = Field(default=60, ge=2, le=3600)
    limit: int = Field(default=300, ge=2, le=7200)
    interval: float = Field(default=1.0, ge=0.1, le=60)
    min_requests: int = Field(default=50, ge=1)
    tolerated_error_rate: float = Field(default=0.01, gt=0, lt=0.5)
    latency_limit_ms: float = Field(default=2000, gt=0)
    baseline: int = Field(default=600, ge=5, description="seconds before the incident")

    @model_validator(mode="after")
    def _limit_covers_window(self) -> Monitoring:
        if self.limit < self.window:
            raise ValueError(f"monitoring.limit ({self.limit} s) must not be below monitoring.window ({self.window} s)")
        return self


class ServiceProfile(_Section):
    name: Slug
    description: str = ""
    repository: Annotated[str, StringConstraints(pattern=r"^(https://|ssh://|git@|file:///)[^\s]+$")]
    default_branch: RefName = "main"
    owners: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    commander: str = ""
    commands: Commands
    tests: Tests
    policy: Policy = Policy()
    deployer: DeployerProfile
    alternative_deployer: DeployerProfile | None = None
    monitoring: Monitoring
