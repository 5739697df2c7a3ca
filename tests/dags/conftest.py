"""The DAGs as Airflow's own loader sees them, with a catalog of one service."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

# Airflow writes its configuration where this points, when it is imported first.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="airflow-home-"))

import pytest

DAGS = Path(__file__).resolve().parents[2] / "dags"


@pytest.fixture(scope="session")
def dags(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """DAG id to DAG. A missing folder gives no errors and no DAGs: both are checked."""
    from airflow.dag_processing.dagbag import DagBag

    services = tmp_path_factory.mktemp("services")
    (services / "shop.yaml").write_text("name: shop\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOTFIX_SERVICES", str(services))
        patch.setenv("HOTFIX_HOME", str(tmp_path_factory.mktemp("hotfix-home")))
        bag = DagBag(str(DAGS))
    assert bag.import_errors == {}
    assert bag.dags, "the loader found something"
    return dict(bag.dags)


@pytest.fixture(scope="session")
def hotfix(dags: dict[str, Any]) -> Any:
    return dags["emergency_hotfix"]
