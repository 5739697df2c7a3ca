"""The reporter's reproducer test as a file in a checkout that is not trusted."""

from __future__ import annotations

import os
from pathlib import Path


class ReproducerRefused(Exception):
    """The file cannot be written there; the text says why."""


def write_reproducer(checkout: Path, relative: str, text: str) -> None:
    """Write ``text`` to ``relative`` in ``checkout``, replacing what is there and making missing folders.

    Raises:
        ReproducerRefused: a link leads out of the checkout, or the place is taken by something else than a file.
    """
    root, target = checkout.resolve(), checkout / relative
    folder = target.parent.resolve()
    if not folder.is_relative_to(root):
        raise ReproducerRefused(f"{relative} leads out of the checkout through a link")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Unlinked first: a link at the very end would otherwise be written through.
        (folder / target.name).unlink(missing_ok=True)
        descriptor = os.open(folder / target.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
    except OSError as error:
        raise ReproducerRefused(f"{relative} cannot be written in this version: {error.strerror}") from None
