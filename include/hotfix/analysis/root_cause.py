"""The whole analysis: the two ends verified, the history ranked, the culprit searched for and proved."""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, replace
from functools import partial

from hotfix.analysis.endpoints import Endpoints, verify_endpoints
from hotfix.analysis.ranking import Clues, Traced, left_out, rank
from hotfix.analysis.search.culprit_search import Limits, SearchResult, find_culprit
from hotfix.analysis.stack_trace import Frame, frames, raising_lines
from hotfix.domain.diagnosis import Commit, ReproducerRun, Suspect, Verdict
from hotfix.domain.document import Sha
from hotfix.domain.errors import CulpritNotFound
from hotfix.domain.execution import Execution, Observation
from hotfix.domain.history import CommitPatch
from hotfix.ports.repository import Repository
from hotfix.ports.test_runner import Reproducer

# Patches that are read ahead while the reproducer runs at the two ends.
READ_AHEAD = 3_000
# Seconds that a ranking beside a running search may take; what is read until then counts.
RANKING_LIMIT = 60.0
# Of a traceback, the first frames tell nearly all.
FRAMES_BLAMED = 6


@dataclass(frozen=True)
class Report:
    """What the reporter gave, apart from the reproducer. ``overlays``: paths of files that only the reproducer has."""

    text: str = ""
    stack_trace: str = ""
    suspected_paths: tuple[str, ...] = ()
    overlays: tuple[str, ...] = ()


@dataclass(frozen=True)
class RootCause:
    """``suspects``: as ranked before the search; ``endpoint_runs``: those of the two ends, repeats included."""

    commits: tuple[Commit, ...]
    suspects: tuple[Suspect, ...]
    signature: str
    endpoint_runs: tuple[ReproducerRun, ...]
    search: SearchResult


def find_root_cause(
    repository: Repository,
    reproducer: Reproducer,
    good: Sha,
    bad: Sha,
    report: Report,
    limits: Limits,
    progress: Callable[[str], None],
) -> RootCause:
    """Find the commit between ``good`` and ``bad`` that brought in the failure that ``bad`` has now.

    Raises:
        CannotReproduce: an end does not answer as it must; the text says what was seen.
        CulpritNotFound: there is no commit between the two.
    """
    commits = commits_between(repository, good, bad)
    progress(f"{len(commits)} {'commit' if len(commits) == 1 else 'commits'} between {good[:10]} and {bad[:10]}")
    started = time.monotonic()
    with (
        repository.checkouts() as checkout,
        ThreadPoolExecutor(max_workers=1) as ranker,
        _ReadAhead(repository.patches(good, bad, _without(report))) as patches,
    ):
        ends = verify_endpoints(checkout, reproducer, good, bad, limits.jobs, progress)
        ranking: Future[tuple[Suspect, ...]] = ranker.submit(
            _rank, repository, commits, patches, ends, good, bad, report
        )
        expected = math.log2(len(commits) + 1)
        patience = max(0.0, expected - 3) * ends.seconds
        prior = _Prior(ranking, patience, progress)

        def probe(sha: Sha) -> ReproducerRun:
            with checkout(sha) as tree:
                return as_same_failure(reproducer.reproduce(tree, sha), ends.signature)

        left = limits.seconds - (time.monotonic() - started) if limits.seconds is not None else None
        search = find_culprit(
            commits, good, prior, _once_a_tree(commits, probe), progress, replace(limits, seconds=left), ends.runs
        )
        # A search without a single run is what somebody asks for who wants the ranking.
        suspects = prior.ranking(wait=not search.runs or search.culprit is None)
    return RootCause(commits, suspects or _alike(commits), ends.signature, ends.runs, search)


def commits_between(repository: Repository, good: Sha, bad: Sha) -> tuple[Commit, ...]:
    """Raises CulpritNotFound: there is none."""
    commits = repository.commits(good, bad)
    if not commits:
        raise CulpritNotFound(
            f"There is no commit between {good[:10]} (good) and {bad[:10]} (bad).",
            "They are the same version, or good is the newer one: exchange them.",
        )
    return commits


def rank_without_reproducer(
    repository: Repository, good: Sha, bad: Sha, report: Report
) -> tuple[tuple[Commit, ...], tuple[Suspect, ...]]:
    """The commits of the range, and the same as suspects by what was reported alone."""
    commits = repository.commits(good, bad)
    if not commits:
        return (), ()
    clues = _reported(repository, bad, report, output="")
    return commits, rank(commits, repository.patches(good, bad, _without(report)), clues)


def _without(report: Report) -> tuple[str, ...]:
    """Which paths need not be read; a reporter may suspect any."""
    return () if report.suspected_paths else left_out()


def as_same_failure(run: ReproducerRun, signature: str) -> ReproducerRun:
    """A run that failed as production does is one of the same failure."""
    same = run.verdict is Verdict.OTHER_FAILURE and run.signature == signature
    return run.model_copy(update={"verdict": Verdict.SAME_FAILURE}) if same else run


def _rank(
    repository: Repository,
    commits: Sequence[Commit],
    patches: _ReadAhead,
    ends: Endpoints,
    good: Sha,
    bad: Sha,
    report: Report,
) -> tuple[Suspect, ...]:
    clues = clues_of(repository, ends, good, bad, report)
    return rank(commits, patches.until(time.monotonic() + RANKING_LIMIT), clues)


