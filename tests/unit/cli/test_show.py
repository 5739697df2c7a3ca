"""``python -m hotfix show``: what a person reads first after a lost machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotfix.adapters.bug_database import SqlBugDatabase, upgrade
from hotfix.cli import main
from hotfix.domain.effect import EffectState
from tests.contract.bug_database_contract import NOW, PUSHED, SHIPPED, an_event, an_incident


def test_it_shows_the_journal_with_what_is_still_under_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"sqlite:///{tmp_path}/bugs.db"
    upgrade(url)
    database = SqlBugDatabase(url)
    incident = database.open_incident(an_incident())
    database.note(incident, an_event("one"))
    database.begin_effect(incident, PUSHED, "run-1", NOW)
    database.end_effect(incident, PUSHED, EffectState.DONE, NOW)
    database.begin_effect(incident, SHIPPED, "run-1", NOW)
    assert main(["--database", url, "show", "INC-1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:] == [
        "  2026-03-01 03:00:00  deploy: it happened",
        "  2026-03-01 03:00:00  [done] set_ref refs/heads/hotfix/INC-1 (aaaaaaaaaaaa)",
        "  2026-03-01 03:00:00  [under_way] deploy aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa (local)",
    ]
