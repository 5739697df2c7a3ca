"""The service profile: everything about a service that nobody should have to type at 3 a.m."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from hotfix.domain.incident import ApprovalMode, RefName, RepositoryPath, RequestPath, Slug, repository_path
from hotfix.domain.intake import IntakeRule
from hotfix.domain.security import Severity


def _test_id(value: str) -> str:
    repository_path(value.split("::", 1)[0])
    return value


TestId = Annotated[str, AfterValidator(_test_id)]
Query = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
Argv = Annotated[tuple[str, ...], Field(min_length=1)]
AbsolutePath = Annotated[str, StringConstraints(pattern=r"^/[^\x00]*$")]
# In the clear only on this machine.
GitAddress = Annotated[
    str, StringConstraints(pattern=r"^(https://|http://(localhost|127\.0\.0\.1)(:\d+)?/|ssh://|git@|file:///)[^\s]+$")
]
LoopbackOrUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$")]


# What the judge calls the metrics that every service has.
_JUDGED_ALWAYS = frozenset({"error rate", "slow requests", "latency"})


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Commands(_Section):
    """Commands as argument lists (no shell), run in a checkout of the service with a scrubbed environment.

    Placeholders, each replaced inside one argument: ``{python}`` this package's interpreter, ``{checkout}`` the
    checkout, ``{junit}`` the JUnit XML file to write, ``{reproducer}`` the path of the reproducer test,
    ``{request}`` the failing request, ``{environment}`` the folder that ``environment_setup`` has made.
    An argument ``{tests}`` becomes one argument a test.

    ``setup`` runs in every checkout; ``environment_setup`` once for all versions with the same ``dependency_files``
    (glob patterns; by default the usual ones of each language).
    """

    setup: tuple[Argv, ...] = ()
    environment_setup: tuple[Argv, ...] = ()
    dependency_files: tuple[str, ...] = ()
    test: Argv
    reproduce_test: Argv | None = None
    reproduce_request: Argv | None = None
    environment: dict[str, str] = Field(default_factory=dict)

    @property
    def tests_with_pytest(self) -> bool:
        """Whether the test command is pytest, which takes single functions and settings on its command line."""
        return any(PurePath(argument).name in ("pytest", "py.test") for argument in self.test)


class Tests(_Section):
    """Where tests are (``paths``), which are critical, how long they may take (seconds).

    ``critical``: paths or ``path::name``; ``critical_markers``: names of pytest markers. ``smoke``: what runs beside
    them when dependencies change (default: few files that import much). ``budget``: for all that runs on one version.
    ``maps``: a folder with what each test of a version executes, ``<version>.json`` (see ``map-tests``).
    ``parallel``: pytest runs tests beside each other where pytest-xdist is installed. ``time_limit``: for one command.
    """

    critical: tuple[TestId, ...] = ()
    critical_markers: tuple[Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], ...] = ()
    smoke: tuple[TestId, ...] = ()
    budget: int = Field(default=600, ge=5, le=7200)
    maps: AbsolutePath | None = None
    parallel: bool = True
    paths: tuple[RepositoryPath, ...] = ("tests",)
    reproducer_path: RepositoryPath = "tests/test_hotfix_reproducer.py"
    source_roots: tuple[str, ...] = (".",)
    time_limit: int = Field(default=600, ge=5, le=3600)
    reproducer_time_limit: int = Field(default=120, ge=5, le=1800)

    @model_validator(mode="after")
    def _something_is_critical(self) -> Tests:
        if not self.critical and not self.critical_markers:
            raise ValueError("tests.critical and tests.critical_markers are both empty: name a test that must pass")
        return self


class SecurityPolicy(_Section):
    """What the security review of a change does with its findings.

    A finding blocks from ``block_from`` on, with high confidence from ``block_confident_from`` on, and as a live secret
    if ``block_secrets``; rules in ``carry`` block nothing but as secrets. A scanner in ``optional_scanners`` may fail.
    ``time_limit`` is for the whole review, in seconds.
    """

    block_from: Severity = Severity.CRITICAL
    block_confident_from: Severity = Severity.HIGH
    block_secrets: bool = True
    carry: tuple[str, ...] = ()
    optional_scanners: tuple[str, ...] = ()
    time_limit: int = Field(default=120, ge=5, le=1800)


class Policy(_Section):
    """What a hotfix of this service may do without a person saying yes."""

    max_changed_lines: int = Field(default=200, ge=1)
    max_changed_files: int = Field(default=10, ge=1)
    forbidden_paths: tuple[str, ...] = (".github/", ".gitlab-ci.yml", "Dockerfile", ".hotfix.yaml")
    irreversible_paths: tuple[str, ...] = ("migrations/", "alembic/")
    approval: ApprovalMode = ApprovalMode.SILENCE_APPROVES
    allow_not_required: bool = False
    approvals_needed: int = Field(default=1, ge=1, le=2, description="different people; with two, silence is no yes")
    analysis_time_limit: int = Field(default=900, ge=10)
    minimal_fix_runs: int = Field(default=60, ge=1, description="of the reproducer, to make the revert smaller")
    max_revert_age_days: int = Field(default=365, ge=1, description="between the culprit and production's version")
    max_reverts_per_day: int = Field(default=5, ge=0, description="that nobody accepted beforehand")
    security: SecurityPolicy = SecurityPolicy()


class LocalDeployerProfile(_Section):
    """Release directories on this machine, an atomic ``current`` link, gunicorn upgraded in place."""

    kind: Literal["local"]
    root: str
    pid_file: str
    trial: Argv
    trial_environment: dict[str, str] = Field(default_factory=dict)
    time_limit: int = Field(default=60, ge=5)


class HaproxyDeployerProfile(_Section):
    """Two servers of release directories on this machine behind haproxy, switched by its runtime socket.

    ``slots``: the two server names of ``backend`` with their ``address:port``. ``start`` runs the server of a slot in
    the foreground, or returns once a service manager has it, which ``stop`` then ends. Placeholders: ``{python}``,
    ``{slot}``, ``{release}``, ``{address}``, ``{port}``. ``canary``: percent of the requests for the new version, step
    by step, each ``step_seconds`` long. Seconds: ``drain`` for the requests of the old version, ``time_limit`` for each
    step of a deployment.
    """

    kind: Literal["haproxy"]
    root: str
    socket: str
    backend: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]+$")]
    slots: dict[
        Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+$")],
        Annotated[str, StringConstraints(pattern=r"^[^\s/]+:[0-9]{1,5}$")],
    ] = Field(min_length=2, max_length=2)
    start: Argv
    stop: Argv | None = None
    environment: dict[str, str] = Field(default_factory=dict)
    canary: tuple[Annotated[int, Field(ge=1, le=99)], ...] = (10, 50)
    step_seconds: float = Field(default=5, ge=0.1, le=600)
    tolerated_failures: float = Field(default=0.05, ge=0, lt=1)
    drain: int = Field(default=30, ge=1, le=3600)
    state_file: str | None = None
    time_limit: int = Field(default=60, ge=5)


class AnsibleDeployerProfile(_Section):
    """A playbook over ssh, such as ``include/playbooks/deploy.yml``; its head says which variables it is given.

    ``connection``: the Airflow Connection with the user (login) and, in its extra, ``key_file`` or ``agent``; without
    it ssh is used as the worker's user would. ``known_hosts``: a file with the hosts' keys, by default ssh's own.
    ``time_limit`` (seconds) for one run of the playbook.
    """

    kind: Literal["ansible"]
    playbook: AbsolutePath
    inventory: AbsolutePath
    connection: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+$")] | None = None
    known_hosts: AbsolutePath | None = None
    variables: dict[str, str] = Field(default_factory=dict)
    time_limit: int = Field(default=300, ge=5)


class CommandDeployerProfile(_Section):
    """Any deployment tool. Placeholders: ``{version}`` the full SHA, ``{source}`` a checkout of it, ``{python}``.

    ``status`` prints the SHA that is live as its last line; ``history`` one SHA a line, newest first. ``progress``
    prints as its last line what becomes of ``{version}``: running, succeeded, failed or none. ``can_restore`` ends with
    0 when ``{version}`` can be brought back; without it ``history`` tells, and without both nothing can.
    """

    kind: Literal["command"]
    deploy: Argv
    status: Argv
    rollback: Argv
    history: Argv | None = None
    progress: Argv | None = None
    can_restore: Argv | None = None
    environment: dict[str, str] = Field(default_factory=dict)
    pass_environment: tuple[str, ...] = ()
    time_limit: int = Field(default=300, ge=5)


class GithubDeployerProfile(_Section):
    """GitHub's deployments to ``github.environment``, done by whoever listens to them, or by a ``workflow``.

    ``workflow`` is the file name of a workflow with the inputs ``version`` (the full SHA), ``environment`` and
    ``request``, whose ``run-name`` holds ``${{ inputs.request }}``; without it something else deploys and posts the
    statuses. ``time_limit`` and ``interval`` (between two looks) are seconds.
    """

    kind: Literal["github"]
    workflow: Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9._-]+\.ya?ml)?$")] = ""
    time_limit: int = Field(default=900, ge=5, le=7200)
    interval: float = Field(default=5.0, ge=0.05, le=60)


DeployerProfile = Annotated[
    LocalDeployerProfile
    | HaproxyDeployerProfile
    | AnsibleDeployerProfile
    | CommandDeployerProfile
    | GithubDeployerProfile,
    Field(discriminator="kind"),
]


class Metric(_Section):
    """A figure of the service beside requests and latency, compared with what it was before the incident.

    ``worse``: which side is bad. ``tolerated``: times the baseline; a difference below ``noticeable`` (in the metric's
    unit) does not count. With a ``limit`` that is what it is compared with. A ``critical`` metric decides alone.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_. -]{0,59}$")]
    critical: bool = False
    worse: Literal["above", "below"] = "above"
    tolerated: float = Field(default=1.5, ge=1, le=1000)
    noticeable: float = Field(default=0, ge=0)
    limit: float | None = None


