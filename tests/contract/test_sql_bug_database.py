"""The real ledger: the contract on every database, and what only several processes and real failures show."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import traceback
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from hotfix.adapters.bug_database import migrations, upsert
from hotfix.adapters.bug_database.engine import open_engine, parse_url
from hotfix.adapters.bug_database.errors import BugDatabaseUnavailable, BugDatabaseUnusable, UnreadableRecord
from hotfix.adapters.bug_database.migrations import VERSION_TABLE, upgrade
from hotfix.adapters.bug_database.store import SqlBugDatabase
from hotfix.adapters.bug_database.tables import Table
from hotfix.domain.follow_up import FollowUpKind
from hotfix.domain.release import Push
from hotfix.ports.bug_database import BugDatabase, IncidentStatus
from tests.contract.bug_database_contract import (
    NOW,
    SHA,
    BugDatabaseContract,
    an_event,
    an_incident,
    an_item,
)

POSTGRES = os.environ.get("HOTFIX_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")
ROOT = Path(__file__).parents[2]
WORKER = Path(__file__).with_name("bug_database_worker.py")


@contextmanager
def postgres_schema() -> Iterator[str]:
    """The address of an empty schema of its own."""
    try:
        engine = create_engine(POSTGRES, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3})
        connection = engine.connect()
    except (ImportError, SQLAlchemyError) as error:
        pytest.skip(
            f"no PostgreSQL answers at {make_url(POSTGRES)!r} ({type(error).__name__}); HOTFIX_TEST_POSTGRES names one"
        )
    schema = f"hotfix_test_{uuid.uuid4().hex}"
    with connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
        try:
            address = make_url(POSTGRES).update_query_dict({"options": f"-csearch_path={schema}"})
            yield address.render_as_string(hide_password=False)
        finally:
            connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


@contextmanager
def empty_database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder}/bugs.db"
    else:
        with postgres_schema() as url:
            yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with empty_database(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def url(empty_url: str) -> str:
    upgrade(empty_url)
    return empty_url


class Worker:
    """A process of ``bug_database_worker.py`` that waits for ``go``."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(WORKER), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'include'}{os.pathsep}{ROOT}"},
        )

    def wait_until_ready(self) -> None:
        assert self.process.stdout
        assert self.process.stdout.readline() == "ready\n", self.process.communicate()[1]

    def go(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def finish(self) -> list[str]:
        printed, errors = self.process.communicate(timeout=120)
        assert self.process.returncode == 0, errors
        return printed.split()


@contextmanager
def workers(*arguments: tuple[str, ...]) -> Iterator[list[Worker]]:
    """Processes that have all loaded and start at the same moment."""
    started = [Worker(*one) for one in arguments]
    try:
        for worker in started:
            worker.wait_until_ready()
        for worker in started:
            worker.go()
        yield started
    finally:
        for worker in started:
            if worker.process.poll() is None:
                worker.process.kill()
            worker.process.communicate()


class TestSqlBugDatabase(BugDatabaseContract):
    @pytest.fixture
    def database(self, url: str) -> BugDatabase:
        return SqlBugDatabase(url)


class TestSqlBugDatabaseWithoutOnConflict(BugDatabaseContract):
    """The way for every other database, shown on those that are here."""

    @pytest.fixture
    def database(self, url: str, monkeypatch: pytest.MonkeyPatch) -> BugDatabase:
        monkeypatch.setattr(upsert, "ON_CONFLICT", {})
        return SqlBugDatabase(url)


def test_many_processes_lose_nothing_and_double_nothing(url: str) -> None:
    rounds, names = 15, ("first", "second", "third")
    with workers(*(("hammer", url, name, str(rounds)) for name in names)) as hammering:
        for worker in hammering:
            assert worker.finish() == [str(number) for number in range(rounds)]

    database = SqlBugDatabase(url)
    recorded = [row.id for row in database.incidents()]
    assert sorted(recorded) == sorted(f"{name}-{n}" for name in ("shared", *names) for n in range(rounds))
    for number in range(rounds):
        shared = database.incident_of_run(f"shared-{number}")
        assert shared is not None
        assert sorted(event.key for event in database.timeline(shared)) == ["first", "second", "shared", "third"]
        push = database.find(shared, Push)
        assert push is not None
        assert push.branch in names
        assert database.attempts(shared.id)[0].facts == dict.fromkeys(names, "was here")
        assert len(database.owed(shared.id)) == 1
    with open_engine(parse_url(url)).connect() as connection:
        counts = {table: connection.scalar(text(f"SELECT count(*) FROM {table}")) for table in ("documents", "events")}
    assert counts == {"documents": rounds, "events": 4 * rounds}


def in_step(write: Callable[[str, int], None], rounds: int = 10) -> None:
    """Call ``write`` with the names of four threads, in rounds that begin at the same moment."""
    barrier = threading.Barrier(4)

    def run(name: str) -> None:
        for number in range(rounds):
            barrier.wait(30)
            write(name, number)

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(run, name) for name in ("first", "second", "third", "fourth")]:
            done.result()


