"""A commit's hunks placed one by one in a later version: real repositories, and what happens to files in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotfix.adapters.git import GitRepository
from hotfix.domain.errors import GitFailed
from hotfix.domain.revert import Edit, FileState, LineEdit, ReversePatch, edited, pieces, split_lines
from tests.support.git_history import Content, GitHistory

AT = datetime(2026, 3, 1, tzinfo=timezone.utc)
Files = dict[str | bytes, Content]


class Case(NamedTuple):
    history: GitHistory
    repository: GitRepository
    patch: ReversePatch
    production: str

    def with_edits(self, edits: Sequence[Edit] | None = None) -> str:
        """A commit on production with ``edits`` (None: all)."""
        chosen = self.patch.edits if edits is None else edits
        return self.on_the_remote(self.repository.commit_files(self.production, self.patch.result(chosen), "part", AT))

    def on_the_remote(self, sha: str) -> str:
        """So that the history can show it, too."""
        ref = f"refs/hotfix/parts/{sha}"
        self.repository.push(ref, sha, expect=self.repository.remote_ref(ref))
        return sha

    def bytes_of(self, sha: str, path: str) -> bytes:
        return self.history.bytes_of(sha, path)

    def files(self, sha: str) -> tuple[str, ...]:
        return self.repository.files(sha)


Make = Callable[..., Case]


def numbered(count: int, **other: str) -> str:
    """Lines "line 1" … ; ``other`` replaces some of them: l3="x"."""
    return "".join(f"{other.get(f'l{number}', f'line {number}')}\n" for number in range(1, count + 1))


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def build(parent: Files, culprit: Files, *since: Files) -> Case:
        history = GitHistory(tmp_path / "remote.git")
        history.commit("Start", parent)
        bad = history.commit("Culprit", culprit)
        production = bad
        for number, files in enumerate(since):
            production = history.commit(f"Since {number}", files)
        repository = GitRepository(tmp_path / "mirrors", history.url)
        repository.fetch()
        return Case(history, repository, repository.reverse_patch(bad, production), production)

    return build


def test_every_hunk_can_be_taken_back_on_its_own(make: Make) -> None:
    case = make({"a.txt": numbered(20)}, {"a.txt": numbered(20, l3="three", l12="twelve")})
    first, second = case.patch.edits
    assert (first.header, second.header) == ("@@ -3 +3 @@", "@@ -12 +12 @@")
    assert case.bytes_of(case.with_edits([first]), "a.txt") == numbered(20, l12="twelve").encode()
    assert case.bytes_of(case.with_edits([second]), "a.txt") == numbered(20, l3="three").encode()
    assert case.bytes_of(case.with_edits(), "a.txt") == numbered(20).encode()
    assert case.patch.conflicts == ()


def test_hunks_are_found_below_what_was_put_in_since(make: Make) -> None:
    since = "new\n" * 5 + numbered(20, l12="twelve", l18="changed since")
    case = make({"a.txt": numbered(20)}, {"a.txt": numbered(20, l12="twelve")}, {"a.txt": since})
    assert case.bytes_of(case.with_edits(), "a.txt") == since.replace("twelve", "line 12").encode()


def test_a_hunk_that_conflicts_is_left_out_and_named_and_the_others_stay_usable(make: Make) -> None:
    """Where ``git revert`` gives up."""
    case = make(
        {"a.txt": numbered(20)},
        {"a.txt": numbered(20, l3="three", l12="twelve")},
        {"a.txt": numbered(20, l3="drei", l12="twelve")},
    )
    with pytest.raises(GitFailed):
        case.repository.revert(case.production, case.patch.culprit, "whole", AT)
    (edit,) = case.patch.edits
    assert edit.header == "@@ -12 +12 @@"
    (conflict,) = case.patch.conflicts
    assert (conflict.path, conflict.header) == ("a.txt", "@@ -3 +3 @@")
    assert case.bytes_of(case.with_edits(), "a.txt") == numbered(20, l3="drei").encode()


def test_a_hunk_that_touches_another_change_does_not_conflict(make: Make) -> None:
    case = make({"a.txt": numbered(9)}, {"a.txt": numbered(9, l5="five")}, {"a.txt": numbered(9, l4="vier", l5="five")})
    assert case.bytes_of(case.with_edits(), "a.txt") == numbered(9, l4="vier").encode()


def test_the_free_lines_of_a_hunk_are_usable_and_the_conflict_is_named(make: Make) -> None:
    case = make(
        {"a.txt": numbered(9)},
        {"a.txt": numbered(9, l4="line 4 changed", l5="line 5 changed")},
        {"a.txt": numbered(9, l4="line 4 changed", l5="something else")},
    )
    assert case.bytes_of(case.with_edits(), "a.txt") == numbered(9, l5="something else").encode()
    assert "1 of its lines" in case.patch.conflicts[0].why


def test_what_production_has_taken_back_already_is_neither_an_edit_nor_a_conflict(make: Make) -> None:
    case = make({"a.txt": numbered(9)}, {"a.txt": numbered(9, l5="five")}, {"a.txt": numbered(9)})
    assert (case.patch.edits, case.patch.conflicts) == ((), ())


def test_a_renamed_file_is_followed(make: Make) -> None:
    bad = numbered(20, l12="twelve")
    case = make({"a.txt": numbered(20)}, {"a.txt": bad}, {"a.txt": None, "lib/b.txt": f"# moved\n{bad}"})
    assert case.bytes_of(case.with_edits(), "lib/b.txt") == f"# moved\n{numbered(20)}".encode()
    assert "a.txt" not in case.files(case.with_edits())


# Enough for git not to take the file for a renamed one.
FILLER = "something else that stands here\n" * 30
SHOP = """\
class Shop:
    def price(self, quantity):
        total = quantity * self.each
        return total

    def stock(self):
        return self.shelves.count("everything that we have")
