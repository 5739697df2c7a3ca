"""The trigger form: few required fields, the rest in sections that one opens when one has more to say."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param

from hotfix.adapters.catalog import YamlCatalog
from hotfix.adapters.installation import catalog_folder
from hotfix.domain.incident import MAX_ATTEMPTS, PATCH_LIMIT, TEXT_LIMIT, ApprovalMode, Criterion

SEEN, WHERE, FIX, HOW = "What you see", "Where to look", "A fix that you have", "How to run"
REF_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$"


def incident_form() -> dict[str, Param]:
    """The params of the emergency hotfix. The schema catches what a schema can; ``open_incident`` checks it all."""
    # An empty enum would refuse every service, so a schema without one stands for an empty catalog.
    services: dict[str, Any] = {"enum": names} if (names := list(YamlCatalog(catalog_folder()).names())) else {}
    return {
        "service": Param(
            type="string",
            title="Service",
            description="The service that is broken. Not in the list? Describe it in the service catalog first.",
            **services,
        ),
        "description": Param(
            type="string",
            title="What is wrong?",
            description="In your own words; the first line becomes the title.",
            minLength=10,
            maxLength=2000,
            format="multiline",
            examples=["Quotes for ten or more pieces fail with 500 since the last release"],
        ),
        "criteria": Param(
            [],
            type="array",
            title="Why is it an emergency?",
            description="Any one suffices. Empty: the live probes decide; otherwise it goes through the standard fix.",
            section=SEEN,
            items={"type": "string", "enum": [criterion.value for criterion in Criterion]},
            examples=[criterion.value for criterion in Criterion],
            values_display={
                Criterion.PRODUCTION_DOWN.value: "Production is down",
                Criterion.DATA_LOSS_RISK.value: "Data may be lost",
                Criterion.SECURITY_BREACH.value: "Security breach",
                Criterion.COMPLIANCE_VIOLATION.value: "Compliance violation",
                Criterion.CRITICAL_BUSINESS_IMPACT.value: "Critical business impact",
            },
        ),
        "failing_request": _optional(
            "Failing request",
            "A GET request (path and query) that fails now. It finds the culprit, proves the fix, and is watched.",
            SEEN,
            pattern=r"^/[A-Za-z0-9\-._~/?&=%+,:@]*$",
            maxLength=500,
            examples=["/api/quote?sku=mug&qty=12"],
        ),
        "stack_trace": _optional(
            "Stack trace", "As in the log, whole.", SEEN, maxLength=TEXT_LIMIT, format="multiline"
        ),
        "started_at": _optional(
            "Since when?",
            "With timezone. Empty: since production's version went live.",
            SEEN,
            format="date-time",
            examples=["2026-01-31T03:12:00+00:00"],
        ),
        "issue": _optional(
            "Issue",
            "Its key names the branch hotfix/<issue>. Empty: a name is made.",
            SEEN,
            pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,59}$",
            examples=["OPS-1423"],
        ),
        "reproducer": _optional(
            "Reproducer",
            "A test that fails now and must pass when it is fixed, in the form that the service's profile runs.",
            WHERE,
            maxLength=TEXT_LIMIT,
            format="multiline",
        ),
        "good": _optional(
            "Last good version",
            "A branch, tag or commit that was healthy. Empty: the release before production's.",
            WHERE,
            pattern=REF_PATTERN,
            examples=["v1.4.0"],
        ),
        "suspected_paths": Param(
            [],
            type="array",
            title="Suspected files or folders",
            description="Relative to the repository's root, one a line.",
            section=WHERE,
            items={"type": "string", "maxLength": 300},
            maxItems=20,
        ),
        "patch": _optional(
            "Patch", "A unified diff, as 'git diff' prints it.", FIX, maxLength=PATCH_LIMIT, format="multiline"
        ),
        "fix_ref": _optional(
            "Branch or commit with the fix",
            "On the service's remote. Its change is applied to what production runs.",
            FIX,
            pattern=REF_PATTERN,
        ),
        "approval": _optional(
            "Approval",
            "Empty: as the service's profile says. silence_approves ships after the window what all gates have proved.",
            HOW,
            enum=[None, *(mode.value for mode in ApprovalMode)],
        ),
        "approval_window": Param(
            300,
            type="integer",
            title="Approval window (seconds)",
            minimum=5,
            maximum=3600,
            section=HOW,
        ),
        "irreversible_change_accepted": Param(
            False,
            type="boolean",
            title="Irreversible changes are accepted",
            description="Migrations and the like, which a rollback cannot undo.",
            section=HOW,
        ),
        "revert_accepted": Param(
            False,
            type="boolean",
            title="Taking the culprit back is accepted",
            description="Also when it looks like a security fix, is older than the service's limit, or enough was "
            "taken back today.",
            section=HOW,
        ),
        "attempt": Param(
            1,
            type="integer",
            title="Attempt",
            description="Set by the workflow when it tries the next candidate.",
            minimum=1,
            maximum=MAX_ATTEMPTS,
            section=HOW,
        ),
        "exclude_candidates": Param(
            [],
            type="array",
            title="Candidates that failed before",
            description="Set by the workflow when it tries the next candidate.",
            section=HOW,
            items={"type": "string"},
        ),
    }


def _optional(title: str, description: str, section: str, **schema: Any) -> Param:
    return Param(None, type=["null", "string"], title=title, description=description, section=section, **schema)
