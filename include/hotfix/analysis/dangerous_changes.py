"""Changes that are dangerous by the file that they touch, whatever is in it, and attempts to steer the scanners."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from hotfix.analysis.changed_file import READ_LIMIT, ChangedFile, Kind, Version
from hotfix.analysis.source_kinds import is_prose
from hotfix.domain.security import Confidence, Finding, FindingMaker, Severity

_SURE, _LIKELY, _GUESS = Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW
_BUILD_NAMES = re.compile(
    r"(^|/)(Dockerfile|Containerfile)(\.[\w.-]+)?$|\.[Dd]ockerfile$|(^|/)(docker-)?compose[\w.-]*\.ya?ml$"
)
_PIPELINES = re.compile(
    r"^\.github/(workflows|actions)/|^\.gitlab-ci\.yml$|^\.gitlab/ci/|^\.circleci/|^azure-pipelines[\w.-]*\.ya?ml$"
    r"|^Jenkinsfile|^bitbucket-pipelines\.yml$|^\.buildkite/|^\.drone\.ya?ml$|^\.travis\.yml$|^\.pre-commit-config\.yaml$"
)
_MIGRATIONS = re.compile(r"(^|/)(migrations|alembic/versions|db/migrate|flyway|liquibase)/")
_LOCK_FILES = re.compile(
    r"(^|/)(poetry\.lock|uv\.lock|pdm\.lock|Pipfile\.lock|package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|"
    r"pnpm-lock\.yaml|bun\.lockb?|go\.sum|Cargo\.lock|Gemfile\.lock|composer\.lock)$"
)
# The manifest that has to change with its lock file.
_MANIFESTS = {
    "poetry.lock": "pyproject.toml", "uv.lock": "pyproject.toml", "pdm.lock": "pyproject.toml",
    "Pipfile.lock": "Pipfile",
    "package-lock.json": "package.json", "npm-shrinkwrap.json": "package.json", "yarn.lock": "package.json",
    "pnpm-lock.yaml": "package.json", "go.sum": "go.mod", "Cargo.lock": "Cargo.toml", "Gemfile.lock": "Gemfile",
    "composer.lock": "composer.json",
}  # fmt: skip
# Manifests that the check against advisories does not read.
_UNREAD_MANIFESTS = re.compile(
    r"(^|/)(build\.gradle(\.kts)?|gradle\.lockfile|pom\.xml|environment\.ya?ml|conda-lock\.yml|setup\.(py|cfg)|[\w.-]+\.csproj|"
    r"packages\.lock\.json|Package\.resolved|mix\.lock|pubspec\.lock|bun\.lockb?)$"
)
_SCANNER_SETTINGS = re.compile(
    r"(^|/)(\.bandit|bandit\.ya?ml|\.?ruff\.toml|\.flake8|\.gitleaks\.toml|\.?gitleaks\.toml|\.gitleaksignore|\.semgrepignore|"
    r"\.opengrepignore|\.semgrep\.ya?ml|\.semgrep/.*|\.snyk|\.trivyignore(\.yaml)?|\.trufflehog[\w-]*|\.secrets\.baseline|"
    r"\.eslintignore|\.checkov\.ya?ml|\.nancy-ignore|osv-scanner\.toml|\.grype\.yaml|sonar-project\.properties|"
    r"\.brakeman\.(ignore|yml)|brakeman\.ignore|\.gosec\.json|\.github/(codeql|dependabot)[\w./-]*)$"
)
_SHARED_SETTINGS = re.compile(r"(^|/)(pyproject\.toml|setup\.cfg|tox\.ini|\.gitattributes)$")
_SHARED_SECTION = re.compile(
    r"tool\.(bandit|ruff|semgrep|gitleaks)|^\s*\[(bandit|flake8)\b|\bnosec\b|per-file-ignores|extend-exclude|"
    r"^\s*(skips|exclude_dirs)\s*=|\s-diff\b|\sbinary\b|linguist-generated"
)
_SUPPRESSION = re.compile(
    r"#\s*nosec\b|#\s*noqa\b(?!:\s*(?!S\d)[A-Z]+\d)|#\s*ruff:\s*noqa|\bnosem(grep)?\b|\bgitleaks:allow\b|"
    r"pragma:\s*allowlist secret|#\s*pylint:\s*disable=.*(exec|eval)|eslint-disable.*(security|no-eval|no-unsanitized)|"
    r"//\s*NOSONAR|//\s*nolint:.*gosec|//\s*#nosec|@SuppressWarnings\(.*(findsecbugs|java:S\d)|\blgtm\s*\[|"
    r"trufflehog:ignore|brakeman:ignore|rubocop:disable\s+Security|codeql\[|//\s*lgtm\b"
)
_DOCKER_RISKS = (
    ("container-privileged", r"\bprivileged:\s*true|--privileged\b|/var/run/docker\.sock|network_mode:\s*['\"]?host|"
     r"cap_add:|--cap-add", Severity.HIGH, _SURE, 250, "the container gets rights over its host"),
    ("container-as-root", r"^\s*USER\s+(root|0)\b", Severity.HIGH, _LIKELY, 250, "the container runs as root"),
    ("download-and-run", r"(curl|wget)\b[^|;&]*\|\s*(sudo\s+)?(ba|z|da)?sh\b|^\s*ADD\s+https?://", Severity.HIGH,
     _LIKELY, 494, "code is downloaded and run without looking at it"),
)  # fmt: skip
_PIPELINE_RISKS = (
    ("pipeline-runs-foreign-code", r"pull_request_target|workflow_run:", Severity.HIGH, _SURE, 829,
     "code of strangers runs with this repository's secrets"),
    ("pipeline-injection", r"\$\{\{\s*github\.(event\.(issue|pull_request|comment|review|head_commit|discussion)[\w.]*"
     r"(title|body|message|name|ref|label)|head_ref)", Severity.HIGH, _SURE, 94,
     "text of strangers is put into a script"),
    ("pipeline-rights", r"permissions:\s*write-all|:\s*write\b", Severity.MEDIUM, _LIKELY, 732,
     "the pipeline gets more rights"),
    ("pipeline-action-not-pinned", r"uses:\s*[\w.-]+/[\w./-]+@(?![0-9a-f]{40}\b)", Severity.LOW, _LIKELY, 829,
     "an action is taken by a name that can move"),
    ("download-and-run", r"(curl|wget)\b[^|;&]*\|\s*(sudo\s+)?(ba|z|da)?sh\b", Severity.HIGH, _LIKELY, 494,
     "code is downloaded and run without looking at it"),
)  # fmt: skip
_EXECUTABLE_MAGIC = (b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"PK\x03\x04", b"!<arch>", b"\0asm")


@dataclass(frozen=True)
class _Note:
    rule: str
    severity: Severity
    confidence: Confidence
    cwe: int
    message: str
    line: int = 1
    content: str = ""


def check(files: Sequence[ChangedFile], maker: FindingMaker) -> list[Finding]:
    """Findings about the files of a change."""
    changed = {file.path for file in files}
    return [
        maker.make(
            note.rule,
            file.path,
            note.line,
            note.content or file.path,
            note.message,
            note.severity,
            note.confidence,
            note.cwe,
        )
        for file in files
        for note in _notes(file, changed)
    ]


def _notes(file: ChangedFile, changed: set[str]) -> Iterator[_Note]:
    yield from _of_place(file, changed)
    yield from _of_form(file)
    yield from _of_lines(file)


def _of_place(file: ChangedFile, changed: set[str]) -> Iterator[_Note]:
    path = file.path
    verb = "is deleted" if file.after is None else "is added" if file.before is None else "is changed"
    if _PIPELINES.search(path):
        yield _Note("pipeline-changed", Severity.MEDIUM, _SURE, 0, f"what the build pipeline runs {verb}")
    if _BUILD_NAMES.search(path):
        yield _Note("image-changed", Severity.MEDIUM, _LIKELY, 0, f"what the service's image is made of {verb}")
    if _MIGRATIONS.search(path) and not path.endswith("/__init__.py"):
        yield _Note("migration-changed", Severity.MEDIUM, _SURE, 0, f"a migration {verb}: it cannot be rolled back")
    if match := _LOCK_FILES.search(path):
        name = match[2]
        manifest = str(PurePosixPath(path).with_name(_MANIFESTS.get(name, name)))
        if manifest not in changed:
            yield _Note("lock-file-alone", Severity.MEDIUM, _LIKELY, 829, f"the lock file {verb} without {manifest}")
    if _UNREAD_MANIFESTS.search(path) and file.after:
        yield _Note(
            "manifest-not-checked", Severity.LOW, _SURE, 1395, f"dependencies in a form that is not read: {verb}"
        )
    if _SCANNER_SETTINGS.search(path):
        yield _Note("scanner-settings-changed", Severity.MEDIUM, _SURE, 693, f"what a scanner leaves out {verb}")
    elif _SHARED_SETTINGS.search(path):
        for number, line in [*file.added_lines, *file.removed_lines]:
            if _SHARED_SECTION.search(line):
                message = "settings of a scanner are changed"
                yield _Note("scanner-settings-changed", Severity.MEDIUM, _LIKELY, 693, message, number, line)
                break


def _of_form(file: ChangedFile) -> Iterator[_Note]:
    before, after = file.before, file.after
    if after is None:
        return
    if after.kind is Kind.LINK:
        if _leads_out(file.path, after):
            yield _Note(
                "link-leads-out", Severity.HIGH, _SURE, 59, "a link leads out of the repository", content=after.text
            )
        else:
            yield _Note("link", Severity.LOW, _SURE, 59, "a link is added or changed", content=after.text)
        return
    if after.kind is Kind.SUBMODULE:
        yield _Note("submodule", Severity.MEDIUM, _SURE, 829, "a submodule's content is not reviewed here")
        return
    if after.executable and not (before and before.executable):
        runs = after.content.startswith(b"#!")
        severity = Severity.LOW if runs else Severity.MEDIUM
        yield _Note("made-executable", severity, _SURE, 732, "the file becomes executable")
    if after.binary and (before is None or before.content != after.content):
        program = after.content.startswith(_EXECUTABLE_MAGIC)
        severity = Severity.HIGH if program else Severity.MEDIUM
        what = "a program or archive" if program else "a binary file"
        yield _Note("binary", severity, _SURE, 506, f"{what} is added or changed that no scanner understands")
    if after.size > READ_LIMIT:
        yield _Note("too-large-to-read", Severity.MEDIUM, _SURE, 0, f"only its first {READ_LIMIT} bytes were looked at")


def _leads_out(path: str, link: Version) -> bool:
    target = PurePosixPath(link.text)
    if target.is_absolute():
        return True
    depth = len(PurePosixPath(path).parts) - 1
    for part in target.parts:
        depth += -1 if part == ".." else 0 if part == "." else 1
        if depth < 0:
            return True
    return False


def _of_lines(file: ChangedFile) -> Iterator[_Note]:
    if is_prose(file):
        return
    for number, line in file.added_lines:
        if _SUPPRESSION.search(line):
            message = "a comment asks scanners to look away; they did not"
            yield _Note("suppression-added", Severity.MEDIUM, _SURE, 693, message, number, line)
    groups = [(_BUILD_NAMES, _DOCKER_RISKS), (_PIPELINES, _PIPELINE_RISKS)]
    for pattern, risks in groups:
        if not pattern.search(file.path):
            continue
        for number, line in file.added_lines:
            if line.lstrip().startswith("#"):
                continue
            for rule, risk, severity, confidence, cwe, message in risks:
                if re.search(risk, line):
                    yield _Note(rule, severity, confidence, cwe, message, number, line)