def test_closings_at_the_same_moment_lose_no_fact(url: str) -> None:
    database = SqlBugDatabase(url)
    incident = database.open_incident(an_incident())
    in_step(
        lambda name, number: database.close_incident(
            incident, IncidentStatus.RESOLVED, NOW, {f"{name}-{number}": "was here"}
        )
    )
    assert len(database.attempts(incident.id)[0].facts) == 40


def test_writes_at_the_same_moment_without_on_conflict_double_nothing(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upsert, "ON_CONFLICT", {})
    database = SqlBugDatabase(url)

    def write(name: str, number: int) -> None:
        incident = database.open_incident(an_incident(id=f"INC-{number}", run_id=f"run-{number}"))
        database.note(incident, an_event("one", what=name))

    in_step(write)
    assert len(database.incidents()) == 10
    assert all(len(database.timeline(an_incident(id=f"INC-{n}"))) == 1 for n in range(10))


def test_a_killed_process_leaves_what_it_had_written(url: str) -> None:
    with workers(("write", url, "ada", "100000")) as (writer,):
        assert writer.process.stdout
        written = [int(writer.process.stdout.readline()) for _ in range(20)]
        os.kill(writer.process.pid, signal.SIGKILL)
        rest, _ = writer.process.communicate()
        written += [int(line) for line in rest.splitlines(keepends=True) if line.endswith("\n")]

    upgrade(url)
    database = SqlBugDatabase(url)
    incident = database.incident_of_run("run-1")
    assert incident is not None
    noted = [int(event.key) for event in database.timeline(incident)]
    # One more may be there: written, but not yet said.
    assert noted in (written, [*written, len(written)])
    push = database.find(incident, Push)
    assert push is not None
    assert int(push.branch.split("-")[0]) in (written[-1], written[-1] + 1)
    database.note(incident, an_event("after"))
    if url.startswith("sqlite"):
        with sqlite3.connect(make_url(url).database or "") as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_several_processes_upgrade_at_once(empty_url: str) -> None:
    with workers(*[("upgrade", empty_url, "-", "0")] * 4) as upgrading:
        for worker in upgrading:
            worker.finish()
    assert SqlBugDatabase(empty_url).incidents() == ()


def test_an_upgrade_behind_one_that_hangs_gives_up_and_can_be_repeated(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with migrations.alone(open_engine(parse_url(empty_url))), monkeypatch.context() as patch:
        patch.setattr(migrations, "LOCK_SECONDS", 1)
        with pytest.raises(BugDatabaseUnavailable, match=r"has been upgrading|lock timeout"):
            upgrade(empty_url)
    upgrade(empty_url)
    assert SqlBugDatabase(empty_url).incidents() == ()


def test_an_upgrade_that_fails_half_way_leaves_nothing(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def upgrade_and_die(config: Config, revision: str) -> None:
        real(config, revision)
        raise RuntimeError("the power went")

    real = command.upgrade
    monkeypatch.setattr(command, "upgrade", upgrade_and_die)
    with pytest.raises(RuntimeError):
        upgrade(empty_url)
    with pytest.raises(BugDatabaseUnusable, match="does not have the tables"):
        SqlBugDatabase(empty_url).incidents()
    monkeypatch.undo()
    upgrade(empty_url)
    assert SqlBugDatabase(empty_url).incidents() == ()


def test_upgrading_again_keeps_everything(url: str) -> None:
    database = SqlBugDatabase(url)
    incident = database.open_incident(an_incident())
    database.note(incident, an_event("one"))
    upgrade(url)
    assert len(database.timeline(incident)) == 1


def test_the_migrations_make_the_declared_tables(url: str) -> None:
    with open_engine(parse_url(url)).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "version_table": VERSION_TABLE})
        assert Table.metadata.tables
        assert compare_metadata(context, Table.metadata) == []


def test_a_newer_database_is_left_alone(url: str) -> None:
    with open_engine(parse_url(url)).begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(BugDatabaseUnusable, match="newer version"):
        upgrade(url)


def test_an_empty_database_says_what_to_do(empty_url: str) -> None:
    with pytest.raises(BugDatabaseUnusable, match="Upgrade its schema"):
        SqlBugDatabase(empty_url).incidents()


def test_an_unreadable_document_is_not_a_missing_one(url: str) -> None:
    database = SqlBugDatabase(url)
    incident = database.open_incident(an_incident())
    database.record(incident, Push(branch="b", commit=SHA, remote="r"))
    with open_engine(parse_url(url)).begin() as connection:
        connection.execute(text("UPDATE documents SET content = :it"), {"it": json.dumps({"branch": "b", "new": 1})})
    with pytest.raises(UnreadableRecord, match="a Push of incident INC-1"):
        database.find(incident, Push)


