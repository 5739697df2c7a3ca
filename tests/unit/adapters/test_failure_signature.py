"""The same failure has the same name; another failure has another one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotfix.adapters.failure_signature import SIGNATURE_LIMIT, failure_signature

CHECKOUT = Path("/var/lib/hotfix/checkouts/one")

PYTEST = """
    def test_pay():
>       assert pay(3).status == 200
E       assert 500 == 200
E        +  where 500 = <Response 0x7f10>.status

tests/test_pay.py:12: AssertionError
=========== short test summary info ===========
FAILED tests/test_pay.py::test_pay - assert 500...
1 failed in 0.31s
"""


def signature(output: str, checkout: Path = CHECKOUT) -> str:
    return failure_signature(output, 1, checkout)


def test_the_failed_assertion_of_pytest() -> None:
    assert signature(PYTEST) == "assert 500 == 200"


def test_the_last_of_chained_errors() -> None:
    output = "E   KeyError: 'a'\n\nDuring handling of the above exception\n\nE   ValueError: no a\nx.py:3: ValueError\n"
    assert signature(output) == "ValueError: no a"


def test_the_end_of_a_traceback() -> None:
    frames = 'Traceback (most recent call last):\n  File "x.py", line 3, in f\n    1 / 0\n'
    assert signature(f"{frames}shop.errors.OutOfStock: 3 left\nbye\n") == "shop.errors.OutOfStock: 3 left"


def test_the_summary_where_pytest_shows_no_traceback() -> None:
    assert signature("F\nFAILED a.py::t - KeyError: 'x'\n1 failed in 3.11s\n") == "KeyError: 'x'"


def test_any_other_program_is_known_by_its_last_line() -> None:
    assert signature("connecting\n\x1b[31mrefused by gateway\x1b[0m\n\n") == "refused by gateway"


def test_silence_has_a_name_too() -> None:
    assert failure_signature(" \n", 139, CHECKOUT) == "exit 139 without output"


VARIANTS = [
    ("E   OSError: no file {}/conf/app.ini", ("/srv/a", "/srv/b")),
    ("E   ValueError: <Order object at {}>", ("0x7f3a10", "0x55d001aa")),
    ("E   OSError: pid {} is gone", ("311", "40122")),
    ("E   ConnectionError: http://127.0.0.1:{}/pay", ("4101", "61234")),
    ("E   TimeoutError: after {} seconds", ("1.02", "3")),
    ("E   AssertionError: took {}ms", ("12", "1800.5")),
    ("E   KeyError: '{}'", ("6f1c2a9e4b", "0a1b2c3d4e")),
    ("E   KeyError: '{}'", ("123e4567-e89b-42d3-a456-426614174000", "00000000-1111-4222-a456-42661417400f")),
    ("E   SyntaxError: bad token (app.py, line {})", ("3", "412")),
    ("E   RuntimeError: shop/app.py:{} failed", ("3", "412")),
    ("E   FileNotFoundError: '/tmp/{}/data.json'", ("pytest-of-me/pytest-1/t0", "hotfix-ab12")),
    ("E   ValueError: order {} unknown", ("1732301122", "1732309999")),
    ("E   ValueError: late since {}", ("2026-01-02T03:04:05Z", "2025-11-30 23:59:59.123+02:00")),
]


@pytest.mark.parametrize(("template", "values"), VARIANTS, ids=[template for template, _ in VARIANTS])
def test_what_varies_is_left_out(template: str, values: tuple[str, str]) -> None:
    one, other = (signature(template.format(value), Path(value)) for value in values)
    assert one == other
    assert len(one) > 8


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("E   assert 500 == 200", "E   assert 404 == 200"),
        ("E   KeyError: 'price'", "E   KeyError: 'tax'"),
        ("E   ZeroDivisionError: division by zero", "E   ZeroDivisionError: modulo by zero"),
        ("E   ValueError: x", "E   TypeError: x"),
        ("E   OSError: no file conf/a.ini", "E   OSError: no file conf/b.ini"),
    ],
)
def test_what_tells_failures_apart_stays(one: str, other: str) -> None:
    assert signature(one) != signature(other)


@given(st.text(max_size=2000))
def test_it_is_one_short_line_for_any_output(output: str) -> None:
    found = signature(output)
    assert 0 < len(found) <= SIGNATURE_LIMIT
    assert len(found.splitlines()) == 1
