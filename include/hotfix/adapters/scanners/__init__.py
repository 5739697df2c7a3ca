"""Security scanners, run so that the scanned change has no say in how."""

from hotfix.adapters.scanners.bandit import BanditScanner
from hotfix.adapters.scanners.gitleaks import GitleaksScanner
from hotfix.adapters.scanners.opengrep import OpengrepScanner
from hotfix.adapters.scanners.osv import OsvScanner
from hotfix.adapters.scanners.ruff import RuffScanner
from hotfix.ports.scanner import Scanner

__all__ = ["BanditScanner", "GitleaksScanner", "OpengrepScanner", "OsvScanner", "RuffScanner", "every_scanner"]


def every_scanner(osv_address: str) -> tuple[Scanner, ...]:
    """All scanners of this installation; ``osv_address`` is where OSV's API answers."""
    return BanditScanner(), RuffScanner(), OpengrepScanner(), GitleaksScanner(), OsvScanner(osv_address)
