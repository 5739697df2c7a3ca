"""A file that untrusted code left for us."""

from __future__ import annotations

import os
import stat
from pathlib import Path


class UnusableFile(ValueError):
    """It is not read; the text says why, after the file's name."""


def read_untrusted(path: Path, limit: int) -> bytes:
    """The content of ``path``, at most ``limit`` bytes.

    Raises:
        FileNotFoundError: there is none.
        UnusableFile: it is a link, a pipe or the like, it is larger, or it cannot be opened.
    """
    try:
        # Whoever chose what is there: a link would be followed into our files, a pipe would never end.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UnusableFile("is not a plain file")
            content = file.read(limit + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UnusableFile(f"cannot be opened: {error.strerror}") from None
    if len(content) > limit:
        raise UnusableFile(f"is larger than {limit // 1024**2} MB")
    return content
