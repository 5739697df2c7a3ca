"""Runs in production's virtualenv: reads the pages of themes with the installed importlib_resources.

One request a line on standard input, ``theme page``; one JSON answer a line on standard output. The first answer is
the installed version, without a request.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.metadata
import importlib.util
import json
import sys
import traceback
from pathlib import Path
from types import ModuleType

import importlib_resources  # type: ignore[import-not-found]  # only where the worker runs

THEMES = Path(__file__).with_name("themes")


class ThemeLoader(importlib.abc.Loader):
    """Loads themes that are switched on for a while. Loaders need not know about resources, and this one does not."""

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        path = Path(str(module.__spec__.origin))
        exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)


def load_seasonal() -> ModuleType:
    folder = THEMES / "seasonal"
    spec = importlib.util.spec_from_file_location(
        folder.name, folder / "__init__.py", loader=ThemeLoader(), submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    theme = importlib.util.module_from_spec(spec)
    sys.modules[folder.name] = theme
    spec.loader.exec_module(theme)
    return theme


def answer(themes: dict[str, ModuleType], request: str) -> dict[str, str]:
    theme, page = request.split()
    try:
        return {"text": importlib_resources.files(themes[theme]).joinpath(f"{page}.txt").read_text(encoding="utf-8")}
    except Exception:
        return {"error": traceback.format_exc()}


def say(message: dict[str, str]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main() -> None:
    sys.path.insert(0, str(THEMES))
    themes = {"plain": importlib.import_module("plain"), "seasonal": load_seasonal()}
    version = importlib.metadata.distribution("importlib_resources").read_text("REVISION")
    say({"version": version or ""})
    for line in sys.stdin:
        say(answer(themes, line))


if __name__ == "__main__":
    main()
