"""A shop with a real git history, a regression in production, and fakes for everything else."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hotfix.adapters.git import GitRepository
from hotfix.adapters.local_code_host import LocalCodeHost
from hotfix.domain.diagnosis import Diagnosis
from hotfix.domain.document import Sha
from hotfix.domain.fix import Fix, FixPlan
from hotfix.domain.incident import Incident, IncidentReport
from hotfix.domain.service import ServiceProfile
from hotfix.ports.advisor import Advisor
from hotfix.steps.apply_fix import apply_fix
from hotfix.steps.open_incident import RunIdentity, open_incident
from hotfix.steps.plan_minimal_fix import plan_minimal_fix
from hotfix.steps.recover_run import RecoveryTools
from tests.contract.fakes.bug_database import InMemoryBugDatabase
from tests.contract.fakes.clock import FakeClock
from tests.contract.fakes.deployer import FakeDeployer
from tests.contract.fakes.monitoring import FakeMonitoring
from tests.contract.fakes.test_runner import FakeTestRunner
from tests.support.artefacts import InMemoryArtefacts
from tests.support.documents import a_diagnosis, a_plan, a_profile
from tests.support.git_history import GitHistory

FAILURE = "TypeError: no tier"

GOOD_PRICING = """\
TIERS = {10: 5}


def discount(quantity):
    return max((TIERS[tier] for tier in TIERS if quantity >= tier), default=0)


def price(quantity, each):
    return quantity * each * (100 - discount(quantity)) / 100
"""
BAD_PRICING = GOOD_PRICING.replace("TIERS[tier] for tier in TIERS", "TIERS[quantity] for tier in TIERS")
PATCHED_PRICING = BAD_PRICING.replace("TIERS[quantity]", "TIERS.get(tier, 0)")
STOCK = "def in_stock(sku):\n    return True\n"
TEST = "from shop.pricing import price\n\n\ndef test_price():\n    assert price(1, 2) == 2\n"


@dataclass
class World:
    """``commits`` by name: first (tagged v1), described, culprit, and production, which is what runs."""

    folder: Path
    history: GitHistory
    commits: dict[str, Sha]
    repository: GitRepository
    clock: FakeClock
    deployer: FakeDeployer
    monitoring: FakeMonitoring
    bug_database: InMemoryBugDatabase
    runner: FakeTestRunner
    profile: ServiceProfile
    artefacts: InMemoryArtefacts = field(default_factory=InMemoryArtefacts)
    lines: list[str] = field(default_factory=list)
    advisor: Advisor | None = None

    @property
    def production(self) -> Sha:
        return self.commits["production"]

    @property
    def code_host(self) -> LocalCodeHost:
        return LocalCodeHost(self.bug_database)

    def progress(self, line: str) -> None:
        self.lines.append(line)

    def another_worker(self) -> GitRepository:
        """The same remote through another machine's mirror."""
        return GitRepository(self.folder / "other-mirrors", self.history.url)

    @property
    def recovery_tools(self) -> RecoveryTools:
        return RecoveryTools(
            profile=self.profile,
            repository=self.repository,
            deployer=self.deployer,
            alternative=None,
            monitoring=self.monitoring,
            code_host=self.code_host,
            bug_database=self.bug_database,
            artefacts=self.artefacts,
            clock=self.clock,
            progress=self.progress,
        )

    def report(self, **params: Any) -> IncidentReport:
        given = {"service": "shop", "description": "Quotes for ten pieces fail with 500.", **params}
        return IncidentReport.parse(given, self.clock.now())

    def open(self, run_id: str = "run-1", by: str = "ada", **params: Any) -> Incident:
        """An incident, opened by the step itself."""
        return open_incident(
            self.report(**params),
            self.profile,
            RunIdentity(dag_id="emergency_hotfix", run_id=run_id, triggered_by=by),
            repository=self.repository,
            deployer=self.deployer,
            bug_database=self.bug_database,
            artefacts=lambda _, __: self.artefacts,
            clock=self.clock,
        )

    def diagnosis(self, **changes: Any) -> Diagnosis:
        """The culprit of this history, proved."""
        culprit = self.repository.commit(self.commits["culprit"])
        return a_diagnosis(
            **{
                "culprit": culprit,
                "good": self.commits["first"],
                "bad": self.production,
                "signature": FAILURE,
                **changes,
            }
        )

    def plan(self, incident: Incident, diagnosis: Diagnosis | None = None) -> FixPlan:
        return plan_minimal_fix(
            incident,
            self.profile,
            diagnosis or self.diagnosis(),
            repository=self.repository,
            runner=self.runner,
            artefacts=self.artefacts,
            bug_database=self.bug_database,
            advisor=self.advisor,
            progress=self.progress,
        )

    def apply(self, incident: Incident, plan: FixPlan | None = None, diagnosis: Diagnosis | None = None) -> Fix:
        return apply_fix(
            incident,
            self.profile,
            diagnosis or self.diagnosis(),
            plan or self.plan(incident, diagnosis),
            repository=self.repository,
            runner=self.runner,
            artefacts=self.artefacts,
            progress=self.progress,
        )

    def fixed(self, incident: Incident, *candidates: Any) -> Fix:
        """The fix of the incident by its first candidate, or by the given ones."""
        plan = a_plan(*candidates, base=self.production) if candidates else None
        return self.apply(incident, plan)

    def push_production(self, subject: str = "Restock", **changes: Any) -> Sha:
        """Somebody else's newer version, deployed."""
        sha = self.history.commit(subject, {"shop/stock.py": f"# {subject}\n{STOCK}", **changes})
        self.repository.fetch()
        self.deployer.deploy(sha, self.folder)
        return sha


