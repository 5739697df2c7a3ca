"""What is hidden is found: the hunt for secrets is worth nothing otherwise."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from tests.support.secret_hunt import Watch, in_files

SECRET = "planted-by-a-test-0123456789"
WAIT = "import time; time.sleep(30)"


def test_files_and_rows_are_found(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "task.log").write_text(f"Authorization: Bearer {SECRET}\n")
    (tmp_path / "logs" / "clean.log").write_text("nothing here\n")
    with sqlite3.connect(tmp_path / "airflow.db") as database:
        database.execute("CREATE TABLE xcom (value TEXT)")
        database.execute("CREATE TABLE dag_run (conf BLOB)")
        # Over the end of a page, so that the bytes in the file are not in one piece.
        database.executemany("INSERT INTO xcom VALUES (?)", [("." * size + SECRET,) for size in range(4040, 4100)])
    database.close()
    found = in_files(tmp_path, [SECRET])
    assert str(tmp_path / "logs" / "task.log") in found
    assert f"{tmp_path / 'airflow.db'}: xcom" in found
    assert f"{tmp_path / 'airflow.db'}: dag_run" not in found
    assert str(tmp_path / "logs" / "clean.log") not in found


def test_processes_are_found() -> None:
    shown = subprocess.Popen([sys.executable, "-c", WAIT, SECRET])
    kept = subprocess.Popen([sys.executable, "-c", WAIT, "kept"], env={**os.environ, "TOKEN": SECRET})
    trusted = subprocess.Popen([sys.executable, "-c", WAIT, "trusted"], env={**os.environ, "TOKEN": SECRET})
    try:
        watch = Watch([SECRET], lambda arguments: arguments[-1] == b"trusted")
        deadline = time.monotonic() + 60
        while not (watch.arguments and watch.environments) and time.monotonic() < deadline:
            watch.look()
    finally:
        for process in (shown, kept, trusted):
            process.kill()
            process.wait()
    assert [each.endswith(SECRET) for each in watch.arguments] == [True]
    assert [each.endswith("kept") for each in watch.environments] == [True]
