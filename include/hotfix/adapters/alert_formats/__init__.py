"""The forms in which alerts come: one module a source."""

from __future__ import annotations

from collections.abc import Mapping

from hotfix.adapters.alert_formats.alertmanager import AlertmanagerFormat
from hotfix.adapters.alert_formats.generic import GenericFormat
from hotfix.adapters.alert_formats.github import GithubFormat
from hotfix.adapters.alert_formats.pagerduty import PagerdutyFormat
from hotfix.adapters.alert_formats.sentry import SentryFormat
from hotfix.domain.alert import AlertSource
from hotfix.ports.alert_format import AlertFormat

ALERT_FORMATS: Mapping[AlertSource, AlertFormat] = {
    AlertSource.ALERTMANAGER: AlertmanagerFormat(),
    AlertSource.PAGERDUTY: PagerdutyFormat(),
    AlertSource.SENTRY: SentryFormat(),
    AlertSource.GITHUB: GithubFormat(),
    AlertSource.GENERIC: GenericFormat(),
}
