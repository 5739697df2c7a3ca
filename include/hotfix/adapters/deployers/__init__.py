"""Ways to bring a version into production."""

from hotfix.adapters.deployers.ansible import AnsibleDeployer
from hotfix.adapters.deployers.command import CommandDeployer
from hotfix.adapters.deployers.haproxy import HaproxyDeployer
from hotfix.adapters.deployers.local import LocalDeployer

__all__ = ["AnsibleDeployer", "CommandDeployer", "HaproxyDeployer", "LocalDeployer"]
