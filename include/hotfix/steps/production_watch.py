"""A watch of production in single looks, with nobody awake in between."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hotfix.domain.document import Document
from hotfix.domain.errors import HotfixError
from hotfix.domain.incident import Incident
from hotfix.domain.service import Metric, Monitoring
from hotfix.domain.stability import (
    NextLook,
    RollbackWatch,
    Sample,
    Seen,
    StabilityVerdict,
    Traffic,
    ValidationWatch,
)
from hotfix.ports.artefacts import ArtefactStore
from hotfix.ports.bug_database import BugDatabase
from hotfix.ports.clock import Clock
from hotfix.ports.monitoring import Monitoring as MonitoringPort
from hotfix.stability.judge import Judge, Judgement, Tolerance, requests_needed
from hotfix.stability.measured import MetricRule
from hotfix.stability.traffic import total

# So many probes of the symptom in a row decide about it, in either direction. They come from two looks at least.
SYMPTOM_PROBES = 5
SYMPTOM_PROBES_A_LOOK = 3
# Probes must stay a small part of what a service has to bear, and a look must come to its end.
MOST_ROUNDS = 60
PROBING_SECONDS = 20.0
# Looks get rarer: each wait is a tenth of the time watched so far, at most so long (seconds). Where the probes are all
# there is to see, they must not come in large bursts.
WAIT_SHARE = 0.1
LONGEST_WAIT, LONGEST_WAIT_BETWEEN_PROBES = 60.0, 10.0
LINES_KEPT = 60
LINES_A_LOOK = 120


class Kept(Document):
    """What was sampled, as it is stored between two looks."""

    before: Seen
    during: Seen
    after: Seen


@dataclass(frozen=True)
class Stretch:
    """A time that is over, [since, until)."""

    since: datetime
    until: datetime


@dataclass(frozen=True)
class Look:
    """What one look has shown. ``elapsed``: seconds since the watch began; ``wait``: until the next look."""

    judgement: Judgement
    kept: Kept
    started_at: datetime
    now: datetime
    symptom: tuple[bool, ...]
    timeline: tuple[str, ...]
    wait: float

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
        record: type[ValidationWatch] | type[RollbackWatch],
        before: tuple[Stretch, ...],
        during: Stretch,
        since: datetime,
        limit: float,
        symptom: str | None,
        judge: Callable[[Kept], Judge],
    ) -> None:
        self._incident = incident
        self._settings = settings
        self._ports = ports
        self._kind = record
        self._before, self._during, self._since = before, during, since
        self._limit = limit
        self._symptom = symptom
        self._judge = judge
        self._lines: list[str] = []

    def look(self) -> Look:
        """Probe, read, judge, and keep what was seen. Costs seconds, never waits for time to pass."""
        clock = self._ports.clock
        last = self._ports.bug_database.find(self._incident, self._kind)
        self._lines = list(last.timeline) if last else []
        kept = self._kept(last)
        started = last.started_at if last else clock.now()
        self._probe(last.looked_at if last else None)
        symptom = last.symptom if last else ()
        if self._symptom:
            probed = (not self._ports.monitoring.probe(self._symptom).failed for _ in range(SYMPTOM_PROBES_A_LOOK))
            symptom = (*symptom, *probed)[-SYMPTOM_PROBES:]
        now = clock.now()
        fresh, unread = self._read(Stretch(self._since, now))
        kept = kept.model_copy(update={"after": merged(kept.after, fresh)})
        judgement = self._judge(kept).judge(kept.after.samples, kept.after.measurements)
        judgement = _lately(judgement, unread, self._quiet(kept.after, now))
        judgement = _with_symptom(judgement, symptom, bool(self._symptom))
        said_until = self._say_samples(kept.after, last.said_until if last else self._since, now, judgement)
        wait = wait_after(self._settings, self._limit, (now - started).total_seconds())
        self._say_verdict(judgement, (now - started).total_seconds())
        self._keep(kept, last, started, now, symptom, said_until)
        return Look(judgement, kept, started, now, symptom, tuple(self._lines), wait)

    def say(self, line: str) -> None:
        self._lines.append(line)
        self._ports.progress(line)

    @property
    def lines(self) -> tuple[str, ...]:
        """The last lines that were said."""
        return tuple(self._lines[-LINES_KEPT:])

    def _kept(self, last: ValidationWatch | RollbackWatch | None) -> Kept:
        after = Seen()
        if last is not None and last.seen is not None:
            try:
                kept = Kept.model_validate_json(self._ports.artefacts.read(last.seen))
            except (HotfixError, OSError, ValueError) as error:
                self.say(f"what was sampled so far cannot be read, sampling it again: {error}")
            else:
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
        return Seen(samples=tuple(map(_finite, samples)), measurements=measured), ""

    def _probe(self, looked_at: datetime | None) -> None:
        """As many rounds as it takes to be judged within the limit without any customer."""
        settings, clock = self._settings, self._ports.clock
        began = clock.now()
        gap = settings.interval if looked_at is None else (began - looked_at).total_seconds()
        needed = requests_needed(tolerance_of(settings)) / (self._limit * len(settings.probes))
        for _ in range(max(1, min(MOST_ROUNDS, math.ceil(gap * needed)))):
            for path in settings.probes:
                self._ports.monitoring.probe(path)
            if (clock.now() - began).total_seconds() > PROBING_SECONDS:
                return

    def _quiet(self, after: Seen, now: datetime) -> str:
        """Since when nothing was measured, where that is too long for a verdict about the present."""
        newest = max((sample.at for sample in after.samples if sample.requests), default=None)
        longest = max(self._settings.window / 2, 3 * self._settings.step)
        if newest is None or (now - newest).total_seconds() <= longest:
            return ""
        return f"no request was measured since {newest:%H:%M:%S}"

    def _say_samples(self, after: Seen, said_until: datetime, now: datetime, judgement: Judgement) -> datetime:
        # The step that is not over will be told when it is.
        over = timedelta(seconds=self._settings.step)
        lines = [sample for sample in after.samples if said_until <= sample.at <= now - over]
        if len(lines) > LINES_A_LOOK:
            self.say(f"… {len(lines) - LINES_A_LOOK} samples more …")
        for sample in lines[-LINES_A_LOOK:]:
            self.say(f"{sample_line(sample)}  {judgement.verdict.value}")
        return lines[-1].at + timedelta(microseconds=1) if lines else said_until

    def _say_verdict(self, judgement: Judgement, elapsed: float) -> None:
        names = {metric.name for metric in self._settings.metrics}
        for metric in judgement.metrics:
            if metric.name in names:
                self.say(f"{metric.why}  {metric.verdict.value}")
        if judgement.verdict is StabilityVerdict.INCONCLUSIVE:
            healthy = min((metric.against_sickness for metric in judgement.metrics), default=0.0)
            sick = max((metric.against_health for metric in judgement.metrics), default=0.0)
            evidence = f"evidence for stable {_part(healthy)}, for unstable {_part(sick)}"
            self.say(f"after {elapsed:.0f} s: inconclusive, {evidence}; missing: {judgement.why}")
        elif judgement.verdict is StabilityVerdict.STABLE and elapsed < self._settings.window:
            self.say(f"after {elapsed:.0f} s: stable so far; missing: the rest of {self._settings.window} s")

    def _keep(
        self,
        kept: Kept,
        last: ValidationWatch | RollbackWatch | None,
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


def merged(kept: Seen, fresh: Seen) -> Seen:
    """What a source tells now, and before that what it told and has forgotten since."""
    samples, measured = fresh.samples, fresh.measurements
    return Seen(
        samples=(*(each for each in kept.samples if not samples or each.at < samples[0].at), *samples),
        measurements=(*(each for each in kept.measurements if not measured or each.at < measured[0].at), *measured),
    )


def wait_after(settings: Monitoring, limit: float, elapsed: float) -> float:
    """Seconds until the next look: longer and longer, and never past the end of the window or the limit."""
    longest = LONGEST_WAIT if any(source.requests for source in settings.all_sources) else LONGEST_WAIT_BETWEEN_PROBES
    wait = max(settings.interval, min(WAIT_SHARE * elapsed, longest))
    for edge in (settings.window, limit):
        if elapsed < edge < elapsed + wait:
            return edge - elapsed
    return wait


def tolerance_of(settings: Monitoring) -> Tolerance:
    return Tolerance(
        settings.tolerated_error_rate,
        settings.latency_limit_ms,
        settings.min_requests,
        settings.tolerated_slowdown,
        settings.noticeable_ms,
    )


def rule_of(metric: Metric) -> MetricRule:
    return MetricRule(
        name=metric.name,
        critical=metric.critical,
        lower_is_worse=metric.worse == "below",
        tolerated=metric.tolerated,
        noticeable=metric.noticeable,
        limit=metric.limit,
    )


def sample_line(sample: Sample) -> str:
    """One sample for a tired reader: time, requests, errors, share, median latency."""
    if sample.requests is None or sample.errors is None:
        return f"{sample.at:%H:%M:%S}  not measured"
    rate = f"{sample.errors / sample.requests:6.1%}" if sample.requests else "no data"
    latency = f"{statistics.median(sample.latencies_ms):6.0f} ms" if sample.latencies_ms else "     – ms"
    return f"{sample.at:%H:%M:%S}  {sample.requests:5} requests  {sample.errors:4} errors  {rate}  {latency}"


def figures(traffic: Traffic) -> str:
    if traffic.error_rate is None:
        return "no requests"
    latency = f", p95 {traffic.p95_ms:.0f} ms" if traffic.p95_ms is not None else ""
    return f"{traffic.requests} requests, {traffic.error_rate:.1%} errors{latency}"


def _finite(sample: Sample) -> Sample:
    """JSON knows no NaN, and a latency that is one was not measured."""
    if all(map(math.isfinite, sample.latencies_ms)):
        return sample
    return sample.model_copy(update={"latencies_ms": tuple(filter(math.isfinite, sample.latencies_ms))})


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
