"""What was reported, and the incident that is opened from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from hotfix.domain.document import Artefact, Document, Instant, Sha
from hotfix.domain.errors import InvalidIncident

MAX_ATTEMPTS = 2
PATCH_LIMIT = 200_000
TEXT_LIMIT = 20_000


class Criterion(str, Enum):
    """The five reasons that make an incident an emergency; any one suffices."""

    PRODUCTION_DOWN = "production_down"
    DATA_LOSS_RISK = "data_loss_risk"
    SECURITY_BREACH = "security_breach"
    COMPLIANCE_VIOLATION = "compliance_violation"
    CRITICAL_BUSINESS_IMPACT = "critical_business_impact"


class ApprovalMode(str, Enum):
    """What silence means when the window ends."""

    SILENCE_APPROVES = "silence_approves"
    REQUIRED = "required"
    NOT_REQUIRED = "not_required"


def repository_path(value: str) -> str:
    """``value`` as it is, if it is a path inside a repository; a ``ValueError`` otherwise."""
    if not re.fullmatch(r"[A-Za-z0-9._@+/ -]{1,300}", value):
        raise ValueError(f"{value!r} is not a path: only letters, digits and . _ @ + / - may stand in it")
    if value.startswith(("/", "-")) or ".." in value.split("/") or value.split("/")[0] == ".git":
        raise ValueError(f"{value!r} leaves the repository: give a path relative to its root, without '..'")
    return value


def _one_ref(value: str) -> str:
    # git-check-ref-format(1), narrowed: no revision operators, so that a ref is a name and nothing else.
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}", value) or re.search(r"\.\.|//|\.lock$|/$|\.$", value):
        raise ValueError(f"{value!r} is not a branch, tag or commit id")
    return value


def _no_control_characters(value: str) -> str:
    if found := re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", value):
        raise ValueError(f"the text holds the control character {found.group()!r}")
    return value


def _meaningful(value: str) -> str:
    if len(value.strip()) < 10:
        raise ValueError("say what is wrong in at least ten characters")
    return _no_control_characters(value.strip())


RepositoryPath = Annotated[str, AfterValidator(repository_path)]
# Tags of hotfixes that were taken back: they name no release.
ROLLED_BACK_TAGS = "rolled-back/"
RefName = Annotated[str, AfterValidator(_one_ref)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
IssueName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,59}$")]
LongText = Annotated[str, StringConstraints(max_length=TEXT_LIMIT), AfterValidator(_no_control_characters)]
RequestPath = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9\-._~/?&=%+,:@]*$", max_length=500)]


class IncidentReport(BaseModel):
    """The incident params as the reporter gave them, checked. Empty means not given."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=False)

    service: Slug
    description: Annotated[str, StringConstraints(max_length=2000), AfterValidator(_meaningful)]
    criteria: tuple[Criterion, ...] = ()
    started_at: Instant | None = None
    issue: IssueName | None = None
    failing_request: RequestPath | None = None
    stack_trace: LongText | None = None
    reproducer: LongText | None = None
    good: RefName | None = None
    suspected_paths: tuple[RepositoryPath, ...] = Field(default=(), max_length=20)
    patch: Annotated[str, StringConstraints(max_length=PATCH_LIMIT)] | None = None
    fix_ref: RefName | None = None
    approval: ApprovalMode | None = None
    approval_window: int = Field(default=300, ge=5, le=3600)
    irreversible_change_accepted: bool = False
    revert_accepted: bool = False
    attempt: int = Field(default=1, ge=1, le=MAX_ATTEMPTS)
    exclude_candidates: tuple[Annotated[str, StringConstraints(pattern=r"^[a-z-]+(:[0-9a-f]{8,64})?$")], ...] = ()

    @classmethod
    def parse(cls, params: Mapping[str, Any], now: datetime) -> IncidentReport:
        """Check the raw params of a run.

        Raises:
            InvalidIncident: with every problem found, in the reporter's words.
        """
        given = {key: value for key, value in params.items() if value is not None and value != ""}
        problems = _between_params(given, now)
        try:
            report = cls.model_validate(given)
        except ValidationError as error:
            problems = [*(_in_plain_words(item) for item in error.errors()), *problems]
            raise InvalidIncident(tuple(problems)) from None
        if problems:
            raise InvalidIncident(tuple(problems))
        return report


