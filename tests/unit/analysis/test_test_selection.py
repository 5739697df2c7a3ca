"""Each test is chosen for a reason that can be read, and what cannot be followed widens the choice."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotfix.analysis.test_selection.budget import within_budget
from hotfix.analysis.test_selection.outcomes import belongs
from hotfix.analysis.test_selection.select import WIDE, ChangedPath, Selection, select_tests
from hotfix.analysis.test_selection.source_tree import SourceTree
from hotfix.domain.service import Tests
from hotfix.domain.test_map import TestMap
from hotfix.domain.testing import SelectedTest, TestHistory

PRICING = (
    "def price(n):\n    return discount(n)\n\n\ndef discount(n):\n    return {n}\n\n\ndef unrelated():\n    return 1\n"
)
TREE = {
    "shop/__init__.py": "",
    "shop/pricing.py": PRICING.replace("{n}", "n"),
    "shop/cart.py": "from shop.pricing import price as cost\n\n\nclass Cart:\n    def total(self):\n"
    "        return cost(1)\n",
    "shop/stock.py": "def in_stock():\n    return True\n",
    "tests/test_cart.py": "from shop.cart import Cart\n\n\ndef test_total():\n    assert Cart().total()\n\n\n"
    "def test_other():\n    assert Cart\n",
    "tests/test_pricing.py": "from shop import pricing\n\n\nclass TestPrice:\n    def test_price(self):\n"
    "        assert pricing.price(1)\n\n    def test_unrelated(self):\n        assert pricing.unrelated()\n",
    "tests/test_stock.py": "import pytest\nfrom shop.stock import in_stock\n\n\n@pytest.mark.vital\n"
    "def test_stock():\n    assert in_stock()\n",
    "README.md": "",
}
CHANGED = ChangedPath("shop/pricing.py", PRICING.replace("{n}", "n + 1"), PRICING.replace("{n}", "n"))


def write(root: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path, TREE)
    return tmp_path


def select(
    root: Path,
    *changes: ChangedPath,
    functions: bool = True,
    history: TestHistory | None = None,
    executed: TestMap | None = None,
    **profile: object,
) -> Selection:
    tests = Tests.model_validate({"critical": ("tests/test_stock.py",), **profile})
    return select_tests(SourceTree(root), changes, tests, functions=functions, history=history, executed=executed)


def chosen(selection: Selection) -> set[str]:
    return {test.path for test in selection.tests if not test.critical}


def changed(path: str, before: str | None = "a = 1\n", after: str | None = "a = 2\n") -> ChangedPath:
    return ChangedPath(path, before, after)


def test_functions_that_lead_to_the_change_by_name_also_over_others_and_other_names(root: Path) -> None:
    selection = select(root, CHANGED)
    assert chosen(selection) == {"tests/test_cart.py::test_total", "tests/test_pricing.py::TestPrice::test_price"}
    assert {reason for test in selection.tests if not test.critical for reason in test.reasons} == {
        "uses shop/pricing.py (discount)"
    }


def test_a_command_that_takes_files_gets_the_files_that_import_it(root: Path) -> None:
    assert chosen(select(root, CHANGED, functions=False)) == {"tests/test_cart.py", "tests/test_pricing.py"}


def test_critical_tests_come_first_and_by_path_id_and_marker(root: Path) -> None:
    selection = select(root, CHANGED, critical=("tests/test_cart.py::test_other",), critical_markers=("vital",))
    critical = [test.path for test in selection.tests if test.critical]
    assert critical == [test.path for test in selection.tests[:2]]
    assert set(critical) == {"tests/test_cart.py::test_other", "tests/test_stock.py::test_stock"}


def test_what_is_critical_and_not_there_is_said(root: Path) -> None:
    selection = select(root, CHANGED, critical=("tests/test_gone.py",), critical_markers=("nobody",))
    assert selection.missing == ("tests/test_gone.py", "mark nobody")


def test_a_profile_must_name_something_critical() -> None:
    with pytest.raises(ValueError, match="both empty"):
        Tests()


def test_comments_and_prose_lead_to_no_test(root: Path) -> None:
    commented = ChangedPath("shop/pricing.py", TREE["shop/pricing.py"], TREE["shop/pricing.py"] + "# why\n")
    assert chosen(select(root, commented, changed("README.md"), changed("docs/why.rst"))) == set()


def test_fixtures_and_their_conftest_lead_to_the_tests_that_ask_for_them(root: Path) -> None:
    conftest = (
        "import pytest\nfrom shop import pricing\n\n\n@pytest.fixture\ndef cheap():\n    return pricing.price(1)\n"
    )
    test = "def test_cheap(cheap):\n    assert cheap\n\n\ndef test_free():\n    pass\n"
    write(root, {"tests/conftest.py": conftest, "tests/deep/test_fixture.py": test})
    assert "tests/deep/test_fixture.py::test_cheap" in chosen(select(root, CHANGED))
    assert "tests/deep/test_fixture.py::test_free" not in chosen(select(root, CHANGED))


def test_an_automatic_fixture_leads_to_every_test_that_it_serves(root: Path) -> None:
    conftest = (
        "import pytest\nfrom shop import pricing\n\n\n@pytest.fixture(autouse=True)\ndef x():\n    pricing.price(1)\n"
    )
    write(root, {"tests/deep/conftest.py": conftest, "tests/deep/test_fixture.py": "def test_free():\n    pass\n"})
    assert "tests/deep/test_fixture.py::test_free" in chosen(select(root, CHANGED))


def test_helpers_beside_the_tests_are_followed_as_pytest_finds_them(root: Path) -> None:
    """``import helpers`` works for pytest in tests/, and in what is below a conftest.py there."""
    write(
        root,
        {
            "tests/helpers.py": "from shop.pricing import price\n\n\ndef cheap():\n    return price(1)\n",
            "tests/conftest.py": "",
            "tests/test_with_helper.py": "import helpers\n\n\ndef test_it():\n    assert helpers.cheap()\n",
            "tests/unit/local.py": "from shop.pricing import price\n",
            "tests/unit/test_deep.py": "from helpers import cheap\nfrom local import price\n\n\ndef test_deep():\n"
            "    assert cheap() and price(1)\n",
        },
    )
    for functions in (True, False):
        files = {test.split("::")[0] for test in chosen(select(root, CHANGED, functions=functions))}
        assert files >= {"tests/test_with_helper.py", "tests/unit/test_deep.py"}


@pytest.mark.parametrize(
    "body",
    [
        "import importlib\n\ndef test_it():\n    assert importlib.import_module('shop.pricing').price(1)\n",
        "def test_it(monkeypatch):\n    monkeypatch.setattr('shop.pricing.discount', lambda n: 1)\n",
        "import subprocess, sys\n\ndef test_it():\n    subprocess.run([sys.executable, '-m', 'shop.pricing'])\n",
    ],
    ids=["import_module", "patch", "spawn"],
)
def test_names_in_strings_count(root: Path, body: str) -> None:
    write(root, {"tests/test_string.py": body})
    assert "tests/test_string.py" in chosen(select(root, CHANGED, functions=False))


def test_special_methods_and_registered_functions_run_without_their_name(root: Path) -> None:
    before = "class Money:\n    def __len__(self):\n        return 1\n\n\n@register\ndef hook():\n    return 1\n"
    write(root, {"shop/money.py": before.replace("return 1", "return 2")})
    write(root, {"tests/test_money.py": "from shop.money import Money\n\n\ndef test_it():\n    assert len(Money())\n"})
    after = before.replace("return 1", "return 2")
    assert "tests/test_money.py::test_it" in chosen(select(root, ChangedPath("shop/money.py", before, after)))


def test_a_statement_without_a_name_leads_to_whoever_imports_the_file(root: Path) -> None:
    after = TREE["shop/pricing.py"] + "\nprint('loaded')\n"
    write(root, {"shop/pricing.py": after})
    selection = select(root, ChangedPath("shop/pricing.py", TREE["shop/pricing.py"], after))
    assert chosen(selection) == {"tests/test_cart.py", "tests/test_pricing.py"}


def test_code_that_no_test_leads_to_selects_everything_and_says_so(root: Path) -> None:
    write(root, {"shop/lonely.py": "def lonely():\n    return 2\n"})
    selection = select(root, ChangedPath("shop/lonely.py", "def lonely():\n    return 1\n", "…"))
    assert {test.path for test in selection.tests} == {f"tests/test_{name}.py" for name in ("cart", "pricing", "stock")}
    assert any("shop/lonely.py" in line for line in selection.widened)


def test_dependencies_select_what_is_critical_and_a_smoke_set(root: Path) -> None:
    selection = select(root, changed("requirements.txt"), smoke=("tests/test_cart.py",))
    assert [test.path for test in selection.tests] == ["tests/test_stock.py", "tests/test_cart.py"]
    assert any("requirements.txt" in line for line in selection.widened)
    # Without a list the smoke set is found: together they import every module.
    assert chosen(select(root, changed("requirements.txt"))) == {"tests/test_cart.py", "tests/test_pricing.py"}


@pytest.mark.parametrize("path", ["Makefile", "shop/prices.json", "no-suffix"])
def test_an_unknown_file_selects_everything(root: Path, path: str) -> None:
    selection = select(root, changed(path))
    assert len(selection.tests) == 3
    assert selection.widened


def test_data_leads_to_the_tests_of_the_code_that_names_it(root: Path) -> None:
    write(root, {"shop/stock.py": "def in_stock():\n    return open('prices.json')\n", "shop/prices.json": "{}"})
    selection = select(
        root, changed("shop/prices.json"), critical=("tests/test_cart.py",), smoke=("tests/test_cart.py",)
    )
    assert chosen(selection) == {"tests/test_stock.py"}


@pytest.mark.parametrize(
    ("path", "test"),
    [
        ("src/x/foo.ts", "src/x/foo.test.ts"),
        ("src/x/foo.tsx", "test/foo.spec.tsx"),
        ("src/main/java/x/Foo.java", "src/test/java/x/FooTest.java"),
        ("src/main/kotlin/x/Foo.kt", "src/test/kotlin/x/FooTests.kt"),
        ("pkg/foo.go", "pkg/foo_test.go"),
        ("lib/foo.rb", "spec/foo_spec.rb"),
        ("app/Foo.php", "tests/FooTest.php"),
    ],
)
def test_other_languages_by_their_names(tmp_path: Path, path: str, test: str) -> None:
    write(tmp_path, {path: "x", test: "x", "tests/test_smoke.py": ""})
    selection = select(tmp_path, changed(path), critical=("tests/test_smoke.py",))
    assert chosen(selection) == {test}


def test_other_languages_without_a_test_of_that_name_select_everything(tmp_path: Path) -> None:
    write(tmp_path, {"src/foo.ts": "x", "src/bar.test.ts": "x", "tests/test_smoke.py": ""})
    selection = select(tmp_path, changed("src/foo.ts"), critical=("tests/test_smoke.py",))
    assert chosen(selection) == {"src/bar.test.ts"}
    assert any("no test is named after src/foo.ts" in line for line in selection.widened)


def test_coverage_data_adds_tests_that_no_name_leads_to(root: Path) -> None:
    with sqlite3.connect(root / ".coverage") as connection:
        connection.executescript(
            "CREATE TABLE file (id, path); CREATE TABLE context (id, context);"
            "CREATE TABLE line_bits (file_id, context_id, numbits);"
            "CREATE TABLE arc (file_id, context_id, fromno, tono);"
        )
        connection.execute("INSERT INTO file VALUES (1, '/build/shop/pricing.py')")
        connection.execute("INSERT INTO context VALUES (1, 'tests/test_cart.py::test_other|run')")
        connection.execute("INSERT INTO line_bits VALUES (1, 1, x'00')")
    assert "tests/test_cart.py::test_other" in chosen(select(root, CHANGED))


def test_data_of_testmon_adds_tests_that_no_name_leads_to(root: Path) -> None:
    with sqlite3.connect(root / ".testmondata") as connection:
        # As pytest-testmon 2.2 makes them.
        connection.executescript(
            "CREATE TABLE test_execution (id INTEGER PRIMARY KEY ASC, environment_id INTEGER, test_name TEXT,"
            " duration FLOAT, failed BIT, forced BIT);"
            "CREATE TABLE file_fp (id INTEGER PRIMARY KEY, filename TEXT, method_checksums BLOB, mtime FLOAT,"
            " fsha TEXT);"
            "CREATE TABLE test_execution_file_fp (test_execution_id INTEGER, fingerprint_id INTEGER);"
        )
        connection.execute("INSERT INTO test_execution VALUES (7, 1, 'tests/test_cart.py::test_other[a]', 0.1, 0, 0)")
        connection.execute("INSERT INTO file_fp VALUES (3, 'shop/pricing.py', x'00', NULL, 'ab')")
        connection.execute("INSERT INTO test_execution_file_fp VALUES (7, 3)")
    assert "tests/test_cart.py::test_other" in chosen(select(root, CHANGED))


def test_coverage_data_that_is_none_adds_nothing(root: Path) -> None:
    expected = select(root, CHANGED)
    (root / ".coverage").write_text("not a database")
    assert select(root, CHANGED) == expected


def test_what_similar_changes_broke_before_is_run_first_of_the_rest(root: Path) -> None:
    history = TestHistory(broken_by_similar=("tests/test_cart.py::test_other",))
    selection = select(root, CHANGED, history=history)
    assert selection.tests[1].path == "tests/test_cart.py::test_other"
    assert selection.tests[1].reasons == ("failed for a similar change before",)


def test_links_out_of_the_checkout_are_not_followed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    write(outside, {"test_out.py": "from shop.pricing import discount\n\n\ndef test_it():\n    discount(1)\n"})
    (root / "tests" / "test_link.py").symlink_to(outside / "test_out.py")
    (root / "tests" / "folder").symlink_to(outside)
    assert not any("link" in test or "folder" in test for test in chosen(select(root, CHANGED)))


def test_odd_file_names(root: Path) -> None:
    text = "from shop.pricing import discount\n\n\ndef test_it():\n    assert discount(1)\n"
    write(root, {"tests/test_a b.py": text, "tests/test_new\nline.py": text})
    assert chosen(select(root, CHANGED)) >= {"tests/test_a b.py::test_it", "tests/test_new\nline.py::test_it"}
    # A name that is no text cannot be written down: the folder around it runs.
    (root / "tests" / "sub").mkdir()
    (root / "tests" / "sub" / os.fsdecode(b"test_caf\xe9.py")).write_text(text)
    assert "tests/sub" in chosen(select(root, CHANGED))


def test_a_change_that_cannot_be_read_selects_everything(root: Path) -> None:
    assert len(select(root, changed("shop/caf\N{REPLACEMENT CHARACTER}.py", None, None)).tests) == 3


def test_the_budget_keeps_the_first_and_every_critical_one() -> None:
    tests = [
        SelectedTest(path="a", reasons=(), critical=True),
        SelectedTest(path="b", reasons=()),
        SelectedTest(path="c", reasons=()),
        SelectedTest(path="d", reasons=()),
    ]
    history = TestHistory(seconds={"a": 50, "b": 5, "c": 8, "d": 1})
    kept, left = within_budget(tests, history, 60)
    assert [test.path for test in kept] == ["a", "b"]
    assert [test.path for test in left] == ["c", "d"]
    assert [test.path for test in within_budget(tests, history, 5)[0]] == ["a"]


@given(
    st.lists(st.tuples(st.floats(0, 100), st.booleans()), max_size=20),
    st.floats(0, 300),
)
def test_nothing_is_lost_and_no_critical_test_is_left_out(tests: list[tuple[float, bool]], budget: float) -> None:
    named = [SelectedTest(path=f"t{i}", reasons=(), critical=critical) for i, (_, critical) in enumerate(tests)]
    history = TestHistory(seconds={f"t{i}": seconds for i, (seconds, _) in enumerate(tests)})
    kept, left = within_budget(named, history, budget)
    assert sorted(test.path for test in (*kept, *left)) == sorted(test.path for test in named)
    assert not any(test.critical for test in left)


@pytest.mark.parametrize(
    ("case", "test", "expected"),
    [
        ("tests/test_a.py::test_b[x::y]", "tests/test_a.py", True),
        ("tests/test_a.py::TestC::test_b", "tests/test_a.py::TestC", True),
        ("tests.test_a.TestC.test_b[1.5]", "tests/test_a.py::TestC::test_b", True),
        ("tests.test_a.test_b", "tests", True),
        ("tests.test_a.test_bc", "tests/test_a.py::test_b", False),
        ("tests.test_ab.test_b", "tests/test_a.py", False),
    ],
)
def test_a_case_belongs_to_what_was_selected(case: str, test: str, expected: bool) -> None:
    assert belongs(case, test) is expected


def test_distance_orders_what_is_equally_important(root: Path) -> None:
    distances = [test.distance for test in select(root, CHANGED).tests if not test.critical]
    assert distances == sorted(distances)
    assert all(distance < WIDE for distance in distances)


def test_a_class_that_others_inherit_from_is_run_by_its_file(root: Path) -> None:
    """Pytest collects nothing of a mixin, and one name that it does not know makes it run nothing at all."""
    mixin = (
        "import unittest\nfrom shop import pricing\n\n\nclass PriceTests:\n    def test_price(self):\n"
        "        assert pricing.price(1)\n\n    def test_unrelated(self):\n        pass\n\n\n"
        "class MugTests(PriceTests, unittest.TestCase):\n    pass\n"
    )
    write(root, {"tests/test_mixin.py": mixin})
    names = {name for name in chosen(select(root, CHANGED)) if "test_mixin" in name}
    assert names
    assert not any("::PriceTests" in name for name in names)


OLD_RATES = """\
def rate(n):
    if n > 10:
        return n * 2
    return n


