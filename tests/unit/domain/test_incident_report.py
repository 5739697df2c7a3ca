"""Bad params end before anything is touched, each problem in the reporter's words."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from hotfix.domain.errors import InvalidIncident
from hotfix.domain.incident import PATCH_LIMIT, TEXT_LIMIT, Criterion, IncidentReport, patch_paths

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=timezone.utc)
MINIMAL: dict[str, Any] = {"service": "shop", "description": "Checkout answers 500"}
PATCH = """\
diff --git a/shop/pricing.py b/shop/pricing.py
--- a/shop/pricing.py
+++ b/shop/pricing.py
@@ -1 +1 @@
-a = 1
+a = 2
"""


def parse(**params: Any) -> IncidentReport:
    return IncidentReport.parse({**MINIMAL, **params}, NOW)


def problems(**params: Any) -> tuple[str, ...]:
    with pytest.raises(InvalidIncident) as caught:
        parse(**params)
    assert caught.value.problems
    assert "Nothing was touched" in str(caught.value)
    return caught.value.problems


def patch_of(path: str) -> str:
    return f"--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-a\n+b\n"


def test_service_and_description_suffice() -> None:
    report = parse()
    assert (report.service, report.description) == ("shop", "Checkout answers 500")
    assert (report.approval, report.approval_window, report.attempt, report.patch) == (None, 300, 1, None)


def test_empty_means_not_given() -> None:
    report = parse(issue="", patch=None, stack_trace="", started_at="", criteria=[])
    assert (report.issue, report.patch, report.stack_trace, report.started_at, report.criteria) == (None,) * 4 + ((),)


def test_everything_that_can_be_said() -> None:
    report = parse(
        criteria=["production_down", "data_loss_risk"],
        started_at="2026-03-01T02:00:00+01:00",
        issue="OPS-1423",
        failing_request="/api/quote?sku=mug&qty=12",
        stack_trace='Traceback (most recent call last):\n\tFile "a.py", line 1',
        good="v1.4.0",
        suspected_paths=["shop/pricing.py", "templates/with space.html"],
        patch=PATCH,
        approval="required",
        approval_window=60,
        irreversible_change_accepted=True,
        exclude_candidates=["revert:0123456789ab"],
        attempt=2,
    )
    assert report.criteria == (Criterion.PRODUCTION_DOWN, Criterion.DATA_LOSS_RISK)
    assert report.started_at == datetime(2026, 3, 1, 1, 0, tzinfo=timezone.utc)


def test_unknown_params_are_named_with_the_known_ones() -> None:
    (problem,) = problems(serivce="shop")
    assert problem.startswith("serivce: there is no such param.")
    assert "description" in problem
    assert "fix_ref" in problem


def test_missing_params_are_named() -> None:
    with pytest.raises(InvalidIncident) as caught:
        IncidentReport.parse({}, NOW)
    assert caught.value.problems == ("service: is required", "description: is required")


@pytest.mark.parametrize("service", ["Shop", "shop/../x", "-shop", "a" * 41, "shop\n", "$(id)", "shop;id"])
def test_a_service_name_is_a_slug(service: str) -> None:
    (problem,) = problems(service=service)
    assert problem.startswith("service: ")


@pytest.mark.parametrize("description", ["too short", " " * 50, "\n\n\t  a \n", "x" * 2001, "Checkout is \x1b[31mred"])
def test_a_description_says_something_and_is_text(description: str) -> None:
    (problem,) = problems(description=description)
    assert problem.startswith("description: ")


def test_a_long_input_is_not_repeated_whole() -> None:
    (problem,) = problems(description="x" * 2001)
    assert len(problem) < 300


@pytest.mark.parametrize(
    "name",
    [
        "--upload-pack=id",
        "-v",
        "main..v1",
        "main~1",
        "main^{commit}",
        "HEAD@{1}",
        "a b",
        "a:b",
        "v1;id",
        "$(id)",
        "`id`",
        "x.lock",
        "a//b",
        "a/",
        "a.",
        "v1\n",
        "a\\b",
        "x" * 201,
    ],
)
@pytest.mark.parametrize("param", ["good", "fix_ref"])
def test_a_ref_is_a_name_and_nothing_else(param: str, name: str) -> None:
    (problem,) = problems(**{param: name})
    assert problem.startswith(f"{param}: ")
    assert "is not a branch, tag or commit id" in problem


@pytest.mark.parametrize("name", ["v1.4.0", "feature/fix-1", "a1b2c3d", "release_2026.03"])
def test_ordinary_refs_are_accepted(name: str) -> None:
    assert parse(good=name).good == name


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../secret",
        "shop/../../x",
        "-rf",
        ".git/config",
        "shop;id",
        "$(id)",
        "a\nb",
        "`id`",
        "a|b",
        "x" * 301,
    ],
)
def test_a_suspected_path_stays_in_the_repository(path: str) -> None:
    (problem,) = problems(suspected_paths=["shop/pricing.py", path])
    assert problem.startswith("suspected_paths.1: ")


def test_at_most_twenty_paths_are_suspected() -> None:
    assert problems(suspected_paths=[f"a{number}" for number in range(21)])[0].startswith("suspected_paths: ")


@pytest.mark.parametrize("moment", ["nope", "25:00", "2026-13-01T00:00:00Z", ["2026-01-01"], {"at": 1}, "yesterday"])
def test_a_time_is_a_time(moment: Any) -> None:
    (problem,) = problems(started_at=moment)
    assert problem.startswith("started_at: ")


def test_a_time_needs_its_timezone() -> None:
    assert problems(started_at="2026-03-01T02:00:00") == ("started_at: a time needs its timezone",)


def test_a_time_is_not_in_the_future() -> None:
    (problem,) = problems(started_at=(NOW + timedelta(minutes=6)).isoformat())
    assert "lies in the future" in problem
    assert parse(started_at=(NOW + timedelta(minutes=4)).isoformat()).started_at is not None, "clocks differ a little"


@pytest.mark.parametrize("issue", ["OPS 1", "OPS/1", "../x", "-1", "OPS-1;id", "x" * 61, "OPS-1\n"])
def test_an_issue_can_name_a_branch(issue: str) -> None:
    (problem,) = problems(issue=issue)
    assert problem.startswith("issue: ")


@pytest.mark.parametrize(
    "request_", ["api/quote", "http://evil.example/", "/a b", "/a\r\nHost: x", "/$(id)", "/a;b", "/" * 501]
)
def test_a_failing_request_is_a_path_with_a_query(request_: str) -> None:
    (problem,) = problems(failing_request=request_)
    assert problem.startswith("failing_request: ")


@pytest.mark.parametrize("param", ["stack_trace", "reproducer"])
def test_long_texts_have_a_limit_and_no_control_characters(param: str) -> None:
    assert problems(**{param: "x" * (TEXT_LIMIT + 1)})[0].startswith(f"{param}: ")
    assert "control character" in problems(**{param: "a\x00b"})[0]
    assert parse(**{param: "x" * TEXT_LIMIT}) is not None


@pytest.mark.parametrize(
    ("param", "value"),
    [
        ("criteria", ["because"]),
        ("criteria", "production_down"),
        ("approval", "maybe"),
        ("approval_window", 4),
        ("approval_window", 3601),
        ("approval_window", "soon"),
        ("attempt", 0),
        ("attempt", 3),
        ("irreversible_change_accepted", "perhaps"),
        ("exclude_candidates", ["revert:x; id"]),
    ],
)
def test_every_other_param_has_its_values(param: str, value: Any) -> None:
    (problem,) = problems(**{param: value})
    assert problem.startswith(param)


@pytest.mark.parametrize("patch", ["please fix it", "+++ b/shop/pricing.py\n", "@@ -1 +1 @@\n-a\n+b\n"])
def test_a_patch_is_a_unified_diff(patch: str) -> None:
    assert problems(patch=patch) == ("patch: this is not a unified diff (as 'git diff' prints it)",)


@pytest.mark.parametrize(
    "path", ["../../etc/passwd", "/etc/passwd", ".git/hooks/pre-push", "a/../../b", "a;id", "$(id)"]
)
def test_a_patch_stays_in_the_repository(path: str) -> None:
    (problem,) = problems(patch=patch_of(path))
    assert problem.startswith("patch: ")


def test_a_patch_has_a_size() -> None:
    assert problems(patch=PATCH + "x" * PATCH_LIMIT)[0].startswith("patch: ")


def test_a_patch_or_a_ref_but_not_both() -> None:
    assert problems(patch=PATCH, fix_ref="fix") == ("patch, fix_ref: give one of them, not both",)


def test_the_paths_of_a_patch() -> None:
    created = "--- /dev/null\n+++ b/shop/new file.py\t\n@@ -0,0 +1 @@\n+a\n"
    assert patch_paths(PATCH + created) == ("shop/new file.py", "shop/pricing.py")
    assert patch_paths(PATCH.replace("\n", "\r\n")) == ("shop/pricing.py",)


def test_lines_of_the_change_are_not_paths() -> None:
    """A removed SQL comment reads ``--- …`` in a diff, an added ``++ …`` reads ``+++ …``."""
    patch = (
        "--- a/schema.sql\n+++ b/schema.sql\n@@ -1,2 +1,2 @@\n"
        "--- prices; in cents (drop it?)\n+++ prices; in euro?\n create table price (id int);\n"
    )
    assert patch_paths(patch) == ("schema.sql",)
    assert parse(patch=patch).patch == patch


def test_every_problem_is_reported_at_once() -> None:
    found = problems(description="short", issue="a b", approval_window=1, serivce="x", good="a..b")
    assert {problem.split(":")[0] for problem in found} == {
        "description", "issue", "approval_window", "serivce", "good",
    }  # fmt: skip


def test_problems_between_params_are_reported_with_the_others() -> None:
    """One round of corrections, not two: it is three in the morning."""
    found = problems(
        description="short", started_at=(NOW + timedelta(days=1)).isoformat(), patch="no diff", fix_ref="fix"
    )
    said = " ".join(found)
    assert "description:" in said
    assert "lies in the future" in said
    assert "not a unified diff" in said
    assert "give one of them, not both" in said
