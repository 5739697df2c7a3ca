"""Production as the requests show it that we make."""

from hotfix.adapters.http_monitoring.monitoring import HttpMonitoring

__all__ = ["HttpMonitoring"]
