"""CODEOWNERS as GitHub's documentation describes it; the first cases are its own example."""

from __future__ import annotations

import pytest

from hotfix.domain.code_owners import SIZE_LIMIT, CodeOwners

EXAMPLE = """\
# This is a comment.
*       @global-owner1 @global-owner2
*.js    @js-owner #This is an inline comment.
*.go docs@example.com
*.txt @octo-org/octocats
/build/logs/ @doctocat
docs/* docs@example.com @docs
apps/ @octocat
/scripts/ @doctocat @octocat
**/logs @log-owner
/apps/ @octocat
/apps/github
/apps/sql @doctocat
"""


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        ("README.md", ("global-owner1", "global-owner2")),
        ("web/app.js", ("js-owner",)),
        ("cmd/main.go", ()),
        ("notes/a.txt", ("octo-org/octocats",)),
        ("build/logs/deep/a.md", ("log-owner",)),
        ("docs/getting-started.md", ("docs",)),
        ("docs/build-app/troubleshooting.md", ("global-owner1", "global-owner2")),
        ("deep/docs/getting-started.md", ("global-owner1", "global-owner2")),
        ("deep/apps/x.md", ("octocat",)),
        ("scripts/a/b.sh", ("doctocat", "octocat")),
        ("other/scripts/b.sh", ("global-owner1", "global-owner2")),
        ("deeply/nested/logs/a.md", ("log-owner",)),
        ("apps/x.md", ("octocat",)),
        ("apps/github", ()),
        ("apps/github/x.md", ()),
        ("apps/sql/x.md", ("doctocat",)),
    ],
)
def test_the_documented_example(path: str, owners: tuple[str, ...]) -> None:
    assert CodeOwners(EXAMPLE).of(path) == owners


@pytest.mark.parametrize(
    ("rule", "path", "owned"),
    [
        (r"with\ space.txt @a", "with space.txt", True),
        ("/a/**/z.py @a", "a/z.py", True),
        ("/a/**/z.py @a", "a/b/c/z.py", True),
        ("/a/** @a", "a/b/c", True),
        ("/a/** @a", "b/a/c", False),
        ("a?.py @a", "ab.py", True),
        ("a?.py @a", "a/.py", False),
        ("src @a", "lib/src/x.py", True),
        ("src/ @a", "src", False),
        ("*.PY @a", "x.py", False),
        ("!x.py @a", "x.py", False),
        ("[ab].py @a", "a.py", False),
        ("x.py @-bad-", "x.py", False),
        ("x.py a@example.com", "x.py", False),
        ("a.c @a", "abc", False),
    ],
)
def test_single_rules(rule: str, path: str, owned: bool) -> None:
    assert CodeOwners(rule).of(path) == (("a",) if owned else ())


def test_owners_of_several_files_each_once() -> None:
    owners = CodeOwners("*.py @a @b\n*.js @b @c/team\n")
    assert owners.of_all(("x.js", "y.py", "z.py", "none")) == ("b", "c/team", "a")


def test_a_file_that_github_ignores_for_its_size_owns_nothing() -> None:
    assert CodeOwners("* @a\n").of("x") == ("a",)
    assert CodeOwners("* @a\n" + "#" * SIZE_LIMIT).of("x") == ()
