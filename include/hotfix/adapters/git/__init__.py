"""Version control with the git command line."""

from hotfix.adapters.git.credentials import Credentials
from hotfix.adapters.git.repository import GitRepository

__all__ = ["Credentials", "GitRepository"]