def _between_params(given: Mapping[str, Any], now: datetime) -> list[str]:
    """What no single field shows. Of the raw values, so that one round of corrections is enough."""
    problems = []
    started_at = _moment(given.get("started_at"))
    if started_at and started_at > now + timedelta(minutes=5):
        problems.append(f"started_at: {started_at.isoformat()} lies in the future")
    if given.get("patch") and given.get("fix_ref"):
        problems.append("patch, fix_ref: give one of them, not both")
    if isinstance(patch := given.get("patch"), str):
        problems += [f"patch: {problem}" for problem in patch_problems(patch)]
    return problems


def _moment(value: Any) -> datetime | None:
    """A time with its timezone; None for what the field's own check refuses."""
    try:
        moment = TypeAdapter(datetime).validate_python(value)
    except ValidationError:
        return None
    return moment if moment.tzinfo else None


def _in_plain_words(item: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in item["loc"])
    match item["type"]:
        case "extra_forbidden":
            known = ", ".join(sorted(IncidentReport.model_fields))
            return f"{where}: there is no such param. Known are: {known}"
        case "missing":
            return f"{where}: is required"
        case "value_error":
            return f"{where}: {item['ctx']['error']}"
        case "string_pattern_mismatch":
            return f"{where}: {item['input']!r:.80} is not allowed here (it must match {item['ctx']['pattern']})"
        case _:
            return f"{where}: {item['msg']} (got {item['input']!r:.80})"


_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_FILE = re.compile(r"(?:\+\+\+|---) (?:[ab]/)?([^\t]+)")


def patch_paths(patch: str) -> tuple[str, ...]:
    """The paths that a unified diff changes, sorted."""
    paths: set[str] = set()
    left = 0
    for line in patch.splitlines():
        # Inside a hunk a line that begins with "--- " is a removed line, not a file: the hunk's counts tell them apart.
        if left > 0:
            left -= {" ": 2, "": 2, "-": 1, "+": 1}.get(line[:1], 0)
        elif hunk := _HUNK.match(line):
            left = sum(int(count or 1) for count in hunk.groups())
        elif header := _FILE.match(line):
            paths.add(header.group(1).strip())
    return tuple(sorted(paths - {"/dev/null"}))


def patch_problems(patch: str) -> list[str]:
    """Why a patch cannot be used; empty when it can, or when there is none."""
    if not patch:
        return []
    paths = patch_paths(patch)
    if not paths or "@@" not in patch:
        return ["this is not a unified diff (as 'git diff' prints it)"]
    problems = []
    for path in paths:
        try:
            repository_path(path)
        except ValueError as error:
            problems.append(str(error))
    return problems


def lock_ref(service: str) -> str:
    """The ref on the service's remote that lets one hotfix a service run."""
    return f"refs/hotfix-locks/{service}"


class Incident(Document):
    """One incident in one attempt to fix it. Everything a later step needs to know of the report."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,60}$")
    attempt: int = Field(ge=1)
    service: str
    title: str
    description: str
    criteria: tuple[Criterion, ...]
    dag_id: str
    run_id: str
    reported_by: str
    opened_at: Instant
    started_at: Instant = Field(
        description="as reported, else when production's version went live, else when the incident was opened"
    )
    production: Sha = Field(description="what production ran when the incident was opened")
    good: Sha | None
    failing_request: str | None
    stack_trace: Artefact | None
    reproducer: Artefact | None
    patch: Artefact | None
    fix_commit: Sha | None
    suspected_paths: tuple[str, ...]
    approval: ApprovalMode
    approval_window: int = Field(description="seconds")
    irreversible_change_accepted: bool
    revert_accepted: bool = Field(default=False, description="also of a security fix, an old commit, or one too many")
    excluded_candidates: tuple[str, ...]

    @property
    def headline(self) -> str:
        return f"opened as {self.id}, production runs {self.production[:12]}"

    @property
    def branch(self) -> str:
        return f"hotfix/{self.id}"

    @property
    def ref_prefix(self) -> str:
        return f"refs/hotfix/{self.id}"

    @property
    def candidate_ref(self) -> str:
        return f"{self.ref_prefix}/candidate-{self.attempt}"

    @property
    def rolled_back_tag(self) -> str:
        """The name of the tag on a hotfix that was published and did not stay."""
        return f"{ROLLED_BACK_TAGS}{self.id}-{self.attempt}"

    @property
    def lock_ref(self) -> str:
        return lock_ref(self.service)

    @property
    def has_reproducer(self) -> bool:
        return self.reproducer is not None or self.failing_request is not None
