"""What tasks are handed writes its effects down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hotfix.adapters.journaled import NoIncident, Work

pytestmark = pytest.mark.airflow

PROFILE = """\
name: shop
repository: file://{remote}
deployer: {{kind: command, deploy: [touch, "{remote}/deployed"], rollback: ["true"], status: ["true"]}}
alternative_deployer: {{kind: command, deploy: [touch, "{remote}/deployed"], rollback: ["true"], status: ["true"]}}
commands: {{test: ["true"]}}
tests: {{critical: [tests/test_shop.py]}}
monitoring: {{url: "http://127.0.0.1:9", probes: [/healthz]}}
"""


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    from hotfix.airflow import work
    from hotfix.airflow.toolbox import toolbox

    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "shop.yaml").write_text(PROFILE.format(remote=tmp_path), encoding="utf-8")
    monkeypatch.setenv("HOTFIX_SERVICES", str(tmp_path / "services"))
    monkeypatch.setenv("HOTFIX_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(work, "work_at_hand", lambda bug_database: Work(None, "run-1"))
    toolbox.cache_clear()
    yield tmp_path
    toolbox.cache_clear()


def test_whatever_a_task_can_get_asks_the_journal_first(remote: Path) -> None:
    from hotfix.airflow.toolbox import toolbox
    from tests.contract.bug_database_contract import an_incident

    tools = toolbox()
    service = tools.service("shop")
    assert service.alternative is not None
    sha, incident = "a" * 40, an_incident()
    effects = [
        lambda: service.repository.push("refs/heads/x", sha, expect=None),
        lambda: service.repository.delete("refs/heads/x", expect=sha),
        lambda: tools.repository_of(service.profile).push("refs/heads/x", sha, expect=None),
        lambda: service.deployer.deploy(sha, remote),
        lambda: service.deployer.restore(sha),
        lambda: service.alternative.deploy(sha, remote),  # type: ignore[union-attr]
        lambda: tools.code_host("shop").open_pull(incident, "x", sha, "title", "body"),
        lambda: tools.code_host("shop").open_issue(incident, "title", "body", ()),
    ]
    for effect in effects:
        with pytest.raises(NoIncident):
            effect()
    assert not (remote / "deployed").exists()