class ReadingTestRunner(FakeTestRunner):
    """Reproduces the failure by looking at the checkout, so that commits made in a test need no script."""

    def reproduce(self, checkout: Path, sha: Sha) -> Any:
        code = (checkout / "shop" / "pricing.py").read_text(encoding="utf-8")
        self.signatures.setdefault(sha, FAILURE if "TIERS[quantity]" in code else "")
        return super().reproduce(checkout, sha)


def make_history(folder: Path) -> dict[str, Sha]:
    """The shop's remote in ``folder``; the commits by name."""
    history = GitHistory(folder)
    tree: dict[str | bytes, Any] = {
        "shop/__init__.py": "",
        "shop/pricing.py": GOOD_PRICING,
        "shop/stock.py": STOCK,
        "tests/test_pricing.py": TEST,
        "README.md": "# Shop\n",
    }
    first = history.commit("Sell things", tree)
    history.tag("v1", first)
    described = history.commit("Describe the shop", {"README.md": "# Shop\n\nIt sells.\n"})
    culprit = history.commit("Look tiers up by quantity", {"shop/pricing.py": BAD_PRICING})
    production = history.commit("Say when stock is empty", {"shop/stock.py": f"{STOCK}\n\nEMPTY = 0\n"})
    return {"first": first, "described": described, "culprit": culprit, "production": production}


def make_world(folder: Path, template: Path, commits: dict[str, Sha]) -> World:
    """A world of its own in ``folder``, with a copy of the remote that ``make_history`` made in ``template``."""
    shutil.copytree(template, folder / "remote.git")
    history = GitHistory(folder / "remote.git")
    first, production = commits["first"], commits["production"]
    clock = FakeClock()
    deployer = FakeDeployer(first, clock)
    deployer.deploy(production, folder)
    deployer.calls.clear()
    clock.sleep(3600)
    repository = GitRepository(folder / "mirrors", history.url)
    repository.fetch()
    return World(
        folder=folder,
        history=history,
        commits=dict(commits),
        repository=repository,
        clock=clock,
        deployer=deployer,
        monitoring=FakeMonitoring(clock, deployer.live),
        bug_database=InMemoryBugDatabase(),
        runner=ReadingTestRunner(),
        profile=a_profile(repository=history.url),
    )
