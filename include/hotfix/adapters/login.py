"""What a connection holds, as adapters are handed it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Login:
    """User and password, or a bearer token as the password of nobody."""

    user: str
    password: str = field(repr=False)