class PrometheusMetric(Metric):
    """``query``: PromQL with one series as its result."""

    query: Query


class JsonLines(_Section):
    """Lines of JSON, from a ``file`` on the worker or printed by a ``command``; placeholders ``{since}``, ``{until}``.

    ``requests``: whether the lines tell of requests, else of ``metrics`` alone.
    """

    kind: Literal["json_lines"]
    file: str | None = None
    command: Argv | None = None
    environment: dict[str, str] = Field(default_factory=dict)
    pass_environment: tuple[str, ...] = ()
    requests: bool = True
    metrics: tuple[Metric, ...] = ()
    step: float = Field(default=1, ge=1, le=3600, description="seconds between two lines of a metric")
    time_limit: int = Field(default=20, ge=1, le=300)

    @model_validator(mode="after")
    def _one_of_both(self) -> JsonLines:
        if (self.file is None) == (self.command is None):
            raise ValueError("a source of kind json_lines has either a file or a command")
        if self.file is not None and (self.environment or self.pass_environment):
            raise ValueError("environment and pass_environment are for a command")
        return self


class FailedRequests(_Section):
    """Which of the series of requests count failed ones: whose ``label`` matches ``values``, a regular expression."""

    label: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = "code"
    values: str = "5.."

    @field_validator("values")
    @classmethod
    def _is_a_pattern(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"no regular expression: {error}") from None
        return value


