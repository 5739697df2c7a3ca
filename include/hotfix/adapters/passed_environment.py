"""Variables of the worker that a profile passes on to a command, and their values kept out of messages."""

from __future__ import annotations

import os
from collections.abc import Iterable

# Shorter values, such as a region's name, are no secrets, and blotting them out would spoil the text.
SECRET_CHARACTERS = 6


def passed(names: Iterable[str]) -> dict[str, str]:
    """Those variables that are set."""
    return {name: os.environ[name] for name in names if name in os.environ}


def without_secrets(text: str, names: Iterable[str]) -> str:
    """``text`` with the variables' values blotted out, longer ones first."""
    for secret in sorted(passed(names).values(), key=len, reverse=True):
        if len(secret) >= SECRET_CHARACTERS:
            text = text.replace(secret, "***")
    return text