def test_a_write_that_fails_half_way_leaves_nothing(url: str) -> None:
    database = SqlBugDatabase(url)
    incident = database.open_incident(an_incident())
    naive = an_item(FollowUpKind.FULL_FIX).model_copy(update={"due_at": NOW.replace(tzinfo=None)})
    with pytest.raises(ValueError, match="timezone"):
        database.owe(incident, (an_item(FollowUpKind.CODE_REVIEW), naive))
    assert database.owed() == ()


def test_the_issue_is_kept_in_its_last_form(url: str) -> None:
    database = SqlBugDatabase(url)
    incident = database.open_incident(an_incident())
    database.save_issue(incident, "Down", "old", ())
    database.save_issue(incident, "Down", "new", ("emergency", "ü"))
    with open_engine(parse_url(url)).connect() as connection:
        rows = connection.execute(text("SELECT incident_id, title, body, labels FROM issues")).all()
    assert [tuple(row) for row in rows] == [("INC-1", "Down", "new", '["emergency", "ü"]')]


@pytest.fixture
def unused_port() -> Iterator[int]:
    """A port on which nobody can listen while the test runs."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def test_no_server_is_retryable(unused_port: int) -> None:
    pytest.importorskip("psycopg", reason="the PostgreSQL driver psycopg is not installed")
    url = f"postgresql://ada:s3cr%40t@127.0.0.1:{unused_port}/bugs"
    for call in (SqlBugDatabase(url).incidents, lambda: upgrade(url)):
        with pytest.raises(BugDatabaseUnavailable, match=r"on 127\.0\.0\.1") as caught:
            call()
        assert caught.value.retryable
        assert "s3cr" not in str(caught.value)


def test_a_password_that_the_driver_repeats_is_not_passed_on(unused_port: int) -> None:
    pytest.importorskip("psycopg", reason="the PostgreSQL driver psycopg is not installed")
    # The driver quotes an sslmode that it does not know.
    database = SqlBugDatabase(f"postgresql://ada:s3cr%40t@127.0.0.1:{unused_port}/bugs?sslmode=s3cr%40t")
    with pytest.raises(BugDatabaseUnavailable, match="sslmode") as caught:
        database.incidents()
    assert '"***"' in str(caught.value)
    assert "s3cr@t" not in "".join(traceback.format_exception(caught.value))


def test_a_locked_sqlite_file_is_waited_for_then_retryable(tmp_path: Path) -> None:
    upgrade(f"sqlite:///{tmp_path}/bugs.db")
    database = SqlBugDatabase(f"sqlite:///{tmp_path}/bugs.db?timeout=0.3")
    incident = database.open_incident(an_incident())
    holder = sqlite3.connect(tmp_path / "bugs.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(BugDatabaseUnavailable, match="locked"):
        database.note(incident, an_event("one"))
    assert database.timeline(incident) == (), "readers do not wait for a writer"
    holder.execute("ROLLBACK")
    holder.close()
    database.note(incident, an_event("one"))
    assert len(database.timeline(incident)) == 1


def test_sqlite_waits_thirty_seconds_keeps_a_log_and_checks_references(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/bugs.db"
    upgrade(url)
    with open_engine(parse_url(url)).connect() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("busy_timeout", "journal_mode", "foreign_keys")
        }
    assert settings == {"busy_timeout": 30_000, "journal_mode": "wal", "foreign_keys": 1}


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("these are my notes, and they are not a database " * 40)
    before = (tmp_path / "notes.txt").read_bytes()
    for call in (
        SqlBugDatabase(f"sqlite:///{tmp_path}/notes.txt").incidents,
        lambda: upgrade(f"sqlite:///{tmp_path}/notes.txt"),
    ):
        with pytest.raises(BugDatabaseUnusable, match="not a database"):
            call()
    assert (tmp_path / "notes.txt").read_bytes() == before


def test_upgrade_makes_the_folder(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/100%/deep/bugs.db"
    upgrade(url)
    assert SqlBugDatabase(url).incidents() == ()


def test_upgrade_says_when_the_folder_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BugDatabaseUnusable, match="cannot be written"):
        upgrade(f"sqlite:///{tmp_path}/file/bugs.db")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sqlite://", "another one in every process"),
        ("sqlite:///:memory:", "another one in every process"),
        ("sqlite:///bugs.db", "absolute path"),
        ("nonsense with a s3cret", "cannot be read"),
        ("hyperbase://ada:s3cret@host/bugs", "no driver for hyperbase"),
    ],
)
def test_an_address_that_cannot_work_is_refused_at_once(url: str, says: str) -> None:
    with pytest.raises(BugDatabaseUnusable, match=says) as caught:
        SqlBugDatabase(url)
    assert not caught.value.retryable
    assert "s3cret" not in str(caught.value)
