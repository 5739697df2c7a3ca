"""What a service has of GitHub, from its profile and the Airflow Connection."""

from __future__ import annotations

from hotfix.adapters.git import Credentials
from hotfix.airflow.connections import GithubAccess, github
from hotfix.domain.errors import InvalidCatalog
from hotfix.domain.service import GithubDeployerProfile, ServiceProfile
from hotfix.ports.bug_database import BugDatabase
from hotfix.ports.clock import Clock
from hotfix.ports.code_host import CodeHost
from hotfix.ports.deployer import Deployer


def git_credentials(profile: ServiceProfile) -> Credentials | None:
    """The Connection's token, where the service's repository is on that GitHub and is reached over HTTP."""
    from hotfix.adapters.github.address import same_host

    access = github(profile.github.connection) if profile.github.enabled else None
    if access is None or not same_host(profile.repository, access.address):
        return None
    return Credentials(profile.repository, access.token)


def code_host(profile: ServiceProfile, bug_database: BugDatabase, clock: Clock, patience: float | None) -> CodeHost:
    """GitHub where it is configured, else the bug database, which says why."""
    from hotfix.adapters.github import GithubApi, GithubCodeHost
    from hotfix.adapters.local_code_host import LocalCodeHost

    settings = profile.github
    if not settings.enabled:
        return LocalCodeHost(bug_database, "the service's profile has GitHub switched off")
    access = github(settings.connection)
    if access is None:
        return LocalCodeHost(bug_database, f"there is no Connection {settings.connection}")
    repository = _repository(profile, access)
    if not repository:
        why = "the service's repository is not on that GitHub, and its profile has no github.repository"
        return LocalCodeHost(bug_database, why)
    seconds = settings.patience if patience is None else min(patience, settings.patience)
    return GithubCodeHost(
        GithubApi(access.token, clock, address=access.address, patience=seconds),
        repository,
        settings,
        base=profile.default_branch,
        deployed_elsewhere=profile.deployer.kind != "github",
        people={name: identity.github for name, identity in profile.identities.items() if identity.github},
    )


def github_deployer(deployer: GithubDeployerProfile, profile: ServiceProfile, clock: Clock) -> Deployer:
    """
    Raises:
        InvalidCatalog: there is no Connection, or no repository.
    """
    from hotfix.adapters.deployers.github import GithubDeployer
    from hotfix.adapters.github import GithubApi

    settings = profile.github
    access = github(settings.connection)
    if access is None:
        raise InvalidCatalog(
            f"{profile.name} is deployed by GitHub, and there is no Connection {settings.connection}.",
            "Add it: docs/github.md.",
        )
    repository = _repository(profile, access)
    if not repository:
        raise InvalidCatalog(f"{profile.name}'s repository is not on that GitHub.", "Name one in github.repository.")
    api = GithubApi(access.token, clock, address=access.address, patience=settings.patience)
    return GithubDeployer(deployer, api, repository, settings.environment, profile.default_branch, clock)


def _repository(profile: ServiceProfile, access: GithubAccess) -> str:
    from hotfix.adapters.github.address import repository_at

    return profile.github.repository or repository_at(profile.repository, access.address)
