"""See for oneself that production and git are back."""

from __future__ import annotations

from hotfix.domain.errors import RollbackFailed
from hotfix.domain.fix import Backup
from hotfix.domain.incident import Incident
from hotfix.domain.release import Push
from hotfix.domain.rollback import RollbackReport
from hotfix.ports.bug_database import BugDatabase
from hotfix.ports.clock import Clock
from hotfix.ports.deployer import Deployer
from hotfix.ports.monitoring import Monitoring
from hotfix.ports.repository import Repository


def verify_rollback(
    incident: Incident,
    *,
    repository: Repository,
    deployer: Deployer,
    monitoring: Monitoring,
    bug_database: BugDatabase,
    clock: Clock,
) -> RollbackReport:
    """Production's own word, the branch on the remote, and the backup's checksums.

    Raises:
        RollbackFailed: something is not back; the text has the exact commands for a person.
    """
    repository.fetch()
    push = bug_database.find(incident, Push)
    backup = bug_database.find(incident, Backup)
    live, reported = deployer.live(), monitoring.version()
    foreign = live not in (incident.production, None) and (push is None or live != push.commit)
    checks: list[tuple[bool, str]] = [
        (
            live == incident.production or foreign,
            f"the deployer says that production runs {(live or 'nothing known')[:12]}",
        ),
        (
            reported == live or (push is None and reported is None),
            f"production itself reports {(reported or 'no version')[:12]}",
        ),
    ]
    branch = repository.remote_ref(f"refs/heads/{incident.branch}")
    ours = branch is not None and branch == repository.remote_ref(incident.candidate_ref)
    checks.append((not ours, f"{incident.branch} is {'still' if ours else 'not'} on the remote"))
    if backup:
        same = repository.fingerprints(backup.commit, tuple(file.path for file in backup.files)) == backup.files
        intact = same and repository.remote_ref(backup.ref) == backup.commit
        checks.append((intact, f"the backup {backup.ref} and the checksums of {len(backup.files)} files agree"))
    report = RollbackReport(
        verified=all(holds for holds, _ in checks),
        production=live,
        expected=incident.production,
        checks=tuple(f"{'yes' if holds else 'NO'}: {what}" for holds, what in checks),
        at=clock.now(),
    )
    if not report.verified:
        commands = "\n".join(f"    {command}" for command in deployer.by_hand(incident.production))
        raise RollbackFailed(
            "THE ROLLBACK IS NOT COMPLETE:\n" + "\n".join(f"  - {check}" for check in report.checks) + "\n",
            f"Put production back by hand:\n{commands}\n",
        )
    return report
