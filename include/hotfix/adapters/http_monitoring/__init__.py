"""Production as its requests show it: those that we make, and those in its access log."""

from hotfix.adapters.http_monitoring.monitoring import HttpMonitoring

__all__ = ["HttpMonitoring"]
