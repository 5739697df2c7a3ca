"""What a saved alert would start."""

from __future__ import annotations

import argparse
import json
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from hotfix.adapters.alert_formats import ALERT_FORMATS
from hotfix.adapters.catalog import YamlCatalog
from hotfix.adapters.installation import catalog_folder
from hotfix.domain.alert import Alert, AlertSource
from hotfix.domain.errors import HotfixError, WrongUsage
from hotfix.steps.map_alert import map_alert

if TYPE_CHECKING:
    from argparse import _SubParsersAction

# The header that says what a body is, and its value for a body that begins an alert.
EVENT_HEADERS = {
    AlertSource.GITHUB: ("x-github-event", "issues"),
    AlertSource.SENTRY: ("sentry-hook-resource", "event_alert"),
}


def register(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    check = commands.add_parser("intake-check", help="what a saved alert would start; nothing is started")
    check.add_argument("file", type=Path, help="the body of the request, as the source sent it")
    check.add_argument("--source", required=True, choices=[source.value for source in AlertSource])
    check.add_argument(
        "--event", default=None, help="X-GitHub-Event or Sentry-Hook-Resource (default: issues, event_alert)"
    )
    check.set_defaults(run=_check)


def _check(arguments: argparse.Namespace) -> int:
    source = AlertSource(arguments.source)
    header, usual = EVENT_HEADERS.get(source, ("", ""))
    try:
        body = arguments.file.read_bytes()
    except OSError as error:
        raise WrongUsage(f"{arguments.file} cannot be read: {error.strerror}.") from error
    alerts = ALERT_FORMATS[source].alerts({header: arguments.event or usual}, body)
    if not alerts:
        print("A message that neither begins nor ends an alert: it would be answered 200, and nothing started.")
    return 1 if [alert for alert in alerts if not _said(alert)] else 0


def _said(alert: Alert) -> bool:
    """Print what becomes of an alert; False when it would be refused."""
    catalog = YamlCatalog(catalog_folder())
    print(alert.headline)
    if not alert.firing:
        print("  the end of an alert: noted on its run, if there is one; nothing is started")
        return True
    try:
        mapped = map_alert(alert, catalog, datetime.now(timezone.utc))
    except HotfixError as refusal:
        print(f"  refused with 422: {refusal}\n  its fields:")
        print("\n".join(f"    {name}: {' '.join(text.split())[:200]}" for name, text in sorted(alert.fields.items())))
        return False
    print(f"  service {mapped.service}, rule {mapped.rule} of its profile\n  run     {alert.run_id}, unless one of")
    print(f"          {mapped.service} is under way: then it is noted there\n  params:")
    print("\n".join(f"    {line}" for line in json.dumps(mapped.params, indent=2, ensure_ascii=False).splitlines()))
    return True
