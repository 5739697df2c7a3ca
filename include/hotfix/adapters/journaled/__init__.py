"""Ports whose effects are journaled: see ``journal`` and ``effects``."""

from hotfix.adapters.journaled.effects import journaled_code_host, journaled_deployer, journaled_repository
from hotfix.adapters.journaled.journal import Journal, NoIncident, Work

__all__ = ["Journal", "NoIncident", "Work", "journaled_code_host", "journaled_deployer", "journaled_repository"]
