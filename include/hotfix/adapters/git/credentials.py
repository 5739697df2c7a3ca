"""The password that git needs for a remote, on a way that nobody else reads."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from hotfix.domain.errors import InvalidCatalog

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True)
class Credentials:
    """``password`` is asked at every call of git; it is given away for ``remote``'s host alone.

    Raises:
        InvalidCatalog: it would go over the network in the clear.
    """

    remote: str
    password: Callable[[], str] = field(repr=False)
    user: str = "x-access-token"

    def __post_init__(self) -> None:
        parts = urlsplit(self.remote)
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise InvalidCatalog(f"{parts.hostname} would be sent a token without encryption.", "Use https://.")

    @contextmanager
    def lent(self) -> Iterator[tuple[dict[str, str], tuple[int, ...]]]:
        """The environment and the file descriptors with which a git process finds the password.

        It is in a file without a name: not in the arguments and not in the environment, which other processes may see.
        """
        parts = urlsplit(self.remote)
        scope = f"credential.{parts.scheme}://{parts.netloc.rpartition('@')[2]}.helper"
        with tempfile.TemporaryFile() as secret:
            secret.write(f"username={self.user}\npassword={self.password()}\n".encode())
            secret.flush()
            number = secret.fileno()
            # Opened by name, and so from its beginning, however often git asks.
            helper = f'!f() {{ test "$1" = get && cat /dev/fd/{number}; }}; f'
            # The first, empty, one switches off those of the user's own configuration.
            settings = {"GIT_CONFIG_KEY_0": scope, "GIT_CONFIG_VALUE_0": "", "GIT_CONFIG_KEY_1": scope}
            yield {**settings, "GIT_CONFIG_VALUE_1": helper, "GIT_CONFIG_COUNT": "2"}, (number,)
