"""Proofs of origin over a request's raw bytes, compared in constant time."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Sequence

from hotfix.ports.alert_format import Credentials


def hmac_sha256(secret: str, content: bytes) -> str:
    """In hexadecimal digits."""
    return hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()


def signed(given: Iterable[str], content: bytes, credentials: Credentials) -> bool:
    """Whether one of the given signatures is HMAC-SHA256 of ``content`` with one of the secrets."""
    expected = [hmac_sha256(secret, content) for secret in credentials.secrets]
    return _one_of([candidate.lower() for candidate in given], expected)


def bearer_or_basic(authorization: str, credentials: Credentials) -> bool:
    """Whether an ``Authorization`` header has a secret, as a bearer token or as the user's password."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return _one_of([value.strip()], credentials.secrets)
    if scheme.lower() == "basic" and credentials.user:
        try:
            pair = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, ValueError):
            return False
        return _one_of([pair], [f"{credentials.user}:{secret}" for secret in credentials.secrets])
    return False


def _one_of(given: Sequence[str], expected: Sequence[str]) -> bool:
    """Compares all of them: how long it takes does not tell which was the right one, nor how much of it was."""
    same = False
    for one in given:
        for other in expected:
            same |= hmac.compare_digest(other.encode(), one.encode("utf-8", "replace"))
    return same
