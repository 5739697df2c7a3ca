"""What the pages show of a recorded incident."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from hotfix.adapters.bug_database import SqlBugDatabase
from hotfix.adapters.local_code_host import LocalCodeHost
from hotfix.airflow.artefact_store import ObjectArtefactStore
from hotfix.console.views import happenings
from hotfix.domain.follow_up import FollowUp, FollowUpItem, FollowUpKind, PostMortem, PullRequest
from hotfix.domain.incident import Incident
from hotfix.domain.rollback import Escalation
from hotfix.ports.bug_database import Event, IncidentStatus
from tests.contract.bug_database_contract import NOW, SHA, an_incident, an_item
from tests.support.documents import a_stability_report

FIRST = an_incident(title="Checkout answers 500", run_id="manual__2026-03-01T03:00:00+00:00")
SECOND = an_incident(
    title="Checkout answers 500", attempt=2, run_id="INC-1__attempt_2", opened_at=NOW + timedelta(minutes=5)
)


def write_post_mortem(bug_database: SqlBugDatabase, root: str, incident: Incident, text: str) -> PostMortem:
    document = ObjectArtefactStore(root, incident.id, incident.attempt).put("post-mortem.md", text)
    post_mortem = PostMortem(document=document, summary="it was fixed by a revert", action_items=1)
    bug_database.record(incident, post_mortem)
    return post_mortem


def open_pull_request(bug_database: SqlBugDatabase, incident: Incident, text: str, url: str) -> None:
    pull = PullRequest(branch="follow-up/INC-1", title="Follow-up of INC-1", url=url, draft=True, head=SHA)
    bug_database.save_pull_request(incident, pull, text)
    bug_database.record(incident, FollowUp(pull_request=pull, items=()))


def note(bug_database: SqlBugDatabase, incident: Incident, seconds: float, step: str, what: str, key: str) -> None:
    event = Event(at=incident.opened_at + timedelta(seconds=seconds), step=step, what=what, key=key)
    bug_database.note(incident, event)


@pytest.fixture
def two_attempts(bug_database: SqlBugDatabase) -> SqlBugDatabase:
    """The first was rolled back, the second ships."""
    bug_database.open_incident(FIRST)
    bug_database.close_incident(
        FIRST, IncidentStatus.ROLLED_BACK, NOW + timedelta(seconds=109), {"why_not": "two tests are broken"}
    )
    bug_database.open_incident(SECOND)
    bug_database.close_incident(
        SECOND, IncidentStatus.RESOLVED, SECOND.opened_at + timedelta(hours=2), {"culprit": "c0ffee" + "0" * 34}
    )
    return bug_database


class TestList:
    def test_every_attempt_is_a_row_with_state_time_and_run(
        self, reader: TestClient, two_attempts: SqlBugDatabase
    ) -> None:
        page = reader.get("/hotfix/").text
        assert page.count("Checkout answers 500") == 2
        assert '<span class="badge rolled_back">Rolled back</span>' in page
        assert '<span class="badge resolved">Resolved</span>' in page
        assert "1 min 49 s" in page
        assert "2 h" in page
        assert "2026-03-01 03:00" in page
        assert 'href="/dags/emergency_hotfix/runs/manual__2026-03-01T03%3A00%3A00%2B00%3A00"' in page
        assert page.index("INC-1#attempt-2") < page.index("INC-1#attempt-1")

    def test_one_state_can_be_chosen(self, reader: TestClient, two_attempts: SqlBugDatabase) -> None:
        page = reader.get("/hotfix/?status=resolved").text
        assert "badge resolved" in page
        assert "badge rolled_back" not in page

    def test_an_open_incident_says_so(self, reader: TestClient, bug_database: SqlBugDatabase) -> None:
        bug_database.open_incident(FIRST)
        assert "so far" in reader.get("/hotfix/").text

    def test_an_empty_database_is_said(self, reader: TestClient, bug_database: SqlBugDatabase) -> None:
        assert "No incident is recorded yet" in reader.get("/hotfix/").text

    @pytest.mark.parametrize("address", ["/", "/owed", "/runs/some-run"])
    def test_a_database_without_tables_is_said(self, reader: TestClient, address: str) -> None:
        answer = reader.get(f"/hotfix{address}")
        assert answer.status_code == 200
        assert "Before the first run" in answer.text
        assert "does not have the tables" in answer.text

    def test_links_follow_airflow_below_a_path(self, behind_a_path: TestClient, two_attempts: SqlBugDatabase) -> None:
        page = behind_a_path.get("/airflow/hotfix/").text
        assert 'href="/airflow/hotfix/incidents/INC-1#attempt-1"' in page
        assert 'href="/airflow/dags/emergency_hotfix/runs/INC-1__attempt_2"' in page


class TestIncident:
    def test_all_attempts_with_facts_and_reasons(self, reader: TestClient, two_attempts: SqlBugDatabase) -> None:
        page = reader.get("/hotfix/incidents/INC-1").text
        assert page.index("Attempt 2") < page.index("Attempt 1")
        assert "two tests are broken" in page
        assert '<code title="c0ffee0000000000000000000000000000000000">c0ffee000000</code>' in page

    def test_the_timeline_tells_each_step_once_with_its_time(
        self, reader: TestClient, bug_database: SqlBugDatabase
    ) -> None:
        bug_database.open_incident(FIRST)
        note(bug_database, FIRST, 1, "find_root_cause", "started", "find_root_cause/started/1")
        note(bug_database, FIRST, 8, "find_root_cause", "failed: GitFailed: no answer", "find_root_cause/failed/1")
        note(bug_database, FIRST, 13, "find_root_cause", "started", "find_root_cause/started/2")
        note(bug_database, FIRST, 33, "find_root_cause", "finished: it was the tax", "find_root_cause/finished/2")
        note(bug_database, FIRST, 34, "deploy", "started", "deploy/started/1")
        page = reader.get("/hotfix/incidents/INC-1").text
        assert "Timeline, 3 steps" in page
        assert page.count("<b>find_root_cause</b>") == 2
        assert '<span class="took">7 s</span>' in page
        assert '<span class="took">20 s</span>' in page
        assert "failed: GitFailed: no answer" in page
        assert '<span class="what">it was the tax</span>' in page
        assert '<li class="started">' in page
        assert "no end recorded" in page

    def test_follow_ups_are_owed_overdue_or_done(self, reader: TestClient, two_attempts: SqlBugDatabase) -> None:
        far = FollowUpItem(
            kind=FollowUpKind.SECURITY_FINDINGS, title="Mend two findings", due_at=NOW + timedelta(days=36500)
        )
        late = FollowUpItem(kind=FollowUpKind.CODE_REVIEW, title="Review it", due_at=NOW - timedelta(days=3650))
        two_attempts.owe(SECOND, (far, late, an_item(FollowUpKind.FULL_FIX, title="Fix it well")))
        two_attempts.settle("INC-1", FollowUpKind.FULL_FIX, NOW, "main has it")
        page = reader.get("/hotfix/incidents/INC-1").text
        assert "overdue for" in page
        assert "due in" in page
        assert ": main has it" in page

        owed = reader.get("/hotfix/owed").text
        assert owed.index("Review it") < owed.index("Mend two findings")
        assert "Fix it well" not in owed

    def test_a_failure_says_what_people_can_do(self, reader: TestClient, two_attempts: SqlBugDatabase) -> None:
        escalation = Escalation(
            reason="why",
            attempted=(),
            rollback_candidates=(),
            next_options=("go back to release 4",),
            commander="an approver",
            run_id="INC-1__1",
        )
        two_attempts.record(FIRST, escalation)
        page = reader.get("/hotfix/incidents/INC-1").text
        assert "go back to release 4" in page
        assert "an approver" in page

    def test_an_open_one_keeps_itself_up_to_date(self, reader: TestClient, bug_database: SqlBugDatabase) -> None:
        bug_database.open_incident(FIRST)
        assert 'http-equiv="refresh"' in reader.get("/hotfix/incidents/INC-1").text
        bug_database.close_incident(FIRST, IncidentStatus.FAILED, NOW, {})
        assert 'http-equiv="refresh"' not in reader.get("/hotfix/incidents/INC-1").text


class TestPostMortem:
    def test_it_is_rendered(self, reader: TestClient, two_attempts: SqlBugDatabase, artefact_root: str) -> None:
        text = "# Post-mortem\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n````diff\n-old\n+new\n````\n\n- [ ] review it\n"
        write_post_mortem(two_attempts, artefact_root, SECOND, text)
        assert "attempts/2/post-mortem" in reader.get("/hotfix/incidents/INC-1").text
        page = reader.get("/hotfix/incidents/INC-1/attempts/2/post-mortem").text
        assert "<h1>Post-mortem</h1>" in page
        assert "<td>2</td>" in page
        assert '<span class="removed">-old</span>\n<span class="added">+new</span>' in page
        assert '<li class="task">☐ review it</li>' in page

    def test_an_altered_one_is_not_shown(
        self, reader: TestClient, two_attempts: SqlBugDatabase, artefact_root: str, tmp_path: Path
    ) -> None:
        write_post_mortem(two_attempts, artefact_root, SECOND, "as it was written")
        (stored,) = (tmp_path / "artefacts").rglob("post-mortem.md")
        stored.write_text("as somebody would have it")
        answer = reader.get("/hotfix/incidents/INC-1/attempts/2/post-mortem")
        assert answer.status_code == 500
        assert "its checksum differs" in answer.text
        assert "as somebody would have it" not in answer.text

    def test_a_lost_one_is_said(
        self, reader: TestClient, two_attempts: SqlBugDatabase, artefact_root: str, tmp_path: Path
    ) -> None:
        write_post_mortem(two_attempts, artefact_root, SECOND, "text")
        (stored,) = (tmp_path / "artefacts").rglob("post-mortem.md")
        stored.unlink()
        answer = reader.get("/hotfix/incidents/INC-1/attempts/2/post-mortem")
        assert answer.status_code == 500
        assert "cannot be read" in answer.text


class TestErrorRate:
    def drawn(self, bug_database: SqlBugDatabase, root: str, svg: str) -> None:
        plot = ObjectArtefactStore(root, SECOND.id, SECOND.attempt).put("error-rate.svg", svg)
        bug_database.record(SECOND, a_stability_report(plot=plot))

    def test_it_is_shown_with_the_verdict(
        self, reader: TestClient, two_attempts: SqlBugDatabase, artefact_root: str
    ) -> None:
        self.drawn(two_attempts, artefact_root, "<svg>drawn</svg>")
        page = reader.get("/hotfix/incidents/INC-1")
        assert "<b>stable</b>: 0 errors in 2000 requests" in page.text
        address = "/hotfix/incidents/INC-1/attempts/2/error-rate.svg"
        assert f'src="{address}"' in page.text
        assert "img-src 'self'" in page.headers["content-security-policy"]
        picture = reader.get(address)
        assert (picture.headers["content-type"], picture.text) == ("image/svg+xml", "<svg>drawn</svg>")

    def test_opened_by_itself_it_runs_nothing(
        self, reader: TestClient, two_attempts: SqlBugDatabase, artefact_root: str
    ) -> None:
        self.drawn(two_attempts, artefact_root, "<svg><script>alert(1)</script></svg>")
        policy = reader.get("/hotfix/incidents/INC-1/attempts/2/error-rate.svg").headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "sandbox" in policy
        assert "script-src" not in policy

    def test_without_a_picture_the_verdict_is_shown_alone(
        self, reader: TestClient, two_attempts: SqlBugDatabase
    ) -> None:
        two_attempts.record(SECOND, a_stability_report())
        assert "<img" not in reader.get("/hotfix/incidents/INC-1").text
        assert reader.get("/hotfix/incidents/INC-1/attempts/2/error-rate.svg").status_code == 404


class TestPullRequest:
    def test_the_recorded_text_is_shown(self, reader: TestClient, two_attempts: SqlBugDatabase) -> None:
        open_pull_request(two_attempts, SECOND, "### To do\n\n- [x] *this*", "bug-database:pull-requests/INC-1")
        address = "/hotfix/pull-requests/INC-1/follow-up/INC-1"
        assert f'href="{address}"' in reader.get("/hotfix/incidents/INC-1").text
        page = reader.get(address).text
        assert "<h3>To do</h3>" in page
        assert "☑ <em>this</em>" in page
        assert "follow-up/INC-1" in page

    def test_the_one_that_merges_back_has_a_page_of_its_own(
        self, reader: TestClient, two_attempts: SqlBugDatabase
    ) -> None:
        code_host = LocalCodeHost(two_attempts)
        follow_up = code_host.open_pull(SECOND, "follow-up/INC-1", SHA, "Follow-up of INC-1", "to do")
        back = code_host.open_pull(
            SECOND, "hotfix/INC-1", SHA, "Merge INC-1 back", "the next release needs it", draft=False
        )
        two_attempts.record(SECOND, FollowUp(pull_request=follow_up, items=(), back_merge=back))
        page = reader.get("/hotfix/incidents/INC-1").text
        addresses = re.findall(r'href="(/hotfix/pull-requests/[^"]+)"', page)
        assert addresses == [f"/hotfix/{pull.url.removeprefix('bug-database:')}" for pull in (follow_up, back)]
        assert "to do" in reader.get(addresses[0]).text
        assert "the next release needs it" in reader.get(addresses[1]).text
        assert "a draft kept in the bug database" in reader.get(addresses[0]).text
        assert "draft" not in reader.get(addresses[1]).text

    def test_no_such_pull_request_is_said(self, reader: TestClient, two_attempts: SqlBugDatabase) -> None:
        answer = reader.get("/hotfix/pull-requests/INC-1/hotfix/INC-1")
        assert (answer.status_code, "from hotfix/INC-1 is recorded" in answer.text) == (404, True)

    def test_one_on_a_code_host_is_linked(self, reader: TestClient, two_attempts: SqlBugDatabase) -> None:
        open_pull_request(two_attempts, SECOND, "text", "https://code.example/pull/7")
        assert 'href="https://code.example/pull/7"' in reader.get("/hotfix/incidents/INC-1").text

    def test_no_other_kind_of_address_is_linked(self, reader: TestClient, two_attempts: SqlBugDatabase) -> None:
        open_pull_request(two_attempts, SECOND, "text", "javascript:alert(1)")
        assert "javascript:" not in reader.get("/hotfix/incidents/INC-1").text


class TestRun:
    @pytest.mark.parametrize(
        ("run", "anchor"),
        [("manual__2026-03-01T03%3A00%3A00%2B00%3A00", 1), ("INC-1__attempt_2", 2), ("INC-1__1", 1), ("INC-1__2", 2)],
    )
    def test_a_run_leads_to_its_incident(
        self, reader: TestClient, two_attempts: SqlBugDatabase, run: str, anchor: int
    ) -> None:
        answer = reader.get(f"/hotfix/runs/{run}")
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/hotfix/incidents/INC-1#attempt-{anchor}"

    def test_a_run_without_an_incident_is_said(self, reader: TestClient, two_attempts: SqlBugDatabase) -> None:
        answer = reader.get("/hotfix/runs/scheduled__2026-03-01")
        assert answer.status_code == 404
        assert "opened no incident" in answer.text


@pytest.mark.parametrize(
    "address",
    [
        "incidents/INC-2",
        "incidents/%00",
        "incidents/" + "a" * 300,
        "incidents/..%2f..%2fowed",
        "incidents/INC-1/attempts/1/error-rate.svg",
        "incidents/INC-1/attempts/9/error-rate.svg",
        "incidents/INC-1/attempts/1/post-mortem",
        "incidents/INC-1/attempts/9/post-mortem",
        "incidents/INC-1/attempts/one/post-mortem",
        "incidents/INC-1/attempts/" + "9" * 5000 + "/post-mortem",
        "incidents/INC-2/attempts/1/post-mortem",
        "pull-requests/INC-1/follow-up/INC-1",
        "pull-requests/INC-2/follow-up/INC-2",
        "runs/INC-1__3",
        "runs/INC-1__",
        "runs/__1",
        "runs/%00",
        "runs/" + "a" * 300,
        "?status=unheard-of",
        "docs",
        "redoc",
        "openapi.json",
        "nowhere",
    ],
)
def test_what_is_not_there_is_not_found(reader: TestClient, two_attempts: SqlBugDatabase, address: str) -> None:
    answer = reader.get(f"/hotfix/{address}")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")


def test_a_database_that_does_not_answer_is_said_and_not_taken_for_an_empty_one(
    reader: TestClient, two_attempts: SqlBugDatabase, tmp_path: Path
) -> None:
    (tmp_path / "bugs.db").unlink()
    (tmp_path / "bugs.db").mkdir()
    answer = reader.get("/hotfix/")
    assert answer.status_code == 503
    assert "does not answer" in answer.text


def test_an_alert_that_is_noted_in_between_leaves_a_step_in_one_line() -> None:
    told = (
        ("deploy", "started"),
        ("intake", "alert resolved: x"),
        ("intake", "alert joined: y"),
        ("chat", "asked"),
        ("chat", "warned"),
        ("deploy", "finished"),
    )
    events = [Event(at=NOW, step=step, what=what, key=str(number)) for number, (step, what) in enumerate(told)]
    shown = happenings(events)
    assert [(each.step, each.what, each.ended is not None) for each in shown] == [
        ("deploy", "", True),
        ("intake", "alert resolved: x", True),
        ("intake", "alert joined: y", True),
        ("chat", "asked", True),
        ("chat", "warned", True),
    ]
