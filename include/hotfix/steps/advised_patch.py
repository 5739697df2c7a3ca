"""A language model's patch as a candidate, where a model is configured."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from hotfix.analysis.minimal_fix.kinds import Kind, kind_of
from hotfix.domain.diagnosis import Diagnosis
from hotfix.domain.document import clip
from hotfix.domain.errors import GitFailed, RemoteUnavailable
from hotfix.domain.fix import Candidate, CandidateKind
from hotfix.domain.incident import Incident, patch_paths, patch_problems
from hotfix.domain.policy import violations
from hotfix.domain.service import ServiceProfile
from hotfix.ports.advisor import AdviceLimits, Advisor
from hotfix.ports.artefacts import ArtefactStore
from hotfix.ports.repository import Repository

# Characters. What is larger is not shown at all: a patch for a file that one has seen half of is a guess.
FILE_LIMIT = 60_000
FILES_LIMIT = 120_000
FAILURE_LIMIT = 6_000
_SECRET = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|"
    r"\bxox[abprs]-[A-Za-z0-9-]{10,}|\bsk-[A-Za-z0-9_-]{20,}|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]+|\b(bearer|basic)\s+[A-Za-z0-9._~+/-]{16,}=*|"
    r"[a-z][a-z0-9+.-]*://[^\s:/@]+:[^\s:/@]+@|"
    r"[\"']?\b[\w-]*(password|passwd|secret|token|api_?key|access_?key)[\w-]*[\"']?\s*[:=]\s*[\"']?(?=[^\s\"'(){}\[\]]*\d)"
    r"[^\s\"'(){}\[\]]{8,}",
    re.IGNORECASE,
)
_SECRET_FILE = re.compile(
    r"(^|/)(\.env(\..*)?|[^/]*\.(pem|key|p12|pfx|jks)|id_[a-z0-9]+|[^/]*(credentials|secrets)[^/]*)$", re.IGNORECASE
)


def advised_patch(
    advisor: Advisor,
    incident: Incident,
    profile: ServiceProfile,
    diagnosis: Diagnosis,
    suspected: Iterable[str],
    *,
    repository: Repository,
    artefacts: ArtefactStore,
    progress: Callable[[str], None],
) -> tuple[Candidate | None, str]:
    """The candidate, or why its patch is refused; neither when there is no advice."""
    files = _shown(suspected, incident, repository, progress)
    if not files:
        return None, ""
    failure = without_secrets(clip(_failure(incident, diagnosis, artefacts), FAILURE_LIMIT))
    limits = AdviceLimits(lines=profile.policy.max_changed_lines, files=profile.policy.max_changed_files)
    patch = advisor.propose_patch(diagnosis, files, failure, limits)
    if patch is None:
        return None, ""
    paths = patch_paths(patch)
    problems = list(patch_problems(patch)) if patch.strip() else ["it is empty"]
    problems += [f"it changes {path}, which is not suspected" for path in paths if path not in files]
    if not problems:
        try:
            commit = repository.apply_patch(incident.production, patch, "check", incident.opened_at)
            changes = repository.changes(incident.production, commit)
            problems += violations(changes, profile.policy, incident.irreversible_change_accepted)
            # git follows renames and modes that the hunks' headers do not name.
            problems += [f"it changes {c.path}, which is not suspected" for c in changes if c.path not in files]
        except RemoteUnavailable:
            raise
        except GitFailed as error:
            problems.append(f"does not apply ({error.what})")
    if problems:
        return None, f"the language model's patch: {'; '.join(problems)}"
    kept = artefacts.put("model.patch", patch)
    identity = f"{CandidateKind.MODEL_PATCH.value}:{kept.sha256[:12]}"
    what = "a patch proposed by a language model"
    return Candidate(id=identity, kind=CandidateKind.MODEL_PATCH, description=what, paths=paths, patch=kept), ""


def without_secrets(text: str) -> str:
    return _SECRET.sub("<secret>", text)


def _shown(
    suspected: Iterable[str], incident: Incident, repository: Repository, progress: Callable[[str], None]
) -> dict[str, str]:
    files: dict[str, str] = {}
    room = FILES_LIMIT
    for path in dict.fromkeys(suspected):
        text = repository.read_file(incident.production, path)
        if text is None or kind_of(path) is not Kind.SOURCE:
            continue
        if len(text) > min(FILE_LIMIT, room) or "\0" in text or "\N{REPLACEMENT CHARACTER}" in text:
            progress(f"{path} is not shown to the language model: too large, or no plain text")
        elif _SECRET_FILE.search(path) or _SECRET.search(text):
            progress(f"{path} is not shown to the language model: it may hold a secret")
        else:
            files[path] = text
            room -= len(text)
    return files


def _failure(incident: Incident, diagnosis: Diagnosis, artefacts: ArtefactStore) -> str:
    trace = artefacts.read(incident.stack_trace) if incident.stack_trace else ""
    return "\n".join(part for part in (incident.description, diagnosis.signature, trace) if part)
