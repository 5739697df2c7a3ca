"""Which commit brought the failure in: a Bayesian search over the history with the reproducer."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from hotfix.analysis.search.belief import Belief, as_prior, uniform
from hotfix.analysis.search.lineage import Lineage
from hotfix.analysis.search.next_version import most_informative
from hotfix.domain.diagnosis import Commit, ReproducerRun, Verdict
from hotfix.domain.document import Sha

Probe = Callable[[Sha], ReproducerRun]

# A second run at the same time is only worth it when its answer will most likely be needed; the two runs that prove a
# commit to be the culprit belong together, and may be started on a lesser suspicion.
SPECULATE, SUSPECT = 0.97, 0.5
# Bits about who is to blame below which a run changes no decision.
WORTH_A_RUN = 0.002
# A version that has to pass or to fail for the proof, and does not after so many runs, will not.
STUBBORN = 40
# More runs than this for each bit that there is to know: the answers lead nowhere.
RUNS_A_BIT, RUNS_AT_LEAST = 20, 250
# What is left out of the list of those who may still be to blame.
IMPLAUSIBLE = 0.01


@dataclass(frozen=True)
class Limits:
    """``runs`` and ``seconds`` for the search; ``jobs`` versions at a time; ``confidence`` at which it ends."""

    runs: int | None = None
    seconds: float | None = None
    jobs: int = 1
    confidence: float = 0.95
    flaky: float | None = None


@dataclass(frozen=True)
class SearchResult:
    """``culprit`` is None when it is not known, or when ``environmental``: no commit of the range is to blame.

    ``proved``: its parents pass and it fails as production does. ``remaining``: who may be to blame, likeliest first,
    with their probabilities.
    """

    culprit: Commit | None
    proved: bool
    confidence: float
    environmental: bool
    remaining: tuple[tuple[Commit, float], ...]
    runs: tuple[ReproducerRun, ...]
    skipped: tuple[Sha, ...]
    why: str


def find_culprit(
    commits: Sequence[Commit],
    good: Sha,
    prior: Callable[[], Mapping[Sha, float] | None],
    probe: Probe,
    progress: Callable[[str], None],
    limits: Limits | None = None,
    endpoints: Sequence[ReproducerRun] = (),
) -> SearchResult:
    """Try versions until one commit is to blame with the stated confidence, and proved.

    ``commits``: parents first; the last one is known to fail, ``good`` to pass. ``prior`` is asked before every choice:
    the probability of each commit, or None as long as there is none (then all are alike). ``probe`` may be called from
    several threads at once. ``endpoints``: answers of the two ends that were taken already, repeats included. Every run
    is chosen for the information that it is expected to give; with equal probabilities and a reliable reproducer this
    is plain bisection. A commit that cannot be tested, or fails in another way, is passed over. Answers that contradict
    each other, or are too convenient, are asked for again.
    """
    return _Search(commits, good, prior, probe, progress, limits or Limits(), endpoints).run()


@dataclass
class _Answers:
    failed: Counter[Sha] = field(default_factory=Counter)
    passed: Counter[Sha] = field(default_factory=Counter)

    def fails(self, sha: Sha) -> bool:
        return self.failed[sha] > self.passed[sha]

    def runs(self, sha: Sha) -> int:
        return self.failed[sha] + self.passed[sha]

    def passes(self, sha: Sha) -> bool:
        return self.passed[sha] > self.failed[sha]


class _Search:
    def __init__(
        self,
        commits: Sequence[Commit],
        good: Sha,
        prior: Callable[[], Mapping[Sha, float] | None],
        probe: Probe,
        progress: Callable[[str], None],
        limits: Limits,
        endpoints: Sequence[ReproducerRun],
    ) -> None:
        self._lineage = Lineage(commits)
        self._good, self._bad = good, commits[-1].sha
        self._prior, self._prior_used = prior, False
        self._probe, self._progress, self._limits = probe, progress, limits
        self._started = time.monotonic()
        self._runs: list[ReproducerRun] = []
        self._observed: list[tuple[int | None, bool]] = []
        self._answers = _Answers()
        self._untestable: set[int] = set()
        self._refused: set[Sha] = set()
        self._belief = Belief(self._lineage, uniform(self._lineage), limits.flaky)
        known = endpoints or (_known(good, Verdict.GOOD), _known(self._bad, Verdict.SAME_FAILURE))
        for run in known:
            self._learn(run)

    def run(self) -> SearchResult:
        pending: dict[Future[ReproducerRun], Sha] = {}
        with ThreadPoolExecutor(max_workers=max(1, self._limits.jobs)) as pool:
            try:
                while True:
                    self._take_prior()
                    result = self._finished()
                    if result is None and (ended := self._out_of_budget()):
                        result = self._unproved(ended)
                    if result is not None:
                        return result
                    if not self._submit(pool, pending) and not pending:
                        return self._unproved("the commits that remain cannot be told apart by testing them")
                    done, _ = wait(pending, return_when=FIRST_COMPLETED)
                    for future in done:
                        del pending[future]
                        self._take(future.result())
            finally:
                for future in pending:
                    future.cancel()

    def _submit(self, pool: ThreadPoolExecutor, pending: dict[Future[ReproducerRun], Sha]) -> bool:
        """Start as many runs as are worth it; whether any was started."""
        started = False
        room = self._limits.jobs - len(pending)
        if self._limits.runs is not None:
            room = min(room, self._limits.runs - len(self._runs) - len(pending))
        belief, needed = self._belief.copy(), 1.0
        for sha in pending.values():
            needed *= self._assume(belief, sha)
        for _ in range(max(0, room)):
            chosen = self._choose(belief, pending.values())
            if chosen is None or (pending and not self._worth_it(belief, chosen, pending.values(), needed)):
                break
            pending[pool.submit(self._probe, chosen)] = chosen
            started = True
            needed *= self._assume(belief, chosen)
        return started

    def _assume(self, belief: Belief, sha: Sha) -> float:
        """Let ``belief`` learn the likelier answer of ``sha``; how likely it is."""
        position = self._lineage.position.get(sha)
        if position is None:
            return 1.0
        fails = belief.fails(position)
        belief.learn(position, fails >= 0.5)
        return max(fails, 1 - fails)

    def _choose(self, belief: Belief, running: Iterable[Sha]) -> Sha | None:
        taken = set(running)
        leader, chance = self._leader(belief)
        missing = [sha for sha in self._missing_proof(leader) if sha not in taken]
        if missing and chance >= (SUSPECT if self._limits.jobs > 1 else self._limits.confidence):
            return missing[0]
        wanted = [self._lineage.position[sha] for sha in missing if sha in self._lineage.position and chance > 0.2]
        busy = {self._lineage.position[sha] for sha in taken if sha in self._lineage.position}
        position = most_informative(belief, self._untestable | busy, wanted)
        if position is not None and belief.information(position) >= WORTH_A_RUN:
            return self._lineage.commits[position].sha
        return missing[0] if missing else None

    def _worth_it(self, belief: Belief, sha: Sha, running: Collection[Sha], needed: float) -> bool:
        """Whether ``sha`` will most likely be needed when the ``running`` ones have answered as ``belief`` assumes."""
        leader, chance = self._leader(belief)
        missing = set(self._missing_proof(leader))
        if sha in missing and chance >= SUSPECT and missing & set(running):
            return True
        found_already = chance >= self._limits.confidence and missing <= set(running)
        return needed >= SPECULATE and not found_already

    def _missing_proof(self, position: int) -> list[Sha]:
        """What has to be run to prove that the commit at ``position`` is the culprit."""
        commit = self._lineage.commits[position]
        missing = [] if self._answers.fails(commit.sha) else [commit.sha]
        missing += [parent for parent in commit.parents if not self._answers.passes(parent)]
        return [sha for sha in missing if sha not in self._refused and self._answers.runs(sha) < STUBBORN]

    def _leader(self, belief: Belief) -> tuple[int, float]:
        chances = belief.of_commits()
        position = max(range(len(chances)), key=chances.__getitem__)
        return position, chances[position]

    def _take(self, run: ReproducerRun) -> None:
        self._learn(run)
        if run.repeated:
            return
        self._runs.append(run)
        position = self._lineage.position.get(run.sha)
        subject = self._lineage.commits[position].subject if position is not None else "a parent outside of the range"
        chances = self._belief.of_commits()
        left = sum(chance > IMPLAUSIBLE / len(chances) for chance in chances)
        bits = -sum(chance * math.log2(chance) for chance in chances if chance > 0)
        mean = sum(each.seconds for each in self._runs) / len(self._runs)
        rounds = max(1, round(bits + 1)) / max(1, self._limits.jobs) if self._finished() is None else 0
        self._progress(
            f"run {len(self._runs)}: {run.sha[:10]} {run.verdict.value} ({run.seconds:.1f} s) {subject} — "
            f"{left} {'commit' if left == 1 else 'commits'} left, about {rounds * mean:.0f} s to go"
        )

    def _learn(self, run: ReproducerRun) -> None:
        position = self._lineage.position.get(run.sha)
        if run.verdict not in (Verdict.GOOD, Verdict.SAME_FAILURE):
            self._refused.add(run.sha)
            if position is not None:
                self._untestable.add(position)
            return
        failed = run.verdict is Verdict.SAME_FAILURE
        if failed and position is None and run.sha != self._good:
            # An ancestor of the healthy version that fails, with a bug of its own time: it can prove nothing.
            self._refused.add(run.sha)
            return
        (self._answers.failed if failed else self._answers.passed)[run.sha] += 1
        self._observed.append((position, failed))
        self._belief.learn(position, failed)

    def _take_prior(self) -> None:
        """Once there is a ranking, everything learned so far is seen in its light."""
        if self._prior_used or (probability := self._prior()) is None:
            return
        self._prior_used = True
        self._belief = Belief(self._lineage, as_prior(self._lineage, probability), self._limits.flaky)
        for position, failed in self._observed:
            self._belief.learn(position, failed)

    def _finished(self) -> SearchResult | None:
        if self._belief.nobody >= self._limits.confidence:
            return self._result(
                None, False, self._belief.nobody, "no commit of this range is to blame: it is flaky or environmental"
            )
        leader, chance = self._leader(self._belief)
        commit = self._lineage.commits[leader]
        if chance < self._limits.confidence or self._missing_proof(leader):
            return None
        proved = self._answers.fails(commit.sha) and all(map(self._answers.passes, commit.parents))
        if not commit.parents:
            return self._result(
                commit, False, chance, "it is the first commit of all, nothing is there to compare with"
            )
        if not proved:
            return self._result(commit, False, chance, "it or its parent cannot be tested")
        return self._result(commit, True, chance, "its parent passes and it fails as production does")

    def _out_of_budget(self) -> str:
        if self._limits.runs is not None and len(self._runs) >= self._limits.runs:
            return f"the budget of {self._limits.runs} runs is used up"
        if len(self._runs) >= RUNS_AT_LEAST + RUNS_A_BIT * math.log2(len(self._lineage) + 1):
            return "the answers contradict each other"
        if self._limits.seconds is not None and time.monotonic() - self._started >= self._limits.seconds:
            return f"the {self._limits.seconds:.0f} s for the search are over"
        return ""

    def _unproved(self, why: str) -> SearchResult:
        leader, chance = self._leader(self._belief)
        sure = chance >= self._limits.confidence
        return self._result(self._lineage.commits[leader] if sure else None, False, chance, why)

    def _result(self, culprit: Commit | None, proved: bool, confidence: float, why: str) -> SearchResult:
        chances = self._belief.of_commits()
        plausible = sorted(
            (each for each in range(len(chances)) if chances[each] > IMPLAUSIBLE), key=lambda e: -chances[e]
        )
        return SearchResult(
            culprit=culprit,
            proved=proved,
            confidence=confidence,
            environmental=self._belief.nobody >= self._limits.confidence,
            remaining=tuple((self._lineage.commits[each], chances[each]) for each in plausible),
            runs=tuple(self._runs),
            skipped=tuple(sorted(self._refused)),
            why=why,
        )


def _known(sha: Sha, verdict: Verdict) -> ReproducerRun:
    return ReproducerRun(sha=sha, verdict=verdict, signature="", seconds=0.0)
