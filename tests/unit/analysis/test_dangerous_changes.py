"""Files that are dangerous to change, and attempts to steer the scanners, are told."""

from __future__ import annotations

import pytest

from hotfix.analysis.changed_file import ChangedFile, Kind, Version
from hotfix.analysis.dangerous_changes import check
from hotfix.domain.security import FindingMaker, Severity


def version(content: str | bytes, kind: Kind = Kind.FILE, executable: bool = False) -> Version:
    raw = content if isinstance(content, bytes) else content.encode()
    return Version(kind, raw, len(raw), executable)


def found(path: str, after: Version | None, before: Version | None = None) -> dict[str, Severity]:
    findings = check([ChangedFile(path, before, after)], FindingMaker("dangerous-changes"))
    return {finding.rule: finding.severity for finding in findings}


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        (".github/workflows/test.yml", "pipeline-changed"),
        (".gitlab-ci.yml", "pipeline-changed"),
        ("Jenkinsfile", "pipeline-changed"),
        ("Dockerfile", "image-changed"),
        ("docker/web.Dockerfile", "image-changed"),
        ("docker-compose.yaml", "image-changed"),
        ("shop/migrations/0002_price.py", "migration-changed"),
        ("poetry.lock", "lock-file-alone"),
        ("web/package-lock.json", "lock-file-alone"),
        ("build.gradle", "manifest-not-checked"),
        (".bandit", "scanner-settings-changed"),
        (".gitleaks.toml", "scanner-settings-changed"),
        (".gitleaksignore", "scanner-settings-changed"),
        (".semgrepignore", "scanner-settings-changed"),
        ("pkg/ruff.toml", "scanner-settings-changed"),
    ],
)
def test_a_file_by_its_place(path: str, rule: str) -> None:
    assert rule in found(path, version("x\n"))
    assert rule not in found(f"docs/about-{path.rsplit('/', 1)[-1]}.md", version("x\n"))


def test_deleting_a_pipeline_is_told_too() -> None:
    assert "pipeline-changed" in found(".github/workflows/security.yml", None, version("x\n"))


def test_a_lock_file_with_its_manifest_is_ordinary() -> None:
    files = [ChangedFile(path, version("a"), version("b")) for path in ("poetry.lock", "pyproject.toml")]
    assert check(files, FindingMaker("x")) == []


def test_settings_of_scanners_in_shared_files() -> None:
    before = "[project]\nname = 'a'\n"
    assert "scanner-settings-changed" in found(
        "pyproject.toml", version(before + "[tool.bandit]\nskips = ['B602']\n"), version(before)
    )
    assert found("pyproject.toml", version(before + "version = '1'\n"), version(before)) == {}
    assert "scanner-settings-changed" in found(".gitattributes", version("*.py -diff\n"))


@pytest.mark.parametrize(
    "comment",
    ["# nosec", "# nosec B602", "# noqa", "# noqa: S602", "# ruff: noqa", "# nosem", "# nosemgrep: rule",
     "# gitleaks:allow", "// NOSONAR", "//nolint:gosec // nolint:gosec", "/* eslint-disable security/detect-eval */",
     "# pragma: allowlist secret", "# rubocop:disable Security/Eval", "// #nosec"],
)  # fmt: skip
def test_a_comment_that_asks_to_look_away(comment: str) -> None:
    assert "suppression-added" in found("a.py", version(f"x = 1  {comment}\n"), version("x = 1\n"))
    assert found("a.py", version(f"y\nx  {comment}\n"), version(f"x  {comment}\n")) == {}, "it was there before"


@pytest.mark.parametrize("comment", ["# noqa: E501", "# type: ignore", "# nosy", "// eslint-disable no-console"])
def test_other_comments_are_ordinary(comment: str) -> None:
    assert found("a.py", version(f"x = 1  {comment}\n"), version("x = 1\n")) == {}


@pytest.mark.parametrize(
    ("path", "target", "rule"),
    [
        ("a", "/etc/passwd", "link-leads-out"),
        ("a", "../b", "link-leads-out"),
        ("a/b", "../c", "link"),
        ("a/b", "../../c", "link-leads-out"),
        ("a/b", "x/../../../c", "link-leads-out"),
        ("a", "b", "link"),
    ],
)
def test_links(path: str, target: str, rule: str) -> None:
    assert set(found(path, version(target, Kind.LINK))) == {rule}


def test_forms() -> None:
    assert set(found("x", version("", Kind.SUBMODULE))) == {"submodule"}
    assert found("x.bin", version(b"\x7fELF\0\0")) == {"binary": Severity.HIGH}
    assert found("x.png", version(b"\x89PNG\0\0")) == {"binary": Severity.MEDIUM}
    assert found("run.sh", version("#!/bin/sh\n", executable=True), version("#!/bin/sh\n")) == {
        "made-executable": Severity.LOW
    }
    assert found("run", version("x\n", executable=True), version("x\n")) == {"made-executable": Severity.MEDIUM}
    assert found("run", version("x\n", executable=True), version("y\n", executable=True)) == {}


def test_lines_of_images_and_pipelines() -> None:
    assert "download-and-run" in found("Dockerfile", version("RUN curl https://a.b/c | sh\n"))
    assert "container-as-root" in found("Dockerfile", version("FROM a\nUSER root\n"))
    assert "container-privileged" in found("compose.yaml", version("privileged: true\n"))
    workflow = "on: pull_request_target\nrun: echo ${{ github.event.issue.title }}\nuses: a/b@main\n"
    assert {"pipeline-runs-foreign-code", "pipeline-injection", "pipeline-action-not-pinned"} <= set(
        found(".github/workflows/a.yml", version(workflow))
    )
