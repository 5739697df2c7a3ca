"""The security review from a terminal."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hotfix.adapters.git import GitRepository
from hotfix.adapters.git.command import text
from hotfix.adapters.installation import osv_address
from hotfix.adapters.scanners import every_scanner
from hotfix.analysis.sarif import to_sarif
from hotfix.domain.document import Sha
from hotfix.domain.errors import GitFailed, HotfixError
from hotfix.domain.security import SecurityVerdict
from hotfix.domain.service import SecurityPolicy
from hotfix.steps.review_security import Review, as_json, review_change

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_EXIT = {
    SecurityVerdict.CLEAR: 0,
    SecurityVerdict.CAUTION: 0,
    SecurityVerdict.BLOCK: 3,
    SecurityVerdict.INCONCLUSIVE: 4,
}


def register(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    review = commands.add_parser(
        "review-security",
        help="review the security of a change",
        description="Scan what changes between two commits. Exit status: 0 clear or caution, 3 block, 4 inconclusive, "
        "2 wrong usage, 1 it could not be done. The repository is only read.",
    )
    review.add_argument("--repo", type=Path, required=True, metavar="DIR", help="a git repository on this machine")
    review.add_argument("--base", required=True, metavar="REF", help="the version in production")
    review.add_argument("--head", required=True, metavar="REF", help="the version to review")
    review.add_argument("--json", type=Path, metavar="FILE", help="write verdict, findings and scanners as JSON")
    review.add_argument("--sarif", type=Path, metavar="FILE", help="write the findings as SARIF 2.1.0")
    review.add_argument("--optional", action="append", default=[], metavar="SCANNER", help="a scanner that may fail")
    review.add_argument("--time-limit", type=int, default=120, metavar="SECONDS", help="for the whole review (120)")
    review.set_defaults(run=_review)


def _review(arguments: argparse.Namespace) -> int:
    if not 5 <= arguments.time_limit <= 1800:
        raise HotfixError("--time-limit is from 5 to 1800 seconds.")
    folder = arguments.repo.resolve()
    base, head = _commit(folder, arguments.base), _commit(folder, arguments.head)
    policy = SecurityPolicy(optional_scanners=tuple(arguments.optional), time_limit=arguments.time_limit)
    with tempfile.TemporaryDirectory(prefix="hotfix-review-") as place:
        repository = GitRepository(Path(place), str(folder))
        repository.fetch()
        for sha in (base, head):
            # A commit that no branch or tag leads to is still on this disk.
            repository.bring(sha)
        review = review_change(
            base,
            head,
            repository=repository,
            scanners=every_scanner(osv_address()),
            policy=policy,
            progress=lambda line: print(line, file=sys.stderr),
        )
    _write(arguments, review)
    for finding in review.comparison.new:
        mark = "BLOCKS " if finding.identity in review.blocking else "carried"
        print(f"{mark} {finding.summary}")
    print(review.report.headline)
    return _EXIT[review.report.verdict]


def _write(arguments: argparse.Namespace, review: Review) -> None:
    sarif = to_sarif(review.comparison, review.report.scanners, review.blocking)
    for file, content in ((arguments.json, as_json(review)), (arguments.sarif, sarif)):
        if file is None:
            continue
        try:
            file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise HotfixError(f"{file} cannot be written ({error.strerror}).") from None


def _commit(folder: Path, name: str) -> Sha:
    try:
        return text(["rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"], cwd=folder)
    except (GitFailed, OSError):
        raise HotfixError(f"{folder} has no commit {name!r}.", "Name a branch, a tag or a commit of it.") from None