class Prometheus(_Section):
    """A Prometheus server, or anything that speaks its HTTP API.

    ``connection``: id of the Airflow Connection with login and password, or with a password alone (a bearer token).
    ``requests``: a counter of requests; ``failed``: which of its series are failures, or ``errors``: a counter of them.
    ``latency_buckets``: the buckets of a histogram, in seconds. ``step``: seconds, at least the scrape interval.
    """

    kind: Literal["prometheus"]
    url: LoopbackOrUrl
    connection: Annotated[str, StringConstraints(pattern=r"^[\w.-]+$")] | None = None
    ca_file: str | None = None
    requests: Query | None = None
    failed: FailedRequests = FailedRequests()
    errors: Query | None = None
    latency_buckets: Query | None = None
    metrics: tuple[PrometheusMetric, ...] = ()
    step: float = Field(default=15, ge=1, le=3600)
    time_limit: int = Field(default=20, ge=1, le=300)

    @model_validator(mode="after")
    def _has_something_to_ask(self) -> Prometheus:
        if self.requests is None and not self.metrics:
            raise ValueError("a source of kind prometheus has requests or metrics")
        if self.requests is None and (self.errors or self.latency_buckets):
            raise ValueError("errors and latency_buckets go with requests")
        if "@" in self.url.split("//", 1)[1].split("/", 1)[0]:
            raise ValueError("no credentials in the url: name an Airflow Connection")
        if self.connection and not re.match(r"https://|http://(127\.|localhost[:/]|localhost$|\[::1\])", self.url):
            raise ValueError("a password travels by https:// only")
        return self


MonitoringSource = Annotated[JsonLines | Prometheus, Field(discriminator="kind")]


