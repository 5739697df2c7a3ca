"""Who may read the console: whoever may read the runs of ``emergency_hotfix`` in Airflow."""

from __future__ import annotations

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import requires_access_dag

DAG_ID = "emergency_hotfix"

# A FastAPI dependency: 401 without a valid login (header or cookie of Airflow), 403 without the right.
may_read = requires_access_dag(method="GET", access_entity=DagAccessEntity.RUN, param_dag_id=DAG_ID)
