"""Production's test settings, put back into a checkout of a change that is not trusted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from hotfix.analysis.test_selection.test_configuration import ConfigurationChange


def within_reach(tree: Path, changes: Iterable[ConfigurationChange]) -> tuple[ConfigurationChange, ...]:
    """``changes``, each with a ``problem`` where its file cannot be written in ``tree`` without leaving it."""
    return tuple(replace(change, problem=change.problem or _obstacle(tree, change.path)) for change in changes)


def put_back(tree: Path, changes: Iterable[ConfigurationChange]) -> None:
    """Write the files as production has them; those with a ``problem`` are left alone."""
    for change in changes:
        if change.problem:
            continue
        file = tree / change.path
        # Unlinked first: a link would be followed to wherever it leads.
        file.unlink(missing_ok=True)
        if change.restored is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(change.restored, encoding="utf-8")


def _obstacle(tree: Path, path: str) -> str:
    file = tree / path
    for folder in file.parents:
        if folder == tree:
            break
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            above = folder.relative_to(tree).as_posix()
            return f"{path} decides how tests run, and cannot be put back: {above} is no folder of the repository"
    if file.is_dir() and not file.is_symlink():
        return f"{path} decides how tests run, and cannot be put back: it is a folder now"
    return ""
