"""Can the watch that a service profile describes come to a verdict at all?"""

from __future__ import annotations

from hotfix.domain.service import Monitoring
from hotfix.stability.completeness import enough_for_one_missing
from hotfix.stability.judge import requests_needed
from hotfix.steps.watch_settings import probing_rounds, tolerance_of, wait_after


def watch_prospects(settings: Monitoring) -> tuple[str, ...]:
    """What the profile's owner should know before the first emergency: sentences, none where all is well."""
    tolerance = tolerance_of(settings)
    needed, made = requests_needed(tolerance), probes_of_a_watch(settings)
    found = []
    if made < needed:
        found.append(
            f"the watch needs at least {needed:,} requests within monitoring.limit ({settings.limit} s) until a hotfix "
            f"is stable, and its probes make {made:,}: where customers bring fewer than "
            f"{(needed - made) / settings.limit:.1f} a second it ends inconclusive, and the hotfix is rolled back"
        )
    samples, enough = int(settings.limit / settings.step), enough_for_one_missing(tolerance.missed)
    if samples < enough:
        found.append(
            f"the watch has {samples} samples, one every {settings.step:g} s: if a single one is not measured it ends "
            f"inconclusive, and the hotfix is rolled back; with a monitoring.limit of {enough * settings.step:g} s it "
            "would not"
        )
    return tuple(found)


def probes_of_a_watch(settings: Monitoring) -> int:
    """How many requests the watch makes itself, at most, from its beginning to its limit."""
    rounds, elapsed, gap = 0, 0.0, settings.interval
    while True:
        rounds += probing_rounds(settings, settings.limit, gap)
        if elapsed >= settings.limit:
            return rounds * len(settings.probes)
        gap = wait_after(settings, settings.limit, elapsed)
        elapsed += gap
