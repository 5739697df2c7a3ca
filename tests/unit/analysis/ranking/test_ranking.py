"""Suspects are ranked by what points at them; nobody is cleared."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotfix.analysis.ranking import Clues, Traced, evidence, rank
from hotfix.analysis.ranking.model import FLOOR, suspects
from hotfix.analysis.stack_trace import Frame
from hotfix.domain.diagnosis import Suspect
from hotfix.domain.execution import MODULE, ExecutedFunction, Execution
from hotfix.domain.history import CommitPatch, FilePatch, Hunk
from tests.support.reproducers import a_history, linear, sha


def a_change(
    path: str, removed: str = "", added: str = "", function: str = "", old_path: str | None = None
) -> FilePatch:
    """One hunk of one file; lines are parted by "|"."""
    hunk = Hunk(function, tuple(filter(None, removed.split("|"))), tuple(filter(None, added.split("|"))))
    return FilePatch(path, old_path or path, (hunk,))


def ranked(clues: Clues, *changes: FilePatch | tuple[str, FilePatch], count: int | None = None) -> list[Suspect]:
    """Commits 1, 2, … with one change each (or a message and a change), in the order of the ranking."""
    commits = a_history(linear(count or len(changes)))
    patches = [
        CommitPatch(sha(number), *((each[0], (each[1],)) if isinstance(each, tuple) else ("Work", (each,))))
        for number, each in enumerate(changes, 1)
    ]
    found = rank(commits, reversed(patches), clues)
    assert sorted(suspect.commit.sha for suspect in found) == [commit.sha for commit in commits]
    assert sum(suspect.probability for suspect in found) == pytest.approx(1)
    assert all(suspect.probability >= FLOOR / len(commits) for suspect in found), "evidence may mislead"
    assert [each.probability for each in found] == sorted((each.probability for each in found), reverse=True)
    return list(found)


def first(clues: Clues, *changes: FilePatch | tuple[str, FilePatch]) -> int:
    found = ranked(clues, *changes)
    assert found[0].probability > found[1].probability, "somebody is ahead"
    return int(found[0].commit.sha, 16)


def reasons(clues: Clues, *changes: FilePatch | tuple[str, FilePatch]) -> dict[int, tuple[str, ...]]:
    return {int(each.commit.sha, 16): each.evidence for each in ranked(clues, *changes)}


def traced(*functions: tuple[str, str, str, bool]) -> Traced:
    """What ran, in the order of the last calls: path, function, its lines parted by "|", only on import."""
    sources: dict[str, list[str]] = {}
    ran = []
    for path, name, text, imported in functions:
        source = sources.setdefault(path, [])
        begin = len(source) + 1
        source += text.split("|")
        ran.append(ExecutedFunction(path, name, begin, tuple(range(begin, len(source) + 1)), imported))
    return Traced(Execution(tuple(ran)), sources)


OTHERS = (a_change("shop/stock.py", "a = 1", "a = 2"), a_change("shop/cart.py", "b = 1", "b = 2"))


# --- what always holds


@pytest.mark.parametrize("count", [1, 2, 7])
def test_without_any_evidence_all_are_alike(count: int) -> None:
    found = ranked(Clues(), *[a_change("README.md", added="words")] * count)
    assert [suspect.probability for suspect in found] == pytest.approx([1 / count] * count)
    assert all(suspect.evidence == () for suspect in found)


def test_commits_whose_patch_was_not_read_are_suspects_all_the_same() -> None:
    found = ranked(Clues(), a_change("shop/a.py", added="a = 1"), count=5)
    assert len(found) == 5


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    st.integers(1, 40),
    st.dictionaries(
        st.sampled_from([evidence.CODE, evidence.LATE, evidence.NOTHING_ELSE, evidence.FRAME_LINE, evidence.SUSPECTED]),
        st.dictionaries(st.integers(1, 60), st.floats(0.0001, 1), max_size=20),
    ),
    st.dictionaries(st.integers(1, 60), st.integers(0, 10**7)),
)
def test_whatever_the_evidence_probabilities_sum_to_one_over_a_floor(
    count: int, kinds: dict[str, dict[int, float]], lines: dict[int, int]
) -> None:
    commits = a_history(linear(count))
    found = suspects(
        commits,
        {kind: {sha(number): share for number, share in of.items()} for kind, of in kinds.items()},
        {
            kind: {sha(number): changed for number, changed in lines.items()}
            for kind in (evidence.SIZE, evidence.ELSEWHERE)
        },
    )
    assert sorted(suspect.commit.sha for suspect in found) == [commit.sha for commit in commits]
    assert sum(suspect.probability for suspect in found) == pytest.approx(1)
    assert min(suspect.probability for suspect in found) >= FLOOR / count * 0.999


def test_of_equals_the_newest_comes_first() -> None:
    found = ranked(Clues(), *[a_change("shop/a.py", "a = 1", "a = 2")] * 3)
    assert [int(suspect.commit.sha, 16) for suspect in found] == [3, 2, 1]


def test_code_comes_before_prose_and_tests() -> None:
    prose = [a_change(path, "a", "b") for path in ("README.md", "docs/conf.py", "tests/test_a.py", "setup.cfg")]
    assert first(Clues(), *prose, a_change("shop/a.py", "a", "b")) == 5


@pytest.mark.parametrize(
    ("path", "prose", "test"),
    [
        ("README.md", True, False),
        ("docs/build.py", True, False),
        ("shop/docs.py", False, False),
        ("tests/helpers.py", False, True),
        ("shop/test/data.py", False, True),
        ("shop/test_price.py", False, True),
        ("shop/price_test.go", False, True),
        ("web/price.spec.ts", False, True),
        ("shop/testing_ground.py", False, False),
        ("shop/contest.py", False, False),
        ("conftest.py", False, True),
        ("shop/pricing.py", False, False),
    ],
)
def test_what_counts_as_prose_and_as_a_test(path: str, prose: bool, test: bool) -> None:
    assert (evidence.is_prose(path), evidence.is_test(path)) == (prose, test)


# --- each kind of evidence


GOOD_RUN = traced(("shop/pricing.py", "price", "def price(n):|    return n * cents", False))
BAD_RUN = traced(("shop/pricing.py", "price", "def price(n):|    return n / cents_each", False))


def test_lines_that_only_the_failing_version_executes() -> None:
    added = a_change("shop/pricing.py", added="    return n / cents_each", function="def price(n):")
    elsewhere = a_change("shop/pricing.py", added="    total = n / cents", function="def total(n):")
    assert first(Clues(bad=BAD_RUN, good=GOOD_RUN), *OTHERS, elsewhere, added) == 4
    assert evidence.NOTHING_ELSE in reasons_of_kinds(Clues(bad=BAD_RUN, good=GOOD_RUN), added)
    assert evidence.NOTHING_ELSE in reasons(Clues(bad=BAD_RUN, good=GOOD_RUN), *OTHERS, elsewhere, added)[4]


def test_lines_that_only_the_healthy_version_executes() -> None:
    removed = a_change("shop/pricing.py", removed="    return n * cents", function="def price(n):")
    assert first(Clues(bad=BAD_RUN, good=GOOD_RUN), *OTHERS, removed) == 3
    assert evidence.NOTHING_ELSE in reasons_of_kinds(Clues(bad=BAD_RUN, good=GOOD_RUN), removed)


def reasons_of_kinds(clues: Clues, change: FilePatch) -> set[str]:
    """Every kind of evidence that a change leaves, however weak."""
    gathering = evidence.Gathering(clues)
    gathering.read(CommitPatch(sha(1), "Work", (change,)))
    found = gathering.evidence()
    for shares in found.values():
        assert sum(shares.values()) == pytest.approx(1)
    return set(found)


def test_a_large_commit_with_the_same_line_is_less_of_a_suspect() -> None:
    line = "    return n / cents_each"
    small = a_change("shop/pricing.py", added=line)
    large = a_change("shop/pricing.py", added="|".join([line, *(f"    x{n} = compute({n})" for n in range(200))]))
    assert first(Clues(bad=BAD_RUN, good=GOOD_RUN), large, small) == 2
    assert first(Clues(bad=BAD_RUN, good=GOOD_RUN), small, large) == 1


def test_changes_outside_of_what_runs_make_a_commit_less_of_a_suspect() -> None:
    """Two commits of the same size with the same line: one has the rest in the same function, one elsewhere."""
    line, rest = "    return n / cents_each", "|".join(f"    x{n} = compute({n})" for n in range(20))
    inside = a_change("shop/pricing.py", added=f"{line}|{rest}", function="def price(n):")
    outside = (
        a_change("shop/pricing.py", added=line, function="def price(n):"),
        a_change("shop/other.py", added=rest, function="def other(n):"),
    )
    commits = a_history(linear(2))
    for order in (((inside,), outside), (outside, (inside,))):
        patches = [CommitPatch(sha(number), "Work", changes) for number, changes in enumerate(order, 1)]
        found = rank(commits, reversed(patches), Clues(bad=BAD_RUN, good=GOOD_RUN))
        assert found[0].commit.sha == sha(order.index((inside,)) + 1)
        assert found[0].probability > found[1].probability


def test_what_was_called_last_is_closest_to_the_failure() -> None:
    run = traced(
        ("shop/a.py", "early", "def early():|    one_thing()", False),
        *((f"shop/m{number}.py", "between", "def between():|    work()", False) for number in range(30)),
        ("shop/b.py", "late", "def late():|    another_thing()", False),
    )
    early = a_change("shop/a.py", "    x = 1", "    x = 2", "def early():")
    late = a_change("shop/b.py", "    y = 1", "    y = 2", "def late():")
    for order in ((early, late), (late, early)):
        assert first(Clues(bad=run, good=run), *order) == order.index(late) + 1
    assert evidence.LATE in reasons(Clues(bad=run, good=run), *OTHERS * 20, early, late)[42]


def test_what_runs_on_import_alone_is_no_evidence() -> None:
    bad = traced(("shop/a.py", MODULE, "LIMIT = compute_limit()", False), ("shop/a.py", "f", "register_it(1)", True))
    good = traced(("shop/a.py", MODULE, "LIMIT = 3", False))
    change = a_change("shop/a.py", "LIMIT = 3", "LIMIT = compute_limit()|register_it(1)")
    assert reasons_of_kinds(Clues(bad=bad, good=good), change).isdisjoint({evidence.NOTHING_ELSE})


def test_who_wrote_a_line_of_the_stack_trace() -> None:
    clues = Clues(frames=(Frame("shop/pricing.py", 2),), frame_authors={sha(3): 1.0, sha(99): 1.0})
    changes = (*OTHERS, a_change("shop/pricing.py", "a = 1", "a = 2"), a_change("shop/pricing.py", "c = 1", "c = 2"))
    assert first(clues, *changes) == 3
    assert evidence.FRAME_LINE in reasons(clues, *changes)[3]
    assert evidence.FRAME_LINE not in reasons(clues, *changes)[4]


def test_who_changed_a_function_of_the_stack_trace() -> None:
    clues = Clues(frames=(Frame("shop/pricing.py", 2, "Basket.price"),))
    inside = a_change("shop/pricing.py", "a = 1", "a = 2", "    def price(self):")
    outside = a_change("shop/pricing.py", "a = 1", "a = 2", "    def total(self):")
    assert first(clues, *OTHERS, outside, inside) == 4
    found = reasons(clues, *OTHERS, outside, inside)
    assert evidence.FRAME_FUNCTION in found[4]
    assert evidence.FRAME_FUNCTION not in found[3]


def test_who_changed_a_file_of_the_stack_trace_and_the_innermost_tells_most() -> None:
    inner, outer = a_change("shop/inner.py", "a = 1", "a = 2"), a_change("shop/outer.py", "a = 1", "a = 2")
    frames = (Frame("shop/inner.py", 2), Frame("shop/outer.py", 9))
    assert first(Clues(frames=frames), *OTHERS, outer, inner) == 4
    assert first(Clues(frames=frames), *OTHERS, inner, outer) == 3
    assert evidence.FRAME_FILE in reasons(Clues(frames=frames), *OTHERS, inner, outer)[3]


@pytest.mark.parametrize("path", ["shop", "shop/", "shop/new.py"])
def test_a_suspected_path(path: str) -> None:
    changes = (
        a_change("shopping/new.py", "a", "b"),
        a_change("lib/new.py", "a", "b"),
        a_change("shop/new.py", "a", "b"),
    )
    assert first(Clues(suspected_paths=(path,)), *changes) == 3
    assert reasons(Clues(suspected_paths=(path,)), *changes) == {3: (evidence.SUSPECTED,), 2: (), 1: ()}


def test_a_suspected_setting_is_a_suspect_too() -> None:
    settings_file = a_change("deploy/limits.yaml", "max: 10", "max: 1")
    assert first(Clues(suspected_paths=("deploy/limits.yaml",)), *OTHERS * 5, settings_file) == 11


def test_a_word_that_the_failure_says_often_counts_for_more() -> None:
    clues = Clues(text="voucher voucher voucher voucher basket")
    often = a_change("shop/a.py", "x = 1", "x = voucher")
    once = a_change("shop/b.py", "x = 1", "x = basket")
    assert first(clues, *OTHERS, once, often) == 4
    assert first(clues, *OTHERS, often, once) == 3


def test_words_of_the_failure_in_a_change_and_in_a_message() -> None:
    clues = Clues(text="KeyError: 'voucher_code' while redeeming")
    change = a_change("shop/redeem.py", "code = 1", "voucher_code = order['voucher_code']")
    assert first(clues, *OTHERS, change) == 3
    assert evidence.WORDS in reasons(clues, *OTHERS, change)[3]
    message = ("Voucher codes may be missing", a_change("shop/x.py", "y = 1", "y = 2"))
    assert first(clues, *OTHERS, message) == 3
    assert evidence.WORDS in reasons(clues, *OTHERS, message)[3]


# --- renames


def test_a_file_that_was_renamed_later_is_followed() -> None:
    """Twice: pricing.py became prices.py, which became money.py; production's trace names money.py."""
    clues = Clues(frames=(Frame("shop/money.py", 2),), suspected_paths=("shop/money.py",))
    changed = a_change("shop/pricing.py", "a = 1", "a = 2")
    once = FilePatch("shop/prices.py", "shop/pricing.py", ())
    twice = FilePatch("shop/money.py", "shop/prices.py", ())
    found = reasons(clues, OTHERS[0], changed, *OTHERS * 5, once, twice)
    assert {evidence.FRAME_FILE, evidence.SUSPECTED} <= set(found[2])
    assert found[1] == found[3] == ()


