"""The composition root: which adapter stands behind which port in this installation.

The adapters are imported where they are made: every parse of a DAG and every task process imports this module, and few
need more than two or three of them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hotfix.adapters import installation
from hotfix.adapters.journaled import Journal, journaled_code_host, journaled_deployer, journaled_repository
from hotfix.domain.incident import Incident
from hotfix.domain.service import (
    AnsibleDeployerProfile,
    DeployerProfile,
    GithubDeployerProfile,
    HaproxyDeployerProfile,
    LocalDeployerProfile,
    ServiceProfile,
)
from hotfix.ports.advisor import Advisor
from hotfix.ports.artefacts import ArtefactStore
from hotfix.ports.bug_database import BugDatabase
from hotfix.ports.catalog import Catalog
from hotfix.ports.clock import Clock
from hotfix.ports.code_host import CodeHost
from hotfix.ports.deployer import Deployer
from hotfix.ports.monitoring import Monitoring
from hotfix.ports.repository import Repository
from hotfix.ports.scanner import Scanner
from hotfix.ports.test_runner import TestRunner


@dataclass(frozen=True)
class ServiceTools:
    """Everything that belongs to one service."""

    profile: ServiceProfile
    repository: Repository
    deployer: Deployer
    alternative: Deployer | None
    monitoring: Monitoring


@dataclass(frozen=True)
class Toolbox:
    catalog: Catalog
    clock: Clock
    bug_database: BugDatabase
    scanners: Sequence[Scanner]
    journal: Journal

    def service(self, name: str) -> ServiceTools:
        """The tools of a service of the catalog.

        Raises:
            InvalidCatalog: it is not described, or not in a way that can be used.
        """
        from hotfix.adapters.monitoring import ServiceMonitoring
        from hotfix.airflow.connections import login

        profile = self.catalog.profile(name)
        return ServiceTools(
            profile=profile,
            repository=self.repository_of(profile),
            deployer=journaled_deployer(_deployer(profile.deployer, profile, self.clock), self.journal),
            alternative=journaled_deployer(_deployer(profile.alternative_deployer, profile, self.clock), self.journal)
            if profile.alternative_deployer
            else None,
            monitoring=ServiceMonitoring(profile.monitoring, self.clock, login),
        )

    def repository_of(self, profile: ServiceProfile) -> Repository:
        from hotfix.adapters.git import GitRepository
        from hotfix.airflow.github import git_credentials

        mirrors = installation.home() / "mirrors"
        repository = GitRepository(mirrors, profile.repository, git_credentials(profile))
        return journaled_repository(repository, self.journal)

    def code_host(self, service: str, patience: float | None = None) -> CodeHost:
        """Where a service's pull requests and issues live; ``patience`` (seconds) shortens that of its profile."""
        from hotfix.airflow.github import code_host

        host = code_host(self.catalog.profile(service), self.bug_database, self.clock, patience)
        return journaled_code_host(host, self.journal)

    def artefacts(self, incident: Incident) -> ArtefactStore:
        return artefacts_of(incident.id, incident.attempt)

    def runner(self, incident: Incident) -> TestRunner:
        """The runner of the service's tests, with this incident's reproducer."""
        from hotfix.adapters.test_runner import CommandTestRunner

        reproducer = self.artefacts(incident).read(incident.reproducer) if incident.reproducer else None
        return CommandTestRunner(
            self.catalog.profile(incident.service),
            reproducer,
            incident.failing_request,
            installation.home() / "environments",
        )

    def advisor(self, say: Callable[[str], None]) -> Advisor:
        """A language model, where one is configured; ``say`` gets a line when none is."""
        from hotfix.airflow.llm_advisor import LlmAdvisor

        return LlmAdvisor(say)


def artefacts_of(incident_id: str, attempt: int) -> ArtefactStore:
    from hotfix.airflow.artefact_store import ObjectArtefactStore

    return ObjectArtefactStore(installation.artefact_root(), incident_id, attempt)


@functools.cache
def toolbox() -> Toolbox:
    """One a process."""
    from hotfix.adapters.bug_database import SqlBugDatabase
    from hotfix.adapters.catalog import YamlCatalog
    from hotfix.adapters.clock import SystemClock
    from hotfix.adapters.scanners import every_scanner
    from hotfix.airflow.connections import bug_database_url
    from hotfix.airflow.work import work_at_hand

    bug_database = SqlBugDatabase(bug_database_url())
    journal = Journal(bug_database, SystemClock(), lambda: work_at_hand(bug_database))
    return Toolbox(
        catalog=YamlCatalog(installation.catalog_folder()),
        clock=SystemClock(),
        bug_database=bug_database,
        scanners=every_scanner(installation.osv_address()),
        journal=journal,
    )


def migrate_bug_database() -> None:
    """Bring the bug database's tables up to date."""
    from hotfix.adapters.bug_database import upgrade
    from hotfix.airflow.connections import bug_database_url

    upgrade(bug_database_url())


def _deployer(deployer: DeployerProfile, profile: ServiceProfile, clock: Clock) -> Deployer:
    from hotfix.adapters.deployers import AnsibleDeployer, CommandDeployer, HaproxyDeployer, LocalDeployer
    from hotfix.airflow.connections import ssh_identity
    from hotfix.airflow.github import github_deployer

    if isinstance(deployer, GithubDeployerProfile):
        return github_deployer(deployer, profile, clock)
    version_url = f"{profile.monitoring.url.rstrip('/')}{profile.monitoring.version_path}"
    folder = installation.home() / "deployers" / profile.name
    if isinstance(deployer, LocalDeployerProfile):
        return LocalDeployer(deployer, version_url, clock)
    if isinstance(deployer, HaproxyDeployerProfile):
        return HaproxyDeployer(deployer, version_url, clock)
    if isinstance(deployer, AnsibleDeployerProfile):
        return AnsibleDeployer(deployer, ssh_identity(deployer.connection), folder, version_url, clock)
    return CommandDeployer(deployer, folder, clock)
