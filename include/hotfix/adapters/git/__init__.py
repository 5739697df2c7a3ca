"""Version control with the git command line."""

from hotfix.adapters.git.repository import GitRepository

__all__ = ["GitRepository"]
