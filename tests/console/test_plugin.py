"""The plugin file as every Airflow process loads it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PLUGIN = Path(__file__).resolve().parents[2] / "plugins" / "hotfix_console.py"
LOAD = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("hotfix_console", sys.argv[1])
plugin = importlib.util.module_from_spec(spec)
spec.loader.exec_module(plugin)
prefixes = [app["url_prefix"] for app in plugin.HotfixConsole().fastapi_apps]
assert prefixes == ["/hotfix", "/hotfix-slack", "/hotfix-intake"]
print(*(name for name in sys.modules if name.split(".")[0] == "hotfix"))
"""


def test_loading_it_imports_nothing_of_the_package(tmp_path: Path) -> None:
    # A task process pays for what a plugin imports, and a package that cannot be imported must not stop Airflow.
    environment = {**os.environ, "AIRFLOW_HOME": str(tmp_path), "PYTHONPATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(PLUGIN)], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n")[-2] == ""
