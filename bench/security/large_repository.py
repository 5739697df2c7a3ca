"""A service of 150,000 lines with a change of five files on top."""

from __future__ import annotations

import subprocess
from pathlib import Path

MODULES, FUNCTIONS = 500, 34
_FUNCTION = '''
def total_{number}(quantities: list[int], cents: int) -> int:
    """What the pieces cost together."""
    total = 0
    for quantity in quantities:
        if quantity > {number}:
            total += quantity * cents
    return total

'''


def make_large_repository(folder: Path) -> int:
    """Make it in ``folder``, with production at HEAD~1 and the change at HEAD; the number of its lines."""
    lines = 0
    for module in range(MODULES):
        path = folder / f"shop/part_{module // 25:02}/module_{module:03}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = f'"""Part {module}."""\n' + "".join(_FUNCTION.format(number=each) for each in range(FUNCTIONS))
        path.write_text(text, encoding="utf-8")
        lines += text.count("\n")
    _git(folder, "init", "--quiet", "--initial-branch=main", ".")
    _commit(folder, "Sell things")
    for module in range(0, MODULES, MODULES // 5):
        path = folder / f"shop/part_{module // 25:02}/module_{module:03}.py"
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("quantity * cents", "quantity * max(cents, 0)", 1), encoding="utf-8")
    _commit(folder, "A price is not negative")
    return lines


def _commit(folder: Path, message: str) -> None:
    _git(folder, "add", "--all")
    _git(folder, "-c", "user.name=Dev", "-c", "user.email=dev@example.com", "commit", "--quiet", "-m", message)


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(("git", *arguments), cwd=folder, check=True, capture_output=True)
