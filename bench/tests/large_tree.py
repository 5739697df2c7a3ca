"""How long a selection takes in a tree with thousands of test files."""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path

from hotfix.analysis.test_selection.select import ChangedPath, select_tests
from hotfix.analysis.test_selection.source_tree import SourceTree
from hotfix.domain.service import Tests

MODULES = 500
_CHANGED = "shop/part0/module0.py"


def selection_seconds(files: int) -> tuple[float, float]:
    """Seconds on the wall and of the processor: the most of three changes.

    A module at the bottom that nearly all tests lead to, a leaf, a file of dependencies.
    """
    with tempfile.TemporaryDirectory(prefix="bench-tree-") as place:
        root = Path(place)
        _write(root, files)
        text = (root / _CHANGED).read_text()
        leaf = f"shop/part{(MODULES - 1) % 20}/module{MODULES - 1}.py"
        changes = (
            ChangedPath(_CHANGED, text.replace("value + 0", "value - 0"), text),
            ChangedPath(leaf, "", (root / leaf).read_text()),
            ChangedPath("requirements.txt", "", "one\n"),
        )
        slowest, most = 0.0, 0.0
        for change in changes:
            started, worked = time.monotonic(), time.process_time()
            profile = Tests(critical=("tests/test_0.py",))
            selection = select_tests(SourceTree(root), [change], profile, functions=True)
            slowest = max(slowest, time.monotonic() - started)
            most = max(most, time.process_time() - worked)
            assert selection.tests
    return slowest, most


def _write(root: Path, files: int) -> None:
    draw = random.Random(1)
    for number in range(MODULES):
        folder = root / "shop" / f"part{number % 20}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "__init__.py").touch()
        below = sorted({draw.randrange(number) for _ in range(3)} if number else ())
        imports = "".join(f"from shop.part{each % 20}.module{each} import work{each}\n" for each in below)
        calls = "".join(f"    value = work{each}(value)\n" for each in below)
        others = "".join(f"\n\ndef other{number}_{each}(value):\n    return value * {each}\n" for each in range(15))
        (folder / f"module{number}.py").write_text(
            f"{imports}\n\ndef work{number}(value):\n{calls}    return value + {number}\n{others}"
        )
    (root / "shop" / "__init__.py").touch()
    (root / "tests").mkdir()
    for number in range(files):
        used = draw.randrange(MODULES)
        tests = "".join(
            f"\n\ndef test_{each}():\n    found = work{used}({each})\n"
            f"    assert found > {each}\n    assert found != [{each}]\n"
            for each in range(8)
        )
        text = f"import pytest\nfrom shop.part{used % 20}.module{used} import work{used}\n{tests}"
        (root / "tests" / f"test_{number}.py").write_text(text)
