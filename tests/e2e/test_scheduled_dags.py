"""The scheduled DAGs, on the ledger that the hotfixes left behind."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from demo.airflow_api import AirflowApi
from demo.airflow_stack import AirflowStack
from demo.play import Played, ledger
from hotfix.domain.follow_up import FollowUpItem, FollowUpKind
from tests.e2e.waiting import wait_for_run

pytestmark = pytest.mark.stack


def test_metrics_count_what_happened(stack: AirflowStack, played: Mapping[str, Future[Played]]) -> None:
    for each in played.values():
        each.result(timeout=1500)
    api = AirflowApi(stack.url, "on-call")
    run = api.trigger("hotfix_metrics", {})
    assert wait_for_run(api, run, "hotfix_metrics") == "success"
    figures = api.xcom("hotfix_metrics", run, "measure_period")
    assert figures["incidents"] >= len(played)
    assert 0 < figures["rollback_rate"] < 1
    assert figures["median_resolution_seconds"] > 0
    page = Path(urlsplit(api.xcom("hotfix_metrics", run, "store_digest")).path)
    assert "median time to resolution" in page.read_text()


def test_compliance_is_red_as_long_as_something_is_overdue(
    stack: AirflowStack, played: Mapping[str, Future[Played]]
) -> None:
    incident = played["fixed"].result(timeout=1500).ending.incident
    api, records = AirflowApi(stack.url, "on-call"), ledger(stack)
    run = api.trigger("hotfix_compliance", {})
    assert wait_for_run(api, run, "hotfix_compliance") == "success"
    yesterday = datetime.now(timezone.utc) - timedelta(days=1)
    late = FollowUpItem(kind=FollowUpKind.CODE_REVIEW, title="Review the hotfix", due_at=yesterday)
    records.owe(incident, (late,))
    run = api.trigger("hotfix_compliance", {})
    assert wait_for_run(api, run, "hotfix_compliance") == "failed"
    assert f"overdue: {incident.id}: Review the hotfix" in api.log("hotfix_compliance", run, "report_overdue")
    records.settle(incident.id, FollowUpKind.CODE_REVIEW, datetime.now(timezone.utc), "reviewed")
    run = api.trigger("hotfix_compliance", {})
    assert wait_for_run(api, run, "hotfix_compliance") == "success"
