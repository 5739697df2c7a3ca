"""What needs no run: text that cannot work, and text that means the same as another one."""

from __future__ import annotations

import ast
import hashlib
import warnings
from collections.abc import Mapping
from functools import lru_cache

from hotfix.analysis.minimal_fix.leftovers import leftovers
from hotfix.domain.revert import FileState

Files = Mapping[str, FileState | None]


def meaning(files: Files) -> str:
    """A checksum that two sets of files share when they behave alike: of Python without comments and line breaks.

    Everything else, and Python that this interpreter does not understand, counts byte by byte.
    """
    digest = hashlib.sha256()
    for path, state in sorted(files.items()):
        digest.update(f"{path!r} {state.mode if state else None}\0".encode())
        if state is not None:
            digest.update(_tree(path, state.content) or state.content)
        digest.update(b"\0")
    return digest.hexdigest()


def broken(files: Files, production: Files, whole: Files) -> str:
    """Why ``files`` cannot be a fix, as far as their text shows; empty where it does not.

    Python that does not parse, and ``leftovers``, are held against them only where neither ``production`` nor the
    ``whole`` revert has them: a file may be written for another interpreter than this one.
    """
    for path, state in sorted(files.items()):
        references = [side.content for at in (production, whole) if (side := at.get(path)) is not None]
        if state is None or not path.endswith(".py") or any(_tree(path, content) is None for content in references):
            continue
        if _tree(path, state.content) is None:
            return f"{path} does not parse"
        known = frozenset[str]().union(*(_leftovers(content) for content in references))
        if new := sorted(_leftovers(state.content) - known):
            return f"{path}: {new[0]}"
    return ""


@lru_cache(maxsize=64)
def _leftovers(content: bytes) -> frozenset[str]:
    return leftovers(content)


@lru_cache(maxsize=64)
def _tree(path: str, content: bytes) -> bytes | None:
    if not path.endswith(".py"):
        return None
    try:
        with warnings.catch_warnings():
            # Of the service's code: an invalid escape in it is no concern of ours.
            warnings.simplefilter("ignore")
            tree = ast.parse(content)
            # What is wrong only for the compiler: return outside a function, a name that is global too late.
            compile(tree, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return ast.dump(tree).encode("utf-8", "surrogatepass")