class Monitoring(_Section):
    """How production is seen: its own requests (``sources``) and requests that we make (``probes``).

    ``version_path`` answers JSON with the key ``version``. Times in seconds, ``latency_limit_ms`` for the 95th
    percentile. ``tolerated_slowdown`` is times the baseline's latency; what is slower by less than ``noticeable_ms``
    does not count. ``access_log`` is short for a source of kind ``json_lines`` with this file.
    """

    url: LoopbackOrUrl
    version_path: RequestPath = "/version"
    probes: tuple[RequestPath, ...] = Field(min_length=1)
    access_log: str | None = None
    sources: tuple[MonitoringSource, ...] = ()
    window: int = Field(default=60, ge=2, le=3600)
    limit: int = Field(default=300, ge=2, le=7200)
    interval: float = Field(default=1.0, ge=0.1, le=60)
    min_requests: int = Field(default=50, ge=1)
    tolerated_error_rate: float = Field(default=0.01, gt=0, lt=0.5)
    latency_limit_ms: float = Field(default=2000, gt=0)
    tolerated_slowdown: float = Field(default=1.5, ge=1, le=100)
    noticeable_ms: float = Field(default=20, ge=0)
    baseline: int = Field(default=600, ge=5, description="seconds before the incident")

    @model_validator(mode="after")
    def _limit_covers_window(self) -> Monitoring:
        if self.limit < self.window:
            raise ValueError(f"monitoring.limit ({self.limit} s) must not be below monitoring.window ({self.window} s)")
        return self

    @model_validator(mode="after")
    def _nothing_is_told_twice(self) -> Monitoring:
        if len([source for source in self.all_sources if source.requests]) > 1:
            raise ValueError(
                "several sources tell of requests, and would count them twice: let one of them "
                "(json_lines: requests: false; prometheus: an error rate as a metric)"
            )
        names = [metric.name for metric in self.metrics]
        if twice := sorted({name for name in names if names.count(name) > 1} | _JUDGED_ALWAYS.intersection(names)):
            raise ValueError(f"two metrics have the name {', '.join(twice)}")
        return self

    @property
    def all_sources(self) -> tuple[JsonLines | Prometheus, ...]:
        log = (JsonLines(kind="json_lines", file=self.access_log),) if self.access_log else ()
        return (*log, *self.sources)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The further metrics of all sources."""
        return tuple(metric for source in self.all_sources for metric in source.metrics)

    @property
    def step(self) -> float:
        """Seconds that the slowest source takes from one figure to the next."""
        return max((source.step for source in self.all_sources), default=1.0)


class Github(_Section):
    """What is shown on GitHub, where an Airflow Connection for it is configured.

    ``repository``: owner/name, by default taken from the address of the service's repository. ``labels`` are for the
    incident's issue, ``pull_labels`` and ``reviewers`` (logins, teams as org/team) for the follow-up. ``patience`` is
    how many seconds one step may lose to a GitHub that does not answer.
    """

    enabled: bool = True
    connection: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+$")] = "github_default"
    repository: Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9._-]+/[A-Za-z0-9._-]+)?$")] = ""
    environment: Annotated[str, StringConstraints(min_length=1, max_length=255)] = "production"
    labels: tuple[str, ...] = ("incident",)
    pull_labels: tuple[str, ...] = ("hotfix-follow-up",)
    reviewers: tuple[str, ...] = ()
    record_deployments: bool = True
    review_pull: bool = Field(default=True, description="a draft pull request to review while approval is awaited")
    releases: bool = True
    upload_sarif: bool = True
    patience: int = Field(default=30, ge=0, le=300)


class Chat(_Section):
    """Where people are told. ``channel`` is a Slack channel id, ``on_call_group`` a Slack user group id."""

    channel: Annotated[str, StringConstraints(pattern=r"^[CG][A-Z0-9]{2,20}$")]
    on_call_group: Annotated[str, StringConstraints(pattern=r"^S[A-Z0-9]{2,20}$")] | None = None


class Identity(_Section):
    """Who a person is elsewhere: a Slack member id (not the name, which anybody can change), a GitHub login."""

    slack: Annotated[str, StringConstraints(pattern=r"^[UW][A-Z0-9]{2,20}$")] | None = None
    github: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,38}$")] | None = None


class ServiceProfile(_Section):
    name: Slug
    description: str = ""
    repository: GitAddress
    default_branch: RefName = "main"
    owners: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    commander: str = ""
    chat: Chat | None = None
    identities: dict[str, Identity] = Field(default_factory=dict, description="by user name in Airflow")
    commands: Commands
    tests: Tests
    policy: Policy = Policy()
    deployer: DeployerProfile
    alternative_deployer: DeployerProfile | None = None
    monitoring: Monitoring
    github: Github = Github()
    intake: tuple[IntakeRule, ...] = ()

    @model_validator(mode="after")
    def _approval_is_possible(self) -> ServiceProfile:
        needed = self.policy.approvals_needed
        if needed > 1 and self.policy.allow_not_required:
            raise ValueError("policy.approvals_needed is 2 and policy.allow_not_required is on: choose one of them")
        if self.approvers and len(set(self.approvers)) < needed:
            raise ValueError(f"policy.approvals_needed is {needed}, and approvers names {len(set(self.approvers))}")
        return self

    @model_validator(mode="after")
    def _an_account_is_one_person(self) -> ServiceProfile:
        for channel in ("slack", "github"):
            accounts = [str(value).lower() for each in self.identities.values() if (value := getattr(each, channel))]
            if twice := sorted({account for account in accounts if accounts.count(account) > 1}):
                raise ValueError(f"identities: the {channel} account {twice[0]!r} belongs to more than one person")
        return self

    def person(self, channel: Literal["slack", "github"], account: str) -> str:
        """The Airflow user behind an account; empty when the profile knows nobody with it."""
        for name, identity in self.identities.items():
            known = getattr(identity, channel)
            if known and known.lower() == account.lower():
                return name
        return ""
