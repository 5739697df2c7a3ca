"""The environment in which the package is built and tested; nothing in it depends on the package."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("toolchain.txt")


class ToolchainFailed(Exception):
    """The environment could not be made; the text is what the failing command printed last."""


def prepare(root: Path) -> Path:
    """Make ``<root>/toolchain`` unless it is there, and return its interpreter. Needs the package index once."""
    folder = root / "toolchain"
    interpreter, ready = folder / "bin" / "python", folder / ".ready"
    wanted = REQUIREMENTS.read_text(encoding="utf-8")
    if ready.is_file() and ready.read_text(encoding="utf-8") == wanted:
        return interpreter
    shutil.rmtree(folder, ignore_errors=True)
    _run(sys.executable, "-m", "venv", str(folder))
    _run(str(interpreter), "-m", "pip", "install", "--quiet", "--requirement", str(REQUIREMENTS))
    ready.write_text(wanted, encoding="utf-8")
    return interpreter


def _run(*command: str) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        said = "\n".join(done.stdout.strip().splitlines()[-5:])
        raise ToolchainFailed(f"{' '.join(command[:4])} … ended with exit code {done.returncode}:\n{said}")
