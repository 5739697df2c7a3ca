"""Which commit brought the failure in: a search over the history with the reproducer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hotfix.domain.diagnosis import Commit, ReproducerRun, Verdict
from hotfix.domain.document import Sha

Probe = Callable[[Sha], ReproducerRun]


@dataclass(frozen=True)
class SearchResult:
    """``remaining`` are the commits among which the culprit is; exactly one when it was found."""

    remaining: tuple[Commit, ...]
    proved: bool
    runs: tuple[ReproducerRun, ...]
    why: str


def find_culprit(
    commits: Sequence[Commit],
    good: Sha,
    probability: Mapping[Sha, float],
    probe: Probe,
    progress: Callable[[str], None],
    out_of_time: Callable[[], bool],
) -> SearchResult:
    """Bisect ``commits`` (parents first; the last one is known to fail, ``good`` to pass) weighted by probability.

    The next commit to test is the one that splits the probability of what remains most evenly: with equal
    probabilities this is plain bisection. A commit that cannot be tested, or fails in another way, is passed over.
    """
    by_sha = {commit.sha: commit for commit in commits}
    remaining = dict(by_sha)
    verdicts: dict[Sha, Verdict] = {good: Verdict.GOOD, commits[-1].sha: Verdict.SAME_FAILURE}
    runs: list[ReproducerRun] = []

    def test(sha: Sha) -> Verdict:
        run = probe(sha)
        runs.append(run)
        verdicts[sha] = run.verdict
        commit = by_sha.get(sha)
        progress(
            f"run {len(runs)}: {sha[:10]} {run.verdict.value} ({run.seconds:.1f} s) {commit.subject if commit else ''}"
        )
        return run.verdict

    while len(remaining) > 1:
        if out_of_time():
            return _ended(remaining, runs, "the time for the analysis is over")
        chosen = _most_informative(remaining, probability, verdicts)
        if chosen is None:
            return _ended(remaining, runs, "the commits that remain cannot be tested")
        progress(f"{len(remaining)} commits left, about {max(1, (len(remaining) - 1).bit_length())} runs to go")
        verdict = test(chosen.sha)
        reached = _ancestors(chosen.sha, remaining)
        if verdict is Verdict.SAME_FAILURE:
            remaining = {sha: commit for sha, commit in remaining.items() if sha in reached}
        elif verdict is Verdict.GOOD:
            remaining = {sha: commit for sha, commit in remaining.items() if sha not in reached}
    (culprit,) = remaining.values()
    for sha in (culprit.sha, *culprit.parents):
        if sha not in verdicts:
            test(sha)
    parents_pass = bool(culprit.parents) and all(verdicts[parent] is Verdict.GOOD for parent in culprit.parents)
    proved = parents_pass and verdicts[culprit.sha] is Verdict.SAME_FAILURE
    why = "its parent passes and it fails as production does" if proved else "its parent could not be shown to pass"
    return SearchResult((culprit,), proved, tuple(runs), why)


def _ended(remaining: Mapping[Sha, Commit], runs: Sequence[ReproducerRun], why: str) -> SearchResult:
    return SearchResult(tuple(remaining.values()), False, tuple(runs), why)


def _most_informative(
    remaining: Mapping[Sha, Commit], probability: Mapping[Sha, float], verdicts: Mapping[Sha, Verdict]
) -> Commit | None:
    total = sum(probability[sha] for sha in remaining)
    best: tuple[float, Commit] | None = None
    for sha, commit in remaining.items():
        if sha in verdicts:
            continue
        inside = sum(probability[ancestor] for ancestor in _ancestors(sha, remaining))
        balance = min(inside, total - inside)
        if best is None or balance > best[0]:
            best = (balance, commit)
    return best[1] if best else None


def _ancestors(sha: Sha, within: Mapping[Sha, Commit]) -> set[Sha]:
    """``sha`` and those of its ancestors that remain."""
    found: set[Sha] = set()
    waiting = [sha]
    while waiting:
        current = waiting.pop()
        if current in within and current not in found:
            found.add(current)
            waiting.extend(within[current].parents)
    return found