def clues_of(repository: Repository, ends: Endpoints, good: Sha, bad: Sha, report: Report) -> Clues:
    """What the two ends and the report say about the failure."""
    return replace(
        _reported(repository, bad, report, ends.at_bad.output),
        bad=_traced(repository, bad, ends.at_bad, report),
        good=_traced(repository, good, ends.at_good, report),
    )


def _traced(repository: Repository, sha: Sha, observation: Observation, report: Report) -> Traced | None:
    if observation.execution is None:
        return None
    execution: Execution = observation.execution.without(report.overlays)
    texts = {path: repository.read_file(sha, path) for path in execution.paths}
    return Traced(execution, {path: text.splitlines() for path, text in texts.items() if text is not None})


def _reported(repository: Repository, bad: Sha, report: Report, output: str) -> Clues:
    files = set(repository.files(bad)) - set(report.overlays)
    trace = report.stack_trace or output
    found = frames(trace, files)
    if not found and not output:
        found = raising_lines(f"{trace}\n{report.text}", partial(repository.grep, bad))
    return Clues(
        frames=found,
        frame_authors=_authors(repository, bad, found) if not output else {},
        suspected_paths=report.suspected_paths,
        text="\n".join((report.text, report.stack_trace, output)),
    )


def _authors(repository: Repository, bad: Sha, found: Sequence[Frame]) -> Mapping[Sha, float]:
    authors: dict[Sha, float] = {}
    for position, frame in enumerate(found[:FRAMES_BLAMED], 1):
        author = repository.last_changed_by(bad, frame.path, frame.line) if frame.line_known else None
        if author:
            # The innermost frame raised; each caller above it tells less.
            authors[author] = authors.get(author, 0.0) + 1 / position
    return authors


def _alike(commits: Sequence[Commit]) -> tuple[Suspect, ...]:
    return tuple(Suspect(commit=commit, probability=1 / len(commits), evidence=()) for commit in reversed(commits))


def _once_a_tree(commits: Sequence[Commit], probe: Callable[[Sha], ReproducerRun]) -> Callable[[Sha], ReproducerRun]:
    """The same files give the same answer: merges and reverts often have a tree that was tried before."""
    trees = {commit.sha: commit.tree for commit in commits if commit.tree}
    known: dict[str, tuple[Sha, ReproducerRun]] = {}

    def remembered(sha: Sha) -> ReproducerRun:
        tree = trees.get(sha, "")
        if tree in known and known[tree][0] != sha:
            return known[tree][1].model_copy(update={"sha": sha, "seconds": 0.0, "repeated": True})
        run = probe(sha)
        if tree:
            known[tree] = (sha, run)
        return run

    return remembered


class _Prior:
    """Called by the search before every choice: the ranking once it is there, None until then."""

    def __init__(self, ranking: Future[tuple[Suspect, ...]], patience: float, progress: Callable[[str], None]) -> None:
        """``patience``: how long (seconds) waiting is shorter than the runs that a ranking saves."""
        self._ranking, self._progress = ranking, progress
        self._until = time.monotonic() + patience
        self._told = False

    def __call__(self) -> Mapping[Sha, float] | None:
        found = self.ranking(wait=False)
        if not found:
            return None
        if not self._told:
            self._told = True
            first = found[0]
            why = first.evidence[0] if first.evidence else "nothing speaks for one more than for another"
            self._progress(
                f"ranked: first {first.commit.sha[:10]} {first.commit.subject} ({first.probability:.0%}; {why})"
            )
        return {suspect.commit.sha: suspect.probability for suspect in found}

    def ranking(self, wait: bool) -> tuple[Suspect, ...]:
        try:
            return self._ranking.result(None if wait else max(0.0, self._until - time.monotonic()))
        except NotYet:  # the built-in one only from Python 3.11 on
            return ()


class _ReadAhead:
    """Reads patches in a thread of its own, at most ``READ_AHEAD`` of them before they are asked for."""

    def __init__(self, patches: Iterator[CommitPatch]) -> None:
        self._queue: queue.Queue[CommitPatch | BaseException | None] = queue.Queue(READ_AHEAD)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._read, args=(patches,), daemon=True)

    def __enter__(self) -> _ReadAhead:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def until(self, deadline: float) -> Iterator[CommitPatch]:
        """The patches, as many as there are by ``deadline`` (monotonic seconds) or until the analysis is over."""
        while time.monotonic() < deadline and not self._stopped.is_set():
            try:
                patch = self._queue.get(timeout=0.05)
            except queue.Empty:
                continue
            if patch is None:
                return
            if isinstance(patch, BaseException):
                raise patch
            yield patch

    def _read(self, patches: Iterator[CommitPatch]) -> None:
        try:
            for patch in patches:
                if not self._put(patch):
                    return
            self._put(None)
        except Exception as error:
            self._put(error)

    def _put(self, item: CommitPatch | BaseException | None) -> bool:
        while not self._stopped.is_set():
            try:
                self._queue.put(item, timeout=0.05)
            except queue.Full:
                continue
            return True
        return False
