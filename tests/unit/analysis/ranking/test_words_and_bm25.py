"""Words are comparable, and BM25 is the textbook's."""

from __future__ import annotations

import math

import pytest

from hotfix.analysis.ranking.bm25 import Bag, bm25
from hotfix.analysis.ranking.words import telling, words


def test_bm25_against_a_value_computed_by_hand() -> None:
    """Three texts of 4, 2 and 6 words (average 4); "price" is in two of them, "tax" in one."""
    wanted = {"price": 1, "tax": 1}
    texts = {
        "a": Bag.of(["price", "price", "of", "tea"], wanted),
        "b": Bag.of(["green", "tea"], wanted),
        "c": Bag.of(["tax", "and", "price", "of", "green", "tea"], wanted),
    }
    price, tax = math.log(1 + 1.5 / 2.5), math.log(1 + 2.5 / 1.5)
    # |d| = avg: the norm is K1 = 1.2; |d| = 1.5 avg: 1.2 · (0.25 + 0.75 · 1.5) = 1.65.
    assert bm25(wanted, texts) == pytest.approx(
        {"a": price * 2 * 2.2 / (2 + 1.2), "c": price * 2.2 / (1 + 1.65) + tax * 2.2 / (1 + 1.65)}
    )
    assert bm25(wanted, texts)["a"] == pytest.approx(0.646255, abs=1e-6)


def test_a_word_asked_for_three_times_counts_more_than_once_and_less_than_three_times() -> None:
    texts = {"a": Bag.of(["price", "tea"], {"price"}), "b": Bag.of(["tea"], {"price"})}
    once, thrice = (bm25({"price": often}, texts)["a"] for often in (1, 3))
    assert thrice / once == pytest.approx(3 * 8 / (3 + 7))


def test_bm25_of_nothing() -> None:
    assert bm25({}, {"a": Bag.of(["x"], set())}) == {}
    assert bm25({"x": 1}, {}) == {}
    assert bm25({"x": 1}, {"a": Bag.of([], {"x"})}) == {}


def test_a_rare_word_counts_for_more_and_a_long_text_for_less() -> None:
    wanted = {"rare": 1, "often": 1}
    texts = {str(n): Bag.of(["often", "x"], wanted) for n in range(8)}
    texts |= {"rare": Bag.of(["rare", "x"], wanted), "long": Bag.of(["rare"] + ["x"] * 50, wanted)}
    scores = bm25(wanted, texts)
    assert scores["rare"] > scores["long"] > 0
    assert scores["rare"] > scores["0"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("chop_cells", ["chop_cells", "chop", "cell"]),
        ("parseHTTPRequest", ["parsehttprequest", "parse", "http", "request"]),
        ("redeeming vouchers", ["redeem", "voucher"]),
        ("the self of it", []),
        ("x = y2", []),
    ],
)
def test_identifiers_are_split_and_shortened(text: str, found: list[str]) -> None:
    assert words(text) == found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = total( 'a' )", 'x = total("a")'),
        ("    price: float = total(1)", "price = total(1)"),
        ("price = total(1)  # why", "price = total(1)"),
        ("price = total(1),", "price = total(1)"),
    ],
)
def test_form_is_not_content(one: str, other: str) -> None:
    assert telling(one) == telling(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("if total == 3:", "if total != 3:"),
        ("price = total(1)", "price = total(2)"),
        ("url = 'http://a/b'", "url = 'http://a/c'"),
        ("color = '#aabbcc'", "color = '#ddeeff'"),
        ("rate: int = f(x)", "rate: int = f(y)"),
    ],
)
def test_content_is_not_form(one: str, other: str) -> None:
    assert telling(one) != telling(other)
