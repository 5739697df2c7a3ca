"""Names for findings that survive when the code around them moves."""

from __future__ import annotations

import hashlib
from collections import Counter


class Identities:
    """Identities for the findings of one scan, given in a stable order."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def of(self, path: str, rule: str, content: str) -> str:
        """The SHA-256 of path, rule and ``content`` without the space around it, as hex.

        The second finding with the same three gets an ordinal, so that one more copy of a flaw is a new finding.
        """
        stable = "\0".join((path, rule, content.strip()))
        self._seen[stable] += 1
        ordinal = self._seen[stable]
        return hashlib.sha256(f"{stable}\0{ordinal}".encode("utf-8", "backslashreplace")).hexdigest()
