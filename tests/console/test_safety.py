"""Who gets in, and that nothing in a record becomes active on a page."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from hotfix.adapters.bug_database import SqlBugDatabase
from hotfix.airflow.artefact_store import ObjectArtefactStore
from hotfix.console.markdown import render
from hotfix.domain.follow_up import FollowUp, FollowUpItem, FollowUpKind, PostMortem, PullRequest
from hotfix.domain.rollback import Escalation
from hotfix.ports.bug_database import Event, IncidentStatus
from tests.contract.bug_database_contract import NOW, SHA, an_incident

SCRIPT = "<script>alert('taken')</script><img src=x onerror=alert(1)>\"><svg/onload=alert(2)>'"
MARKDOWN = f"""# {SCRIPT}

{SCRIPT}

| {SCRIPT} |
|---|
| {SCRIPT} |

[a](javascript:alert(1)) [b](JaVaScRiPt:alert(1)) [c](data:text/html,x) [d](vbscript:x) [e](/auth/logout) [f](//evil)
<javascript:alert(1)> ![pixel](https://picture.example/1.png) [g](https://good.example "{SCRIPT}")

<div onclick="alert(1)">

</div>

```diff
+{SCRIPT}
```

```{SCRIPT}
{SCRIPT}
```

- [ ] {SCRIPT}
- [x] [ ] {SCRIPT}

[x]: https://good.example
"""
# Everything that our own templates and the Markdown renderer make.
TAGS = {
    *("html", "head", "meta", "title", "style", "script", "body", "header", "nav", "main", "footer", "section"),
    *("article", "details", "summary", "div", "h1", "h2", "h3", "p", "pre", "ul", "ol", "li", "dl", "dt", "dd"),
    *("table", "thead", "tbody", "tr", "th", "td", "a", "span", "b", "small", "em", "strong", "code", "time"),
}
ATTRIBUTES = {
    *("lang", "charset", "name", "content", "http-equiv", "class", "id", "title", "datetime", "open"),
    *("href", "target", "rel", "aria-label", "aria-current"),
}
SAFE_LINKS = ("/hotfix/", "/dags/", "https://code.example/", "https://good.example", "https://picture.example/")


class Reading(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.links: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links |= {value or "" for name, value in attrs if name in ("href", "src")}


@pytest.fixture
def hostile(bug_database: SqlBugDatabase, artefact_root: str) -> SqlBugDatabase:
    """A record whose every free text is an attack."""
    incident = an_incident(title=SCRIPT, description=SCRIPT, reported_by=SCRIPT, service=SCRIPT)
    bug_database.open_incident(incident)
    bug_database.note(incident, Event(at=NOW, step=SCRIPT, what=SCRIPT, key="1"))
    items = (
        FollowUpItem(kind=FollowUpKind.FULL_FIX, title=SCRIPT, due_at=NOW),
        FollowUpItem(kind=FollowUpKind.CODE_REVIEW, title=SCRIPT, due_at=NOW),
    )
    bug_database.owe(incident, items)
    bug_database.settle(incident.id, FollowUpKind.CODE_REVIEW, NOW, SCRIPT)
    document = ObjectArtefactStore(artefact_root, incident.id, 1).put("post-mortem.md", MARKDOWN)
    bug_database.record(incident, PostMortem(document=document, summary=SCRIPT, action_items=1))
    bug_database.record(
        incident,
        Escalation(
            reason=SCRIPT,
            attempted=(SCRIPT,),
            rollback_candidates=(SCRIPT,),
            next_options=(SCRIPT,),
            commander=SCRIPT,
            run_id=SCRIPT,
        ),
    )
    pull = PullRequest(
        branch="follow-up/INC-1", title=SCRIPT, url=f'https://code.example/"{SCRIPT}', draft=True, head=SHA
    )
    bug_database.save_pull_request(incident, pull, MARKDOWN)
    bug_database.record(incident, FollowUp(pull_request=pull, items=items))
    facts = {"culprit": SCRIPT, SCRIPT: SCRIPT, "why_not": SCRIPT}
    bug_database.close_incident(incident, IncidentStatus.FAILED, NOW + timedelta(minutes=1), facts)
    return bug_database


PULL = "/pull-requests/INC-1/follow-up/INC-1"
PAGES = ("/", "/owed", "/incidents/INC-1", "/incidents/INC-1/attempts/1/post-mortem", PULL)


@pytest.mark.parametrize("address", PAGES)
def test_nothing_in_a_record_becomes_active(reader: TestClient, hostile: SqlBugDatabase, address: str) -> None:
    answer = reader.get(f"/hotfix{address}")
    assert answer.status_code == 200
    assert "alert(" in answer.text, "the attack has to be on the page for this test to mean something"
    page = Reading(answer.text)
    assert set(page.tags) <= TAGS
    assert page.tags.count("script") == 1
    assert page.attributes <= ATTRIBUTES
    assert page.links
    assert [link for link in page.links if not link.startswith(SAFE_LINKS)] == []


def test_an_address_is_quoted_in_a_refusal(reader: TestClient, bug_database: SqlBugDatabase) -> None:
    answer = reader.get("/hotfix/runs/%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    assert answer.status_code == 404
    assert Reading(answer.text).tags.count("script") == 1


@pytest.mark.parametrize("address", [*PAGES, "/incidents/none"])
def test_a_browser_is_told_to_run_and_load_nothing_else(
    reader: TestClient, hostile: SqlBugDatabase, address: str
) -> None:
    answer = reader.get(f"/hotfix{address}")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert "unsafe" not in policy
    assert len(re.findall(r"'sha256-[A-Za-z0-9+/]{43}='", policy)) == 2
    assert answer.headers["cache-control"] == "no-store"


def test_a_text_links_only_web_pages_and_loads_no_pictures() -> None:
    rendered = Reading(render(MARKDOWN))
    assert rendered.links == {"https://good.example", "https://picture.example/1.png"}
    assert "img" not in rendered.tags


def test_no_route_answers_a_stranger(app: FastAPI, stranger: TestClient, hostile: SqlBugDatabase) -> None:
    routes = [route for route in app.routes if isinstance(route, APIRoute)]
    assert len(routes) == len(app.routes) == 7
    for route in routes:
        address = route.path.replace("{number}", "1").replace("{run_id}", "run-1").replace("{incident_id}", "INC-1")
        address = address.replace("{branch:path}", "follow-up/INC-1")
        answer = stranger.get(f"/hotfix{address}")
        assert answer.status_code == 401, address
        assert "alert(" not in answer.text
        assert f"/api/v2/auth/login?next=/hotfix{address}" in answer.text


def test_pages_are_only_read(reader: TestClient, hostile: SqlBugDatabase) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for address in PAGES:
            assert reader.request(method, f"/hotfix{address}").status_code == 405
