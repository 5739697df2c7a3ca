"""Histories in numbers, and reproducers that answer on them: exact, blind, or by chance."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timezone
from random import Random

from hotfix.analysis.search.culprit_search import Limits, SearchResult, find_culprit
from hotfix.domain.diagnosis import Commit, ReproducerRun, Verdict

MOMENT = datetime(2026, 1, 1, tzinfo=timezone.utc)
# The parents of each commit, by number. 0 is the good version and not in the range.
Parents = list[tuple[int, ...]]
Answer = Callable[[int], Verdict]


def sha(number: int) -> str:
    return f"{number:040x}"


def number_of(commit: Commit | ReproducerRun) -> int:
    return int(commit.sha, 16)


def a_history(parents: Parents) -> tuple[Commit, ...]:
    """Every commit but 0, parents first."""
    return tuple(
        Commit.model_construct(
            sha=sha(number), parents=tuple(map(sha, of)), author="Dev", at=MOMENT, subject=f"commit {number}", tree=""
        )
        for number, of in enumerate(parents)
        if number
    )


def linear(length: int) -> Parents:
    return [(), *((number,) for number in range(length))]


def branching(length: int, seed: int, roots: float = 0.0) -> Parents:
    """About ``length`` commits with side branches and merges that all lead to the last one.

    ``roots``: the share of commits that have no parent at all.
    """
    random = Random(seed)
    parents: Parents = [()]
    tips = [0]
    for number in range(1, length + 1):
        choice = random.random()
        if choice < roots:
            of: tuple[int, ...] = ()
        elif choice < 0.2 and len(tips) > 1:
            of = tuple(random.sample(tips, 2))
        elif choice < 0.35:
            of = (random.randrange(number),)
        else:
            of = (random.choice(tips),)
        parents.append(of)
        tips = [tip for tip in tips if tip not in of] + [number]
    while len(tips) > 1:
        of = (tips.pop(), tips.pop(0))
        parents.append(of)
        tips.append(len(parents) - 1)
    return parents


def failing(parents: Parents, culprit: int) -> set[int]:
    """The culprit and everything that is built on it."""
    bad = {culprit}
    for number, of in enumerate(parents):
        if bad.intersection(of):
            bad.add(number)
    return bad


def exact(parents: Parents, culprit: int, instead: Mapping[int, Verdict] | None = None) -> Answer:
    """Always right, apart from the versions that ``instead`` names."""
    bad, other = failing(parents, culprit), instead or {}
    return lambda number: other.get(number, Verdict.SAME_FAILURE if number in bad else Verdict.GOOD)


def by_chance(fails: Callable[[int], float], seed: int) -> Answer:
    """Each answer drawn anew; ``fails``: number → probability."""
    random = Random(seed)
    return lambda number: Verdict.SAME_FAILURE if random.random() < fails(number) else Verdict.GOOD


def flaky(parents: Parents, culprit: int, missed: float, false_alarm: float, seed: int) -> Answer:
    bad = failing(parents, culprit)
    return by_chance(lambda number: 1 - missed if number in bad else false_alarm, seed)


def blind(numbers: Collection[int]) -> dict[int, Verdict]:
    return dict.fromkeys(numbers, Verdict.UNTESTABLE)


def search(
    parents: Parents,
    answer: Answer,
    *,
    prior: Mapping[int, float] | None = None,
    limits: Limits | None = None,
    endpoints: Sequence[ReproducerRun] = (),
) -> SearchResult:
    """The search on a history; never the same version twice at the same time."""
    running: set[str] = set()
    lock = threading.Lock()

    def probe(of: str) -> ReproducerRun:
        with lock:
            assert of not in running, "the same version twice at the same time"
            running.add(of)
        try:
            return a_run(int(of, 16), answer(int(of, 16)))
        finally:
            with lock:
                running.remove(of)

    by_sha = {sha(number): chance for number, chance in prior.items()} if prior else None
    return find_culprit(a_history(parents), sha(0), lambda: by_sha, probe, lambda _: None, limits, endpoints)


def ends(parents: Parents, answer: Answer, repeats: int, patience: int = 5) -> tuple[ReproducerRun, ...] | None:
    """What ``verify_endpoints`` sees: each end until it answers as it must, and then repeats.

    None where an end does not, and nothing is searched.
    """
    last = len(parents) - 1
    runs: list[ReproducerRun] = []
    for number, wanted in ((last, Verdict.SAME_FAILURE), (0, Verdict.GOOD)):
        for _ in range(patience):
            runs.append(a_run(number, answer(number)))
            if runs[-1].verdict is wanted:
                break
        else:
            return None
    for _ in range(repeats):
        runs += [a_run(last, answer(last)), a_run(0, answer(0))]
    return tuple(runs)


def a_run(number: int, verdict: Verdict) -> ReproducerRun:
    return ReproducerRun.model_construct(sha=sha(number), verdict=verdict, signature="", seconds=0.0)