"""
BAD_SHOP = SHOP.replace("quantity * self.each", "quantity * self.each * 2")


def test_a_function_that_moved_to_a_part_of_a_split_file_is_found(make: Make) -> None:
    head, tail = BAD_SHOP.split("    def stock")
    case = make(
        {"shop.py": SHOP, "other.py": "x = 1\n"},
        {"shop.py": BAD_SHOP},
        {"shop.py": None, "shop/prices.py": head, "shop/stock.py": f"class Shop:\n    def stock{tail}"},
    )
    assert b"quantity * self.each\n" in case.bytes_of(case.with_edits(), "shop/prices.py")


def test_lines_that_moved_into_a_deeper_block_are_found_and_keep_their_indentation(make: Make) -> None:
    good = "first_thing = prepare(everything)\nsecond_thing = finish(first_thing)\nthird_thing = report()\n"
    bad = good.replace("finish(first_thing)", "finish(None)")
    moved = "if ready:\n" + "".join(f"    {line}\n" for line in bad.splitlines())
    case = make({"a.sh": good}, {"a.sh": bad}, {"a.sh": None, "b.sh": FILLER + moved})
    assert b"    second_thing = finish(first_thing)\n" in case.bytes_of(case.with_edits(), "b.sh")


def test_lines_that_stand_in_two_places_are_not_guessed(make: Make) -> None:
    good = "first_thing = prepare(everything)\nsecond_thing = finish(first_thing)\nthird_thing = report()\n"
    bad = good.replace("finish(first_thing)", "finish(None)")
    case = make({"a.sh": good}, {"a.sh": bad}, {"a.sh": None, "b.sh": FILLER + bad, "c.sh": FILLER + bad})
    assert case.patch.edits == ()
    assert [conflict.path for conflict in case.patch.conflicts] == ["a.sh"]


def test_a_function_that_was_only_laid_out_anew_goes_back(make: Make) -> None:
    """As after a formatter ran over the code base: every line differs, nothing else does."""
    good = "def f(a, b):\n    return join(a, b)\n"
    bad = "def f(a, b):\n    pair = (a, b, None)\n    return join(*pair)\n"
    laid_out = "def f(a, b):\n    pair = (\n        a,\n        b,\n        None,\n    )\n    return join( * pair )\n"
    case = make({"a.py": good}, {"a.py": bad}, {"a.py": f"import join\n\n\n{laid_out}"})
    assert case.bytes_of(case.with_edits(), "a.py") == f"import join\n\n\n{good}".encode()


def test_a_function_that_has_really_changed_is_only_a_loose_edit(make: Make) -> None:
    good = "def f(a, b):\n    return join(a, b)\n"
    bad = good.replace("join(a, b)", "join(b, a)")
    case = make({"a.py": good}, {"a.py": bad}, {"a.py": bad.replace("join(b, a)", "join(b, a, sep=',')")})
    assert case.patch.edits == ()
    assert len(case.patch.conflicts) == 1
    assert case.bytes_of(case.with_edits(case.patch.loose), "a.py") == good.encode()


def test_line_ends_of_production_are_kept(make: Make) -> None:
    good, bad = numbered(9), numbered(9, l5="five")
    case = make({"a.txt": good}, {"a.txt": bad}, {"a.txt": bad.replace("\n", "\r\n")})
    assert case.bytes_of(case.with_edits(), "a.txt") == good.replace("\n", "\r\n").encode()


def test_crlf_on_both_sides(make: Make) -> None:
    good, bad = numbered(9).replace("\n", "\r\n"), numbered(9, l5="five").replace("\n", "\r\n")
    case = make({"a.txt": good}, {"a.txt": bad}, {"a.txt": f"{bad}more\r\n"})
    assert case.bytes_of(case.with_edits(), "a.txt") == f"{good}more\r\n".encode()


@pytest.mark.parametrize(
    ("parent", "culprit"), [("a\nb", "a\nc"), ("a\nb", "a\nb\n"), ("a\nb\n", "a\nb"), ("a", "a\nb")]
)
def test_no_newline_at_the_end(make: Make, parent: str, culprit: str) -> None:
    case = make({"a.txt": parent}, {"a.txt": culprit}, {"b.txt": "since\n"})
    assert case.bytes_of(case.with_edits(), "a.txt") == parent.encode()


def test_a_line_that_was_the_last_without_an_end_gets_one_when_others_follow(make: Make) -> None:
    case = make({"a.txt": "a\nb\nc"}, {"a.txt": "a\nb"}, {"d.txt": "since\n"})
    assert case.bytes_of(case.with_edits(), "a.txt") == b"a\nb\nc"


def test_a_file_that_the_culprit_added_goes_unless_it_was_changed_since(make: Make) -> None:
    case = make({"a.txt": "a\n"}, {"new.txt": "n\n", "kept.txt": "k\n"}, {"kept.txt": "other\n"})
    (edit,) = case.patch.edits
    assert (edit.whole_file, edit.lines) == (True, 1)
    assert case.files(case.with_edits()) == ("a.txt", "kept.txt")
    assert [conflict.path for conflict in case.patch.conflicts] == ["kept.txt"]


def test_a_file_that_the_culprit_deleted_comes_back_unless_it_is_there_again(make: Make) -> None:
    case = make({"a.txt": "a\n", "b.txt": "b\n"}, {"a.txt": None, "b.txt": None}, {"b.txt": "other\n"})
    assert case.bytes_of(case.with_edits(), "a.txt") == b"a\n"
    assert [conflict.path for conflict in case.patch.conflicts] == ["b.txt"]


def test_a_renaming_culprit_is_taken_back_in_two_steps_that_go_together(make: Make) -> None:
    case = make({"a.txt": numbered(20)}, {"a.txt": None, "b.txt": numbered(20, l5="five")}, {"c.txt": "since\n"})
    lines, rename = case.patch.edits
    assert case.bytes_of(case.with_edits([lines]), "b.txt") == numbered(20).encode()
    assert case.files(case.with_edits([rename])) == ("a.txt", "c.txt")
    assert case.bytes_of(case.with_edits(), "a.txt") == numbered(20).encode()


def test_binary_content(make: Make) -> None:
    old, new = b"\0\1old", b"\0\1new"
    case = make({"a.bin": old, "b.bin": old}, {"a.bin": new, "b.bin": new}, {"b.bin": b"\0other"})
    assert case.bytes_of(case.with_edits(), "a.bin") == old
    assert [conflict.path for conflict in case.patch.conflicts] == ["b.bin"]


def test_text_in_another_encoding_keeps_its_bytes(make: Make) -> None:
    good, bad = "grün\nzwei\ndrei\n".encode("latin-1"), "grün\nZWEI\ndrei\n".encode("latin-1")
    case = make({"a.txt": good}, {"a.txt": bad}, {"b.txt": "since\n"})
    assert case.bytes_of(case.with_edits(), "a.txt") == good


def test_a_path_in_another_encoding(make: Make) -> None:
    case = make({b"gr\xfcn.txt": "a\n"}, {b"gr\xfcn.txt": "b\n"}, {"c.txt": "since\n"})
    after = case.with_edits()
    listing = case.history.git("ls-tree", "-r", "--format=%(objectname) %(path)", after)
    parent = case.history.git("ls-tree", "-r", "--format=%(objectname) %(path)", f"{case.patch.culprit}^")
    assert set(parent.splitlines()) < set(listing.splitlines())


def test_a_mode_change(make: Make) -> None:
    case = make({"run.sh": "echo\n"}, {"run.sh": "echo\n", "x": "x\n"})
    assert [edit.header for edit in case.patch.edits] == ["new file goes"]
    blob = case.history.git("rev-parse", f"{case.production}:run.sh")
    tree = case.history.git("mktree", stdin=f"100755 blob {blob}\trun.sh\n".encode())
    identity = ("-c", "user.name=Dev", "-c", "user.email=dev@example.com")
    culprit = case.history.git(*identity, "commit-tree", tree, "-p", case.production, "-m", "Run it")
    case.history.move("refs/heads/main", culprit)
    case.repository.fetch()
    patch = case.repository.reverse_patch(culprit, culprit)
    (edit,) = [edit for edit in patch.edits if "mode" in edit.header]
    back = case.on_the_remote(case.repository.commit_files(culprit, patch.result([edit]), "part", AT))
    assert case.history.git("ls-tree", back, "run.sh").startswith("100644 ")


def test_a_merge_is_taken_back_to_its_first_parent(make: Make) -> None:
    case = make({"a.txt": numbered(9)}, {"a.txt": numbered(9, l2="two")})
    side = case.history.commit(
        "Side", {"a.txt": numbered(9, l2="two", l8="eight")}, branch="side", parents=[case.production]
    )
    merge = case.history.merge("Merge", side, {"a.txt": numbered(9, l2="two", l8="eight")})
    case.repository.fetch()
    patch = case.repository.reverse_patch(merge, merge)
    assert [edit.header for edit in patch.edits] == ["@@ -8 +8 @@"]


def test_a_root_commit_has_nothing_to_go_back_to(make: Make) -> None:
    case = make({"a.txt": "a\n"}, {"a.txt": "b\n"})
    root = case.repository.commit(case.patch.culprit).parents[0]
    with pytest.raises(GitFailed, match="no parent"):
        case.repository.reverse_patch(root, case.production)


def test_the_same_edits_give_the_same_commit(make: Make) -> None:
    case = make({"a.txt": numbered(9)}, {"a.txt": numbered(9, l5="five")})
    assert case.with_edits() == case.with_edits()
    assert case.repository.commit(case.with_edits()).at == AT


def test_a_change_that_production_has_is_no_commit(make: Make) -> None:
    case = make({"a.txt": "a\n"}, {"a.txt": "b\n"})
    with pytest.raises(GitFailed, match="empty"):
        case.repository.commit_files(case.production, {"a.txt": FileState(b"b\n", "100644")}, "part", AT)


def test_a_file_may_become_a_folder(make: Make) -> None:
    case = make({"a": "x\n"}, {"a": "y\n"})
    states = {"a": None, "a/b": FileState(b"z\n", "100644")}
    assert case.files(case.repository.commit_files(case.production, states, "part", AT)) == ("a/b",)


lines = st.lists(st.sampled_from([b"a\n", b"b\n", b"  a b\n", b"a b c\n", b"\n"]), max_size=8)


@settings(max_examples=200)
@given(lines, lines, lines, lines)
def test_the_pieces_of_an_edit_are_the_edit(
    head: list[bytes], old: list[bytes], new: list[bytes], tail: list[bytes]
) -> None:
    edit = LineEdit("a", "@@", len(head), tuple(old), tuple(new))
    content = b"".join([*head, *old, *tail])
    parts = pieces(edit)
    assert edited(content, parts) == edited(content, [edit]) == b"".join([*head, *new, *tail])
    assert all(len(part.old) <= 1 and len(part.new) <= 1 and part.lines for part in parts)
    for part in parts:
        assert tuple(split_lines(content)[part.start : part.end]) == part.old