def test_a_new_file_in_the_place_of_a_renamed_one_is_not_the_old_one() -> None:
    """a.py became b.py; since then another a.py was made: who changed that did not change b.py."""
    clues = Clues(suspected_paths=("b.py",))
    before = a_change("a.py", "x = 1", "x = 2")
    renamed = FilePatch("b.py", "a.py", ())
    after = a_change("a.py", added="y = 1")
    found = reasons(clues, before, renamed, after)
    assert evidence.SUSPECTED in found[1]
    assert evidence.SUSPECTED not in found[3]


# --- changes of form alone


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("    code = order['code']", '    code = order["code"]'),
        ("    code = order[u'code']", "    code = order['code']"),
        ("    limit = compute(3)", "    limit: int = compute(3)"),
        ("    limit = compute(3)", "    limit = compute(3)  # the usual"),
        ("    limit = compute( 3 )", "    limit = compute(3)"),
        ("        limit = compute(3)", "    limit = compute(3)"),
        ("    limit = compute(3),", "    limit = compute(3)"),
        ("    let limit = compute(3);", "    let limit = compute(3); // the usual"),
    ],
)
def test_who_changed_only_the_form_of_executed_lines_is_not_accused(before: str, after: str) -> None:
    good = traced(("shop/a.py", "f", before, False), ("shop/b.py", "g", "    rate = usual_rate(2)", False))
    bad = traced(("shop/a.py", "f", after, False), ("shop/b.py", "g", "    rate = other_rate(2)", False))
    reformat = a_change("shop/a.py", before, after)
    culprit = a_change("shop/b.py", "    rate = usual_rate(2)", "    rate = other_rate(2)")
    clues = Clues(bad=bad, good=good)
    kinds = reasons_of_kinds(clues, reformat)
    assert kinds.isdisjoint({evidence.NOTHING_ELSE})
    assert first(clues, culprit, reformat) == 1
    assert first(clues, reformat, culprit) == 2


@pytest.mark.parametrize(
    "line", ["return None", "    return True", "x", "", "}", "    continue", "# all of it", "pass"]
)
def test_lines_that_every_file_has_tell_nothing(line: str) -> None:
    bad = traced(("shop/a.py", "f", line, False))
    kinds = reasons_of_kinds(Clues(bad=bad), a_change("shop/z.py", added=line or " "))
    assert evidence.NOTHING_ELSE not in kinds
