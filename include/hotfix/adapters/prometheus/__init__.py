"""Production as a Prometheus server has measured it."""

from hotfix.adapters.prometheus.source import PrometheusSource

__all__ = ["PrometheusSource"]
