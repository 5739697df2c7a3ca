"""An error of which only the text is known is traced to the lines that can say it, and to no others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotfix.analysis.stack_trace import Frame, raising_lines
from hotfix.analysis.stack_trace.error_texts import TEXT_LENGTH_READ, TEXTS_READ, error_texts
from hotfix.analysis.stack_trace.names_in_use import NAMES_READ, names_in_use
from hotfix.analysis.stack_trace.raising_lines import FRAMES_GIVEN, HITS_READ, PAIRS_PER_TEXT

Grep = Callable[[Sequence[str]], Iterable[tuple[str, int, str]]]


def grep_in(sources: dict[str, str]) -> Grep:
    def grep(texts: Sequence[str]) -> Iterable[tuple[str, int, str]]:
        for path, source in sources.items():
            for number, line in enumerate(source.split("\n"), 1):
                if any(text in line for text in texts):
                    yield path, number, line

    return grep


NEIGHBOURS = {
    "shop/other.py": 'raise ValueError("price")\nlog.info("price of %s", sku)\nraise KeyError("must be an x")',
    "shop/names.py": 'PRICE = "price"\nPOSITIVE = "positive"',
    "README.md": '"price must be positive" is what it says for a free cart.',
    "shop/comment.py": '# raise ValueError("price must be positive, got x")\n// throw "price must be positive, got x"',
    "web/app.min.js": 'throw new Error("price must be positive");' + "x" * 1000,
}
PYTHON = "Traceback (most recent call last):\nValueError: price must be positive, got -3\n"

# The line that says "price must be positive, got -3", in the ways of each language.
SAYING = [
    'raise ValueError("price must be positive, got -3")',
    'raise ValueError(f"price must be positive, got {price!r:>5}")',
    'raise ValueError("price must be positive, got %s" % price)',
    'raise ValueError("price must be positive, got %(price)d" % values)',
    'raise ValueError("price must be positive, got {}".format(price))',
    "throw new RangeError(`price must be positive, got ${cart.price}`);",
    "throw new RangeError('price must be ' + sign + ', got ' + price);",
    'throw new IllegalArgumentException("price must be positive, got " + price);',
    'throw new IllegalArgumentException(String.format("price must be %1$s, got %2$d", sign, price));',
    'require(price > 0) { "price must be positive, got $price" }',
    'return fmt.Errorf("%s must be positive, got %v", name, price)',
    'raise ArgumentError, "price must be positive, got #{price}"',
    'throw new ArgumentException($"{name} must be positive, got {price:C}");',
    'panic!("price must be positive, got {price:?}");',
    '#[error("price must be positive, got {0}")]',
    '    "price must be positive, "',
]


@pytest.mark.parametrize("line", SAYING)
def test_the_line_that_says_it(line: str) -> None:
    sources = {**NEIGHBOURS, "shop/pricing.x": f"first\nsecond\n{line}\n"}
    assert raising_lines(PYTHON, grep_in(sources)) == (Frame("shop/pricing.x", 3),)


TELLING = {
    "python": "ValueError: price must be positive, got -3",
    "pytest": "E       ValueError: price must be positive, got -3",
    "python group": "  | ValueError: price must be positive, got -3",
    "own class": '  File "<string>", line 1\nshop.NoSale: price must be positive, got -3',
    "node": "Uncaught RangeError [ERR_PRICE]: price must be positive, got -3",
    "node cause": "  [cause]: NoSale: price must be positive, got -3",
    "java": 'Exception in thread "main" com.shop.NoSaleException: price must be positive, got -3',
    "java cause": "Caused by: com.shop.NoSale: price must be positive, got -3",
    "go": "panic: price must be positive, got -3 [recovered]",
    "go chain": "panic: quote failed: price must be positive, got -3",
    "ruby": "cart.rb:5:in `total': price must be positive, got -3 (ArgumentError)",
    ".net": "Unhandled exception. System.ArgumentException: price must be positive, got -3 (Parameter 'price')",
    ".net inner": "System.Exception: no ---> Shop.NoSale: price must be positive, got -3",
    "rust": "thread 'main' panicked at src/main.rs:3:9:\nprice must be positive, got -3",
    "old rust": "thread 'main' panicked at 'price must be positive, got -3', src/main.rs:3:9",
    "log": "2024-01-02 03:04:05,678 ERROR shop.app: price must be positive, got -3",
    "json log": '{"level": "error", "msg": "price must be positive, got -3"}',
    "description": "Since nine the checkout says ValueError: price must be positive, got -3 to everybody.",
    "quoted": "Since nine the checkout says “price must be positive, got -3” to everybody.",
}


@pytest.mark.parametrize("form", TELLING)
def test_however_the_error_is_told(form: str) -> None:
    sources = {**NEIGHBOURS, "shop/pricing.py": 'raise NoSale(f"price must be positive, got {price}")'}
    assert raising_lines(TELLING[form], grep_in(sources)) == (Frame("shop/pricing.py", 1),)


def test_a_line_that_raises_goes_before_one_that_has_the_text_and_a_test_comes_last() -> None:
    sources = {
        "a/texts.py": 'MESSAGE = "price must be positive"',
        "tests/test_a.py": 'with pytest.raises(ValueError, match="price must be positive"):',
        "z/pricing.py": 'raise ValueError("price must be positive")',
    }
    found = raising_lines("ValueError: price must be positive", grep_in(sources))
    assert found == (Frame("z/pricing.py", 1), Frame("a/texts.py", 1), Frame("tests/test_a.py", 1))


def test_without_an_error_text_nothing_is_looked_for() -> None:
    def never(texts: Sequence[str]) -> Iterable[tuple[str, int, str]]:
        raise AssertionError(texts)

    for text in ("", "Quotes for ten pieces fail with 500.", "ValueError", "KeyError: 11", "Error: no"):
        assert raising_lines(text, never) == ()


def test_a_text_that_no_line_says() -> None:
    assert raising_lines("ValueError: the moon is too bright", grep_in(NEIGHBOURS)) == ()


IN_USE = {
    "TypeError: cart.total is not a function": ("total.js", "x = cart.total(1)", "x = cart.totals(1)"),
    "TypeError: Cannot read properties of undefined (reading 'percent')": ("a.js", "t[q].percent)", "t.percentage"),
    "ReferenceError: taxRate is not defined": ("a.js", "return price * taxRate;", "return myTaxRate + taxRates;"),
    "AttributeError: 'NoneType' object has no attribute 'percent'": ("a.py", "tier.percent", "tier.percents"),
    "NameError: name 'tax_rate' is not defined": ("a.py", "return tax_rate", "return my_tax_rate"),
    "KeyError: 'sku'": ("a.py", 'order["sku"]', 'order.get("sku")'),
    "undefined method `percent' for nil:NilClass (NoMethodError)": ("a.rb", "tier.percent", "tier.percents"),
    'Cannot invoke "com.shop.Tier.percent()" because "<local1>" is null': ("A.java", "tier.percent()", "percents()"),
}


@pytest.mark.parametrize("text", IN_USE)
def test_a_message_of_the_language_leads_to_the_name_it_complains_about(text: str) -> None:
    path, using, other = IN_USE[text]
    assert raising_lines(text, grep_in({path: f"\n{other}\n{using}\n"})) == (Frame(path, 3),)


def test_a_name_that_stands_everywhere_says_nothing() -> None:
    text = "TypeError: Cannot read properties of undefined (reading 'length')"
    assert raising_lines(text, grep_in({"a.js": "x.length\n" * 50})) == ()


def test_the_cost_is_bounded() -> None:
    """One look into the repository, for a few pairs of words, of which no more lines are read than are allowed."""
    calls: list[Sequence[str]] = []
    read = 0

    def endless(texts: Sequence[str]) -> Iterable[tuple[str, int, str]]:
        nonlocal read
        calls.append(texts)
        while True:
            read += 1
            yield "a.py", read, 'raise ValueError("price must be positive")'

    many = "\n".join(f"ValueError: price must be positive number{number} {'x' * 2000}" for number in range(1000))
    assert len(raising_lines(many, endless)) <= FRAMES_GIVEN
    assert len(calls) == 1
    assert len(calls[0]) <= TEXTS_READ * PAIRS_PER_TEXT + 2 * NAMES_READ
    assert read <= HITS_READ + 1
    assert all(len(text) <= TEXT_LENGTH_READ for text in error_texts(many))


messages = st.text(alphabet=" \t\n:'\"`“”{}%$#()[]\\.-/|@0123456789abcEerorxcption")


@settings(max_examples=300, deadline=None)
@given(messages, messages)
def test_any_text_and_any_source(text: str, source: str) -> None:
    known = {"a.py": source}
    for frame in raising_lines(f"ValueError: {text}", grep_in(known)):
        assert frame.path in known
        assert 1 <= frame.line <= source.count("\n") + 1
    for name in names_in_use(text):
        assert name
        assert "\n" not in name


@settings(deadline=None)
@given(st.lists(st.text("abcxyz", min_size=4, max_size=9), min_size=3, max_size=8), st.integers(-99_999, 99_999))
def test_a_literal_with_a_placeholder_is_found_whatever_stands_in_it(words: list[str], number: int) -> None:
    fixed = " ".join(words)
    line = f'raise ValueError(f"{fixed} {{number}}")'
    assert raising_lines(f"ValueError: {fixed} {number}", grep_in({"a.py": line})) == (Frame("a.py", 1),)
