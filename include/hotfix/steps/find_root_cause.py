"""Which commit broke production: proved with the reproducer, or ranked without one."""

from __future__ import annotations

import time
from collections.abc import Callable

from hotfix.analysis.culprit_search import find_culprit
from hotfix.analysis.stack_trace import Frame, frames
from hotfix.analysis.suspects import rank
from hotfix.domain.diagnosis import Commit, Diagnosis, ReproducerRun, Suspect, Verdict
from hotfix.domain.document import Sha
from hotfix.domain.errors import CannotReproduce, CulpritNotFound
from hotfix.domain.incident import Incident
from hotfix.domain.service import ServiceProfile
from hotfix.ports.artefacts import ArtefactStore
from hotfix.ports.repository import Repository
from hotfix.ports.test_runner import TestRunner

SUSPECTS_SHOWN = 10


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
    bad = incident.production
    commits = repository.commits(incident.good, bad) if incident.good else ()
    trace = _frames(incident, repository, artefacts)
    suspects = rank(repository, commits, bad, trace, incident.suspected_paths) if commits else ()
    progress(f"{len(commits)} commits between {(incident.good or 'no known good version')[:10]} and {bad[:10]}")

    def probe(sha: Sha) -> ReproducerRun:
        with repository.checkout(sha) as tree:
            return runner.reproduce(tree, sha)

    def diagnosis(
        culprit: Commit | None, proved: bool, runs: tuple[ReproducerRun, ...], signature: str, summary: str
    ) -> Diagnosis:
        return Diagnosis(
            culprit=culprit,
            proved=proved,
            good=incident.good,
            bad=bad,
            signature=signature,
            suspects=suspects[:SUSPECTS_SHOWN],
            runs=runs,
            commits_in_range=len(commits),
            seconds=round(time.monotonic() - started, 1),
            summary=summary,
        )

    if not incident.has_reproducer:
        return diagnosis(*_ranked(incident, suspects), (), "", _ranked_summary(suspects))
    endpoint_runs = _verify_production(bad, probe, progress)
    signature = endpoint_runs[0].signature
    if not commits or incident.good is None:
        if _has_own_fix(incident):
            return diagnosis(None, False, endpoint_runs, signature, "no earlier version to compare production with")
        raise CulpritNotFound(
            "There is no earlier version that was healthy.", "Give the param 'good', or a patch, and trigger again."
        )
    at_good = probe(incident.good)
    progress(f"good {incident.good[:10]}: {at_good.verdict.value} ({at_good.seconds:.1f} s)")
    if at_good.verdict is not Verdict.GOOD:
        if _has_own_fix(incident):
            runs = (*endpoint_runs, at_good)
            return diagnosis(None, False, runs, signature, f"the failure is older than {incident.good[:10]}")
        raise CannotReproduce(
            f"The reproducer fails on {incident.good[:10]} too, which should be healthy ({at_good.signature}).",
            "The failure is older than that version, or is not in the code. Give an older 'good'.",
        )

    def compare(sha: Sha) -> ReproducerRun:
        run = probe(sha)
        same = run.verdict is Verdict.OTHER_FAILURE and run.signature == signature
        return run.model_copy(update={"verdict": Verdict.SAME_FAILURE}) if same else run

    deadline = started + profile.policy.analysis_time_limit
    result = find_culprit(
        commits,
        incident.good,
        {suspect.commit.sha: suspect.probability for suspect in suspects},
        compare,
        progress,
        lambda: time.monotonic() > deadline,
    )
    runs = (*endpoint_runs, at_good, *result.runs)
    if len(result.remaining) > 1:
        if not _has_own_fix(incident):
            names = ", ".join(commit.sha[:10] for commit in result.remaining[:8])
            raise CulpritNotFound(f"{len(result.remaining)} commits remain ({names}): {result.why}.")
        return diagnosis(None, False, runs, signature, f"{len(result.remaining)} commits remain: {result.why}")
    (culprit,) = result.remaining
    summary = f"{culprit.sha[:10]} “{culprit.subject}” by {culprit.author}: {result.why}"
    return diagnosis(culprit, result.proved, runs, signature, summary)


def _frames(incident: Incident, repository: Repository, artefacts: ArtefactStore) -> tuple[Frame, ...]:
    if incident.stack_trace is None:
        return ()
    return frames(artefacts.read(incident.stack_trace), set(repository.files(incident.production)))


def _verify_production(
    bad: Sha, probe: Callable[[Sha], ReproducerRun], progress: Callable[[str], None]
) -> tuple[ReproducerRun, ...]:
    """Twice, since a failure that does not come back in the same way cannot be searched for."""
    runs = tuple(probe(bad) for _ in range(2))
    for run in runs:
        progress(f"production {bad[:10]}: {run.verdict.value} ({run.seconds:.1f} s) {run.signature}")
    if any(run.verdict is Verdict.UNTESTABLE for run in runs):
        raise CannotReproduce(
            f"The reproducer cannot be run on production's version ({runs[0].signature or runs[1].signature}).",
            "Check the commands of the service profile and the reproducer.",
        )
    if any(run.verdict is Verdict.GOOD for run in runs):
        raise CannotReproduce(
            f"The reproducer passes on production's version {bad[:10]}.",
            "It does not show this incident, or the cause is not in the code (data, configuration, load).",
        )
    if runs[0].signature != runs[1].signature:
        raise CannotReproduce(
            f"The reproducer fails in a different way each time: {runs[0].signature!r}, then {runs[1].signature!r}.",
            "Make it deterministic, or report without it: the suspects are then ranked.",
        )
    return tuple(run.model_copy(update={"verdict": Verdict.SAME_FAILURE}) for run in runs)


def _ranked(incident: Incident, suspects: tuple[Suspect, ...]) -> tuple[Commit | None, bool]:
    if suspects and suspects[0].evidence:
        return suspects[0].commit, False
    if _has_own_fix(incident):
        return None, False
    raise CulpritNotFound(
        "There is no reproducer, and no stack trace or path points to a commit.",
        "Give the failing request, a reproducer or a stack trace, or a patch, and trigger again.",
    )


def _ranked_summary(suspects: tuple[Suspect, ...]) -> str:
    if not suspects or not suspects[0].evidence:
        return "not known; the operator supplied a fix"
    first = suspects[0]
    return f"a ranking, not a proof: {first.commit.sha[:10]} “{first.commit.subject}” ({first.probability:.0%})"


def _has_own_fix(incident: Incident) -> bool:
    return incident.patch is not None or incident.fix_commit is not None
