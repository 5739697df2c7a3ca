"""GitHub: what the workflow shows there, what it asks for there, and what people answer there."""

from hotfix.adapters.github.api import GithubApi
from hotfix.adapters.github.code_host import GithubCodeHost

__all__ = ["GithubApi", "GithubCodeHost"]
