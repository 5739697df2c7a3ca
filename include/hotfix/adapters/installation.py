"""Where this installation keeps things, by environment variables with defaults."""

from __future__ import annotations

import os
from pathlib import Path

_INCLUDE = Path(__file__).resolve().parents[2]


def home() -> Path:
    """``HOTFIX_HOME``: mirrors and, by default, the bug database and the artefacts. One a worker is enough."""
    default = Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser() / "hotfix"
    folder = Path(os.environ.get("HOTFIX_HOME", default))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def catalog_folder() -> Path:
    """``HOTFIX_SERVICES``: the service profiles; by default ``include/services`` of this package."""
    return Path(os.environ.get("HOTFIX_SERVICES", _INCLUDE / "services"))


def artefact_root() -> str:
    """``HOTFIX_ARTEFACTS``: any object storage URL; by default a folder of ``HOTFIX_HOME``."""
    return os.environ.get("HOTFIX_ARTEFACTS") or (home() / "artefacts").as_uri()


def default_bug_database_url() -> str:
    """``HOTFIX_BUG_DATABASE``: any SQLAlchemy URL; by default SQLite in ``HOTFIX_HOME``."""
    return os.environ.get("HOTFIX_BUG_DATABASE") or f"sqlite:///{home() / 'bugs.db'}"


def osv_address() -> str:
    """``HOTFIX_OSV``: where OSV's API answers; by default the public one."""
    return os.environ.get("HOTFIX_OSV") or "https://api.osv.dev"
