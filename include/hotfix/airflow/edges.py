"""Labelled edges between tasks of different groups."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.definitions.xcom_arg import PlainXComArg


def lead(upstream: Any, label: str, downstream: Any) -> None:
    """``upstream >> Label(label) >> downstream``, for tasks in different groups.

    Airflow's own Label replaces a task of another group by its whole group (3.3.2), which would tie a gate's edge to
    the group's last task instead of to the gate.
    """
    source, target = _operator(upstream), _operator(downstream)
    source.set_downstream(target)
    dag = source.dag
    assert dag is not None, "edges are drawn inside a DAG"
    dag.set_edge_info(source.task_id, target.task_id, {"label": label})


def _operator(node: Any) -> BaseOperator:
    operator = node.operator if isinstance(node, PlainXComArg) else node
    assert isinstance(operator, BaseOperator)
    return operator
