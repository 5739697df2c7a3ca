"""Whether opengrep can run here."""

from __future__ import annotations

import importlib.util
import shutil

import pytest

needs_opengrep = pytest.mark.skipif(
    importlib.util.find_spec("tackbox_opengrep") is None and shutil.which("opengrep") is None,
    reason="opengrep is not installed; its wheel is for Python 3.11 and newer and not for every machine",
)
