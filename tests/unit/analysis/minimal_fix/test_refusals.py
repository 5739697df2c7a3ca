"""What is not taken back before a person has said yes."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from hotfix.analysis.minimal_fix.refusals import migrations, security_fix, too_old
from hotfix.domain.revert import LineEdit

NOW = datetime(2026, 3, 1, tzinfo=timezone.utc)


def an_edit(old: str, new: str, path: str = "shop/views.py") -> LineEdit:
    """Taking back what made ``new`` into ``old``."""
    return LineEdit(path, "@@ -1 +1 @@", 0, (f"{old}\n".encode(),), (f"{new}\n".encode(),))


@pytest.mark.parametrize(
    "message",
    [
        "Fix CVE-2024-12345",
        "Merge GHSA-2f9x-5v75-3qv4",
        "Quote names: SQL injection in the search",
        "Security fix for the upload form",
        "Close an open redirect after login",
        "Be safe from path traversal in downloads\n\nFound by a customer.",
        "Prevent XSS in the comments",
        "Sanitize file names",
        "Fix a vulnerability in the parser",
    ],
)
def test_a_message_that_speaks_of_security(message: str) -> None:
    assert "its message speaks of" in security_fix(message, ())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return escape(name)", "return name"),
        ("if hmac.compare_digest(a, b):", "if a == b:"),
        ("@login_required", ""),
        ("requests.get(url, verify=True)", "requests.get(url)"),
        ("context.check_hostname = True", "context.x = True"),
        ("if not user.is_authenticated:", "if not user:"),
        ("yaml.safe_load(text)", "text"),
        ("requests.get(url)", "requests.get(url, verify=False)"),
        ("run(command)", "run(command, shell=True)"),
        ("return Markup(x)", "return mark_safe(x)"),
    ],
)
def test_lines_that_protect_would_go_or_open_ones_come_back(old: str, new: str) -> None:
    assert "shop/views.py would" in security_fix("Tidy up", [an_edit(old, new)])


@pytest.mark.parametrize(
    ("message", "old", "new"),
    [
        ("Raise an exception on end of input in CliRunner", "raise EOFError() from e", "return line"),
        ("Add timestamp as option to DateTime Fields", "x = timestamp(value)", "x = value"),
        ("Tokenize faster, with an assessment", "return tokens[::-1]", "return reversed(tokens)"),
        ("Rename a variable", "return escape(shown)", "return escape(name)"),
        ("Explain", "# escape(name) is done by the caller", ""),
        ("Injection of dependencies into views", "inject(view)", "view"),
    ],
)
def test_everyday_changes_are_not_refused(message: str, old: str, new: str) -> None:
    assert security_fix(message, [an_edit(old, new)]) == ""


def test_tests_and_texts_do_not_protect() -> None:
    assert (
        security_fix("Tidy up", [an_edit("escape(x)", "x", "tests/test_a.py"), an_edit("ssl", "", "README.md")]) == ""
    )


def test_migrations_in_the_usual_places_and_in_those_of_the_service() -> None:
    paths = (
        "migrations/0001_first.py",
        "shop/migrations/0002_more.py",
        "alembic/versions/3f_add.py",
        "db/migrate/20240101_add.rb",
        "sql/schema.sql",
        "V2__add_column.sql",
        "store/changes/4.txt",
    )
    innocent = ("shop/migrations/__init__.py", "shop/immigrations.py", "reports/daily.sql", "docs/migrations.md")
    assert migrations((*paths, *innocent), ("store/changes/",)) == paths
    assert migrations(("a/b.ddl",), ("*.ddl",)) == ("a/b.ddl",)


def test_a_culprit_older_than_the_limit_names_both_ages() -> None:
    assert too_old(NOW - timedelta(days=365), NOW, 365) == ""
    words = too_old(NOW - timedelta(days=400), NOW, 365)
    assert "400 days" in words
    assert "365" in words
