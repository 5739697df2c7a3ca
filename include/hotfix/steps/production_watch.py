"""A watch of production in single looks, with nobody awake in between."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hotfix.domain.errors import HotfixError
from hotfix.domain.incident import Incident
from hotfix.domain.service import Monitoring
from hotfix.domain.stability import NextLook, Seen, StabilityVerdict, WatchRecord
from hotfix.ports.artefacts import ArtefactStore
from hotfix.ports.bug_database import BugDatabase
from hotfix.ports.clock import Clock
from hotfix.ports.monitoring import Monitoring as MonitoringPort
from hotfix.stability.judge import Judge, Judgement
from hotfix.stability.outlook import Outlook
from hotfix.stability.traffic import total
from hotfix.steps.watch_samples import Kept, Stretch, figures, finite, merged, pace, sample_line, seen_since
from hotfix.steps.watch_settings import probing_rounds, wait_after

# So many probes of the symptom in a row decide about it, in either direction. They come from two looks at least.
SYMPTOM_PROBES = 5
SYMPTOM_PROBES_A_LOOK = 3
# A look must come to its end (seconds).
PROBING_SECONDS = 20.0
LINES_KEPT = 60
LINES_A_LOOK = 120


@dataclass(frozen=True)
class Look:
    """What one look has shown, times in seconds.

    ``elapsed``: since the watch began; ``covered``: for so long there are samples without a gap; ``wait``: until the
    next look.
    """

    judgement: Judgement
    kept: Kept
    started_at: datetime
    now: datetime
    symptom: tuple[bool, ...]
    timeline: tuple[str, ...]
    wait: float
    covered: float
    outlook: Outlook | None

    @property
    def elapsed(self) -> float:
        return (self.now - self.started_at).total_seconds()

    @property
    def symptom_gone(self) -> bool | None:
        return all(self.symptom) if len(self.symptom) == SYMPTOM_PROBES else None

    def next_look(self) -> NextLook:
        return NextLook(at=self.now + timedelta(seconds=self.wait), why=self.judgement.why)


@dataclass(frozen=True)
class Watching:
    """The ports of a watch."""

    monitoring: MonitoringPort
    artefacts: ArtefactStore
    bug_database: BugDatabase
    clock: Clock
    progress: Callable[[str], None]


class ProductionWatch:
    """Look after look at production ``since`` a moment, judged against stretches of time before.

    What was sampled, and how far the watch has come, is kept in the artefact storage and the ledger after every look:
    the next one goes on with it in any process, also after a crash.
    """

    def __init__(
        self,
        incident: Incident,
        settings: Monitoring,
        ports: Watching,
        *,
        record: type[WatchRecord],
        before: tuple[Stretch, ...],
        during: Stretch,
        since: datetime,
        limit: float,
        symptom: str | None,
        judge: Callable[[Kept], Judge],
        earlier: WatchRecord | None = None,
    ) -> None:
        """``earlier``: another watch, with whose samples this one begins."""
        self._incident = incident
        self._settings = settings
        self._ports = ports
        self._kind = record
        self._before, self._during, self._since = before, during, since
        self._limit = limit
        self._symptom = symptom
        self._judge = judge
        self._earlier = earlier
        self._lines: list[str] = []

    def look(self) -> Look:
        """Probe, read, judge, and keep what was seen. Costs seconds, never waits for time to pass."""
        clock = self._ports.clock
        last = self._ports.bug_database.find(self._incident, self._kind)
        self._lines = list(last.timeline) if last else []
        kept = self._kept(last or self._earlier)
        started = last.started_at if last else clock.now()
        self._probe(last.looked_at if last else None)
        symptom = last.symptom if last else ()
        if self._symptom:
            probed = (not self._ports.monitoring.probe(self._symptom).failed for _ in range(SYMPTOM_PROBES_A_LOOK))
            symptom = (*symptom, *probed)[-SYMPTOM_PROBES:]
        now = clock.now()
        fresh, unread = self._read(Stretch(self._since, now))
        kept = kept.model_copy(update={"after": merged(kept.after, fresh)})
        judge = self._judge(kept)
        seen = judge.watch(kept.after.samples, kept.after.measurements)
        judgement = judge.verdict_on(seen)
        quiet = self._quiet(kept.after, now)
        judgement = _lately(judgement, unread, quiet)
        judgement = _with_symptom(judgement, symptom, bool(self._symptom))
        said_until = self._say_samples(kept.after, last.said_until if last else self._since, now, judgement)
        wait = wait_after(self._settings, self._limit, (now - started).total_seconds())
        outlook = None
        # A source that is silent, or a failing request that is not decided, may change everything.
        heard = seen.requests and not unread and not quiet and len(set(symptom)) <= 1
        if judgement.verdict is StabilityVerdict.INCONCLUSIVE and heard:
            outlook = judge.outlook(seen, self._to_come(kept, started, now))
        self._say_verdict(judgement, (now - started).total_seconds(), outlook)
        self._keep(kept, last, started, now, symptom, said_until)
        return Look(
            judgement, kept, started, now, symptom, tuple(self._lines), wait, self._covered(kept.after, now), outlook
        )

    def say(self, line: str) -> None:
        self._lines.append(line)
        self._ports.progress(line)

    @property
    def lines(self) -> tuple[str, ...]:
        """The last lines that were said."""
        return tuple(self._lines[-LINES_KEPT:])

    def _kept(self, last: WatchRecord | None) -> Kept:
        after = Seen()
        if last is not None and last.seen is not None:
            try:
                kept = Kept.model_validate_json(self._ports.artefacts.read(last.seen))
            except (HotfixError, OSError, ValueError) as error:
                self.say(f"what was sampled so far cannot be read, sampling it again: {error}")
            else:
                kept = kept.model_copy(update={"after": seen_since(self._since, kept.after)})
                # Monitoring that could not be read at the first look may be back.
                if kept.before.samples:
                    return kept
                after = kept.after
        *before, (during, _) = parts = [self._read(stretch) for stretch in (*self._before, self._during)]
        if last is None or any(seen.samples for seen, _ in before):
            for unread in dict.fromkeys(unread for _, unread in parts if unread):
                self.say(f"monitoring cannot be read: {unread}")
            samples = tuple(sample for seen, _ in before for sample in seen.samples)
            self.say(f"before: {figures(total(samples))}; during: {figures(total(during.samples))}")
        return Kept(
            before=Seen(
                samples=tuple(sample for seen, _ in before for sample in seen.samples),
                measurements=tuple(each for seen, _ in before for each in seen.measurements),
            ),
            during=during,
            after=after,
        )

    def _read(self, stretch: Stretch) -> tuple[Seen, str]:
        """What is known of a stretch of time, and why nothing is where it cannot be read."""
        monitoring = self._ports.monitoring
        try:
            samples = monitoring.samples(stretch.since, stretch.until)
            measured = monitoring.measurements(stretch.since, stretch.until)
        except HotfixError as error:
            # Monitoring that cannot be read is no data, and no data is never a pass.
            return Seen(), str(error)
        return Seen(samples=tuple(map(finite, samples)), measurements=measured), ""

    def _probe(self, looked_at: datetime | None) -> None:
        settings, clock = self._settings, self._ports.clock
        began = clock.now()
        gap = settings.interval if looked_at is None else (began - looked_at).total_seconds()
        for _ in range(probing_rounds(settings, self._limit, gap)):
            for path in settings.probes:
                self._ports.monitoring.probe(path)
            if (clock.now() - began).total_seconds() > PROBING_SECONDS:
                return

    def _quiet(self, after: Seen, now: datetime) -> str:
        """Since when nothing was measured, where that is too long for a verdict about the present."""
        newest = max((sample.at for sample in after.samples if sample.requests), default=None)
        if newest is None or now - newest <= self._longest_gap:
            return ""
        return f"no request was measured since {newest:%H:%M:%S}"

    def _covered(self, after: Seen, now: datetime) -> float:
        oldest = now
        for at in sorted((sample.at for sample in after.samples if sample.requests), reverse=True):
            if oldest - at > self._longest_gap:
                break
            oldest = at
        return (now - oldest).total_seconds()

    @property
    def _longest_gap(self) -> timedelta:
        return timedelta(seconds=max(self._settings.window / 2, 3 * self._settings.step))

    def _to_come(self, kept: Kept, started: datetime, now: datetime) -> int:
        """Requests until the limit at the fastest pace seen: now, since the deployment, or before the incident."""
        left = self._limit - (now - started).total_seconds()
        lately = max(self._since, now - timedelta(seconds=max(self._settings.window, 3 * self._settings.step)))
        stretches = [
            (kept.after, (Stretch(self._since, now),)),
            (kept.after, (Stretch(lately, now),)),
            (kept.before, self._before),
        ]
        return math.ceil(max(0.0, left) * max(pace(seen, within) for seen, within in stretches))

    def _say_samples(self, after: Seen, said_until: datetime, now: datetime, judgement: Judgement) -> datetime:
        # The step that is not over will be told when it is.
        over = timedelta(seconds=self._settings.step)
        lines = [sample for sample in after.samples if said_until <= sample.at <= now - over]
        if len(lines) > LINES_A_LOOK:
            self.say(f"… {len(lines) - LINES_A_LOOK} samples more …")
        for sample in lines[-LINES_A_LOOK:]:
            self.say(f"{sample_line(sample)}  {judgement.verdict.value}")
        return lines[-1].at + timedelta(microseconds=1) if lines else said_until

    def _say_verdict(self, judgement: Judgement, elapsed: float, outlook: Outlook | None) -> None:
        names = {metric.name for metric in self._settings.metrics}
        for metric in judgement.metrics:
            if metric.name in names:
                self.say(f"{metric.why}  {metric.verdict.value}")
        if judgement.verdict is StabilityVerdict.INCONCLUSIVE:
            healthy = min((metric.against_sickness for metric in judgement.metrics), default=0.0)
            sick = max((metric.against_health for metric in judgement.metrics), default=0.0)
            evidence = f"evidence for stable {_part(healthy)}, for unstable {_part(sick)}"
            self.say(f"after {elapsed:.0f} s: inconclusive, {evidence}; missing: {judgement.why}")
            if outlook and outlook.hopeless:
                self.say(f"no verdict is to be expected: {outlook.why}")
        elif judgement.verdict is StabilityVerdict.STABLE and elapsed < self._settings.window:
            self.say(f"after {elapsed:.0f} s: stable so far; missing: the rest of {self._settings.window} s")

    def _keep(
        self,
        kept: Kept,
        last: WatchRecord | None,
        started: datetime,
        now: datetime,
        symptom: tuple[bool, ...],
        said_until: datetime,
    ) -> None:
        looks = last.looks + 1 if last else 1
        # Two names in turn: a crash between the file and the ledger leaves what the ledger names as it is.
        name = f"{self._kind.__name__}-{looks % 2}.json"
        try:
            seen = self._ports.artefacts.put(name, kept.model_dump_json())
        except Exception as error:  # any storage's own; what the sources still tell can be read again
            self.say(f"what was sampled could not be stored: {error}")
            seen = None
        record = self._kind(
            started_at=started,
            looked_at=now,
            looks=looks,
            symptom=symptom,
            said_until=said_until,
            timeline=self.lines,
            seen=seen,
        )
        self._ports.bug_database.record(self._incident, record)


def _lately(judgement: Judgement, unread: str, quiet: str) -> Judgement:
    """Nothing is stable that cannot be seen now."""
    missing = f"monitoring cannot be read: {unread}" if unread else quiet
    if not missing or judgement.verdict is StabilityVerdict.UNSTABLE:
        return judgement
    return replace(judgement, verdict=StabilityVerdict.INCONCLUSIVE, why=missing)


def _with_symptom(judgement: Judgement, last: tuple[bool, ...], probed: bool) -> Judgement:
    if not probed:
        return judgement
    if len(last) == SYMPTOM_PROBES and not any(last):
        return replace(judgement, verdict=StabilityVerdict.UNSTABLE, why="the failing request still fails")
    if judgement.verdict is StabilityVerdict.STABLE and (len(last) < SYMPTOM_PROBES or not all(last)):
        why = "the failing request has not succeeded often enough in a row"
        return replace(judgement, verdict=StabilityVerdict.INCONCLUSIVE, why=why)
    return judgement


def _part(evidence: float) -> str:
    return f"{min(max(evidence, 0.0), 1.0):.0%}"
