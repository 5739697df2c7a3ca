"""Which commit broke production: proved with the reproducer, or ranked without one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from hotfix.analysis.endpoints import FailsEverywhere
from hotfix.analysis.root_cause import Report, rank_without_reproducer
from hotfix.analysis.root_cause import find_root_cause as find_culprit_in
from hotfix.analysis.search.culprit_search import Limits
from hotfix.domain.diagnosis import Commit, Diagnosis, ReproducerRun, Suspect, Verdict
from hotfix.domain.document import Sha
from hotfix.domain.errors import CannotReproduce, CulpritNotFound
from hotfix.domain.incident import Incident
from hotfix.domain.service import ServiceProfile
from hotfix.ports.artefacts import ArtefactStore
from hotfix.ports.repository import Repository
from hotfix.ports.test_runner import TestRunner

SUSPECTS_SHOWN, RUNS_SHOWN = 10, 40
# Versions that are tried at once.
JOBS = 2


def find_root_cause(
    incident: Incident,
    profile: ServiceProfile,
    *,
    repository: Repository,
    runner: TestRunner,
    artefacts: ArtefactStore,
    progress: Callable[[str], None],
) -> Diagnosis:
    """Search the history between the last healthy version and production's.

    Raises:
        CannotReproduce: the reproducer passes on production's version, or fails on the healthy one.
        CulpritNotFound: nothing points anywhere, and the operator supplied no fix.
    """
    started = time.monotonic()
    repository.fetch()
    bad, good = incident.production, incident.good
    report = _report(incident, profile, artefacts)

    def diagnosis(culprit: Commit | None, proved: bool, summary: str, found: _Found) -> Diagnosis:
        return Diagnosis(
            culprit=culprit,
            proved=proved,
            good=good,
            bad=bad,
            signature=found.signature,
            suspects=found.suspects[:SUSPECTS_SHOWN],
            runs=found.runs,
            commits_in_range=found.commits,
            seconds=round(time.monotonic() - started, 1),
            summary=summary,
        )

    if not incident.has_reproducer:
        commits, suspects = rank_without_reproducer(repository, good, bad, report) if good else ((), ())
        progress(f"{len(commits)} commits between {(good or 'no known good version')[:10]} and {bad[:10]}")
        culprit = _likeliest(incident, suspects)
        return diagnosis(culprit, False, _ranked_summary(suspects), _Found(suspects, commits=len(commits)))
    if good is None or not repository.commits(good, bad):
        runs = _verify_production(bad, repository, runner, progress)
        if not _has_own_fix(incident):
            raise CulpritNotFound(
                "There is no earlier version that was healthy.", "Give the param 'good', or a patch, and trigger again."
            )
        found = _Found(runs=runs, signature=runs[0].signature)
        return diagnosis(None, False, "no earlier version to compare production with", found)
    limits = Limits(jobs=JOBS, seconds=profile.policy.analysis_time_limit)
    try:
        cause = find_culprit_in(repository, runner, good, bad, report, limits, progress)
    except FailsEverywhere as error:
        if not _has_own_fix(incident):
            raise
        found = _Found(runs=error.runs, signature=error.runs[0].signature)
        return diagnosis(None, False, f"the failure is older than {good[:10]}", found)
    search = cause.search
    found = _Found(
        cause.suspects, (*cause.endpoint_runs, *search.runs)[-RUNS_SHOWN:], cause.signature, len(cause.commits)
    )
    if search.culprit is None:
        names = ", ".join(commit.sha[:10] for commit, _ in search.remaining[:8])
        what = search.why if search.environmental else f"{len(search.remaining)} commits remain ({names}): {search.why}"
        if not _has_own_fix(incident):
            raise CulpritNotFound(f"{what[0].upper()}{what[1:]}.")
        return diagnosis(None, False, what, found)
    culprit = search.culprit
    summary = f"{culprit.sha[:10]} “{culprit.subject}” by {culprit.author}: {search.why}"
    return diagnosis(culprit, search.proved, summary, found)


@dataclass(frozen=True)
class _Found:
    suspects: tuple[Suspect, ...] = ()
    runs: tuple[ReproducerRun, ...] = ()
    signature: str = ""
    commits: int = 0


def _report(incident: Incident, profile: ServiceProfile, artefacts: ArtefactStore) -> Report:
    reproducer = artefacts.read(incident.reproducer) if incident.reproducer else ""
    return Report(
        text="\n".join((incident.description, incident.failing_request or "", reproducer)),
        stack_trace=artefacts.read(incident.stack_trace) if incident.stack_trace else "",
        suspected_paths=incident.suspected_paths,
        overlays=(profile.tests.reproducer_path,) if reproducer else (),
    )


def _verify_production(
    bad: Sha, repository: Repository, runner: TestRunner, progress: Callable[[str], None]
) -> tuple[ReproducerRun, ...]:
    """There is no search, but the fix has to be proved: the reproducer must fail on production's version."""
    with repository.checkout(bad) as tree:
        run = runner.reproduce(tree, bad)
    progress(f"production {bad[:10]}: {run.verdict.value} ({run.seconds:.1f} s) {run.signature}")
    if run.verdict is Verdict.UNTESTABLE:
        raise CannotReproduce(
            f"The reproducer cannot be run on production's version ({run.signature}).",
            "Check the commands of the service profile and the reproducer.",
        )
    if run.verdict is Verdict.GOOD:
        raise CannotReproduce(
            f"The reproducer passes on production's version {bad[:10]}.",
            "It does not show this incident, or the cause is not in the code (data, configuration, load).",
        )
    return (run.model_copy(update={"verdict": Verdict.SAME_FAILURE}),)


def _likeliest(incident: Incident, suspects: tuple[Suspect, ...]) -> Commit | None:
    if suspects and suspects[0].evidence:
        return suspects[0].commit
    if _has_own_fix(incident):
        return None
    raise CulpritNotFound(
        "There is no reproducer, and no stack trace, error text or path points to a commit.",
        "Give the failing request, a reproducer or a stack trace, or a patch, and trigger again.",
    )


def _ranked_summary(suspects: tuple[Suspect, ...]) -> str:
    if not suspects or not suspects[0].evidence:
        return "not known; the operator supplied a fix"
    first = suspects[0]
    return f"a ranking, not a proof: {first.commit.sha[:10]} “{first.commit.subject}” ({first.probability:.0%})"


def _has_own_fix(incident: Incident) -> bool:
    return incident.patch is not None or incident.fix_commit is not None
