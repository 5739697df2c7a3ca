"""Every test that can notice a change is selected; what no import shows selects them all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from hotfix.analysis.affected_tests import affected_tests

TREE = {
    "shop/__init__.py": "",
    "shop/money.py": "RATE = 1\n",
    "shop/pricing.py": "from shop.money import RATE\n",
    "shop/cart/__init__.py": "LIMIT = 5\n",
    "shop/cart/total.py": "from ..pricing import price\nfrom . import rounding\n",
    "shop/cart/rounding.py": "import decimal\n",
    "shop/stock.py": "",
    "tests/__init__.py": "",
    "tests/test_money.py": "import shop.money\n",
    "tests/test_pricing.py": "def test():\n    from shop import pricing\n",
    "tests/test_cart.py": "from shop.cart.total import total\n",
    "tests/stock_test.py": "from shop import stock\n",
    "tests/test_broken.py": "def (:\n",
    "tools/test_elsewhere.py": "import shop.money\n",
    "README.md": "",
    "shop/prices.json": "{}",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    write(tmp_path, TREE)
    return tmp_path


def write(folder: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def selected(checkout: Path, *changed: str, roots: Sequence[str] = (".",)) -> dict[str, str]:
    return affected_tests(checkout, changed, ("tests",), roots)


ALL = [
    "tests/stock_test.py",
    "tests/test_broken.py",
    "tests/test_cart.py",
    "tests/test_money.py",
    "tests/test_pricing.py",
]


def test_a_changed_test_selects_itself(checkout: Path) -> None:
    assert selected(checkout, "tests/test_money.py") == {"tests/test_money.py": "was changed"}


def test_a_changed_module_selects_the_tests_that_import_it_directly_or_over_others(checkout: Path) -> None:
    assert selected(checkout, "shop/money.py") == {
        "tests/test_cart.py": "imports shop/money.py",
        "tests/test_money.py": "imports shop/money.py",
        "tests/test_pricing.py": "imports shop/money.py",
    }
    assert list(selected(checkout, "shop/stock.py")) == ["tests/stock_test.py"]


def test_relative_imports_are_followed(checkout: Path) -> None:
    assert list(selected(checkout, "shop/cart/rounding.py")) == ["tests/test_cart.py"]
    assert list(selected(checkout, "shop/pricing.py")) == ["tests/test_cart.py", "tests/test_pricing.py"]


def test_a_package_runs_with_each_of_its_modules(checkout: Path) -> None:
    assert list(selected(checkout, "shop/cart/__init__.py")) == ["tests/test_cart.py"]
    assert set(selected(checkout, "shop/__init__.py")) == set(ALL) - {"tests/test_broken.py"}


def test_modules_that_import_each_other_end(checkout: Path) -> None:
    write(checkout, {"shop/money.py": "import shop.pricing\n"})
    assert "tests/test_pricing.py" in selected(checkout, "shop/money.py")


@pytest.mark.parametrize(
    "path",
    ["requirements-dev.txt", "pyproject.toml", "tests/conftest.py", "poetry.lock", "shop/prices.json", "Makefile"],
)
def test_what_no_import_shows_selects_everything(checkout: Path, path: str) -> None:
    found = selected(checkout, path)
    assert sorted(found) == ALL
    assert set(found.values()) == {f"{path} may affect every test"}


def test_a_deleted_module_selects_everything(checkout: Path) -> None:
    assert sorted(selected(checkout, "shop/gone.py")) == ALL


@pytest.mark.parametrize("path", ["README.md", "docs/why.rst"])
def test_prose_selects_nothing(checkout: Path, path: str) -> None:
    assert selected(checkout, path) == {}


def test_tests_elsewhere_are_not_the_services(checkout: Path) -> None:
    assert "tools/test_elsewhere.py" not in selected(checkout, "shop/money.py", "pyproject.toml")


def test_source_roots_give_modules_their_names(tmp_path: Path) -> None:
    write(tmp_path, {"src/shop/money.py": "", "tests/test_money.py": "from shop.money import rate\n"})
    assert list(selected(tmp_path, "src/shop/money.py", roots=(".", "src"))) == ["tests/test_money.py"]


def test_tests_are_found_where_the_profile_says_also_outside_the_source_roots(tmp_path: Path) -> None:
    """With ``source_roots: [src]`` alone the tests folder is under no root; they must not vanish silently."""
    write(tmp_path, {"src/shop/money.py": "", "tests/test_money.py": "from shop.money import rate\n"})
    assert list(selected(tmp_path, "src/shop/money.py", roots=("src",))) == ["tests/test_money.py"]


def test_what_a_conftest_imports_affects_the_tests_that_it_serves(checkout: Path) -> None:
    """A fixture hands the changed code to tests that never import it."""
    write(checkout, {"tests/conftest.py": "from shop import stock\n"})
    assert sorted(selected(checkout, "shop/stock.py")) == ALL


def test_links_out_of_the_checkout_are_not_followed(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "test_outside.py"
    outside.write_text("import shop.money\n", encoding="utf-8")
    (checkout / "tests" / "test_link.py").symlink_to(outside)
    assert "tests/test_link.py" not in selected(checkout, "shop/money.py")
