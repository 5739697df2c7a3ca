"""Security scanners, run so that the scanned change has no say in how."""

from hotfix.adapters.scanners.bandit import BanditScanner
from hotfix.adapters.scanners.gitleaks import GitleaksScanner
from hotfix.adapters.scanners.ruff import RuffScanner

__all__ = ["BanditScanner", "GitleaksScanner", "RuffScanner"]