def limits(n=1):
    return n


LIMIT = limits()
"""
RATES_TESTS = "from shop import rates\n\n\n" + "\n\n".join(
    f"def test_{name}():\n    assert rates.rate({n})\n"
    for name, n in (("dear", 11), ("cheap", 1), ("new", 12), ("odd", 13))
)
DEAR, CHEAP, NEW, ODD = (f"tests/test_rates.py::test_{name}" for name in ("dear", "cheap", "new", "odd"))


def rates_map(**given: object) -> TestMap:
    """What the tests executed when test_new was not there."""
    tests = {DEAR: {1: (2, 3)}, CHEAP: {1: (2, 4)}, ODD: {1: (2, 4)}, "tests/test_cart.py::test_total": {}}
    content: dict[str, object] = {
        "version": "a" * 40,
        "tests": {
            name: {"shop/rates.py": frozenset(n for own in lines.values() for n in own)}
            for name, lines in tests.items()
        },
        "outside": {"shop/rates.py": frozenset({1, 7, 8, 11})},
        "unsteady": {},
        "beyond": frozenset(),
    }
    return TestMap(**{**content, **given})  # type: ignore[arg-type]


def select_rates(root: Path, executed: TestMap | None, *change: str) -> Selection:
    new = OLD_RATES.replace(*change)
    assert new != OLD_RATES
    write(root, {"shop/rates.py": new, "tests/test_rates.py": RATES_TESTS})
    return select(root, changed("shop/rates.py", OLD_RATES, new), executed=executed)


def test_with_a_map_who_executed_what_changed_and_whom_it_does_not_know(root: Path) -> None:
    assert chosen(select_rates(root, None, "n * 2", "n * 3")) == {"tests/test_rates.py"}
    selection = select_rates(root, rates_map(), "n * 2", "n * 3")
    assert chosen(selection) == {DEAR, NEW}
    assert "executes changed lines of shop/rates.py" in {test.path: test for test in selection.tests}[DEAR].reasons


@pytest.mark.parametrize(
    "doubt",
    [
        {"unsteady": {"shop/rates.py": frozenset({3})}},
        {"outside": {"shop/rates.py": frozenset({3})}},
        {"tests": {}},
    ],
)
def test_where_the_map_cannot_tell_names_do(root: Path, doubt: dict[str, object]) -> None:
    assert chosen(select_rates(root, rates_map(**doubt), "n * 2", "n * 3")) == {"tests/test_rates.py"}


@pytest.mark.parametrize(
    ("old", "new"), [("n=1", "n=2"), ("LIMIT = limits()", "LIMIT = 2"), ("rate(n)", "rate(n, m=0)")]
)
def test_what_runs_without_its_lines_is_followed_by_names(root: Path, old: str, new: str) -> None:
    assert chosen(select_rates(root, rates_map(), old, new)) == chosen(select_rates(root, None, old, new))


def test_a_test_that_the_map_sees_in_part_is_run_if_names_lead_there(root: Path) -> None:
    assert chosen(select_rates(root, rates_map(beyond=frozenset({ODD})), "n * 2", "n * 3")) == {DEAR, NEW, ODD}


def test_a_test_file_that_the_map_does_not_know_is_run_if_names_lead_there(root: Path) -> None:
    write(root, {"tests/test_more.py": "from shop.rates import rate\n\n\ndef test_more():\n    assert rate(11)\n"})
    assert chosen(select_rates(root, rates_map(), "n * 2", "n * 3")) == {DEAR, NEW, "tests/test_more.py::test_more"}


def test_a_function_that_only_what_changed_calls_is_run_by_its_tests(root: Path) -> None:
    change = (
        "        return n * 2\n    return n\n",
        "        return twice(n)\n    return n\n\n\ndef twice(n):\n    return 2 * n\n",
    )
    assert chosen(select_rates(root, rates_map(), *change)) == {DEAR, NEW}
    # Said by something else that did not change: the map has not seen it run.
    more = "from shop import rates\n\n\ndef more(kind):\n    return getattr(rates, 'twice')(kind)\n"
    test = "from shop.more import more\n\n\ndef test_more():\n    assert more(1)\n"
    write(root, {"shop/more.py": more, "tests/test_more.py": test})
    assert "tests/test_more.py::test_more" in chosen(select_rates(root, rates_map(), *change))


def test_a_function_that_is_gone_was_run_by_its_tests(root: Path) -> None:
    old = OLD_RATES + "\n\ndef gone(n):\n    return n\n"
    write(root, {"shop/rates.py": OLD_RATES, "tests/test_rates.py": RATES_TESTS})
    executed = rates_map()
    executed = rates_map(tests={**executed.tests, DEAR: {"shop/rates.py": frozenset({2, 3, 15})}})
    assert chosen(select(root, changed("shop/rates.py", old, OLD_RATES), executed=executed)) == {DEAR}


def test_a_test_that_is_gone_is_not_asked_for(root: Path) -> None:
    gone = "tests/test_cart.py::test_gone"
    executed = rates_map()
    executed = rates_map(tests={**executed.tests, gone: {"shop/rates.py": frozenset({3})}})
    new = OLD_RATES.replace("n * 2", "n * 3")
    write(root, {"shop/rates.py": new, "tests/test_rates.py": RATES_TESTS})
    test_change = changed("tests/test_cart.py", TREE["tests/test_cart.py"] + "\n\ndef test_gone():\n    pass\n",
                          TREE["tests/test_cart.py"])  # fmt: skip
    selection = select(root, changed("shop/rates.py", OLD_RATES, new), test_change, executed=executed)
    assert "tests/test_cart.py" in chosen(selection)
    assert gone not in chosen(selection)


def test_helpers_of_a_test_file_are_its_own(root: Path) -> None:
    fake = "class Fake:\n    def total(self):\n        return 1\n\n\ndef test_fake():\n    assert Fake().total()\n"
    write(root, {"tests/test_fake.py": fake})
    found = chosen(select(root, changed("tests/test_fake.py", fake.replace("return 1", "return 2"), fake)))
    assert found == {"tests/test_fake.py::test_fake"}


def test_a_name_that_is_imported_from_elsewhere_leads_to_its_users(root: Path) -> None:
    after = TREE["shop/cart.py"] + "\n\ndef other():\n    return 2\n"
    before = TREE["shop/cart.py"].replace("shop.pricing import price", "shop.prices import price")
    write(
        root,
        {
            "shop/cart.py": after,
            "tests/test_more.py": "from shop.cart import other\n\n\ndef test_more():\n    assert other()\n",
        },
    )
    assert "tests/test_cart.py::test_total" in chosen(select(root, changed("shop/cart.py", before, after)))


def test_a_module_whose_name_is_computed_is_any_of_its_package(root: Path) -> None:
    write(
        root,
        {
            "shop/plugins/__init__.py": "",
            "shop/plugins/vat.py": "def vat():\n    return 2\n",
            "shop/load.py": "from importlib import import_module\n\n\ndef load(name):\n"
            "    return import_module(f'shop.plugins.{name}')\n",
            "tests/test_load.py": "from shop.load import load\n\n\ndef test_load():\n    assert load(3)\n",
        },
    )
    selection = select(root, changed("shop/plugins/vat.py", "def vat():\n    return 1\n", "def vat():\n    return 2\n"))
    assert chosen(selection) == {"tests/test_load.py"}
    assert selection.widened == ()


def test_a_package_that_is_run_is_its_main(root: Path) -> None:
    write(
        root,
        {
            "shop/__main__.py": "print(2)\n",
            "tests/test_run.py": "import subprocess\nimport sys\n\n\ndef test_run():\n"
            "    subprocess.run([sys.executable, '-m', 'shop'], check=True)\n",
        },
    )
    selection = select(root, changed("shop/__main__.py", "print(1)\n", "print(2)\n"))
    assert chosen(selection) == {"tests/test_run.py"}
