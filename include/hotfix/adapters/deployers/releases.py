"""Release folders on this machine, and the link that says which of them is meant to be live."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from hotfix.domain.document import Sha

REVISION = "REVISION"


class Releases:
    """``<root>/releases/<sha>``, each complete as soon as it has that name, and ``<root>/current``.

    Releases are never removed: a running gunicorn starts its successor from the folder that it was itself started in.
    """

    def __init__(self, root: Path) -> None:
        self._folder = root / "releases"
        self.link = root / "current"

    def path(self, version: Sha) -> Path:
        return self._folder / version

    def has(self, version: Sha) -> bool:
        """Whether the release is there and complete."""
        if not re.fullmatch("[0-9a-f]{40}", version):
            return False
        try:
            return (self.path(version) / REVISION).read_text(encoding="utf-8").strip() == version
        except (OSError, UnicodeDecodeError):
            return False

    def build(self, version: Sha, source: Path) -> Path:
        """Copy ``source``, without ``.git``, into the release folder, unless it is there already.

        Raises:
            OSError: no room, no permission, or a folder of that name that is no release.
        """
        self._remove_partial()
        if not self.has(version):
            partial = self._folder / f"{version}.partial-{os.getpid()}"
            shutil.copytree(source, partial, symlinks=True, ignore=shutil.ignore_patterns(".git"))
            revision = partial / REVISION
            # The service's own file of that name may be a link to elsewhere.
            revision.unlink(missing_ok=True)
            revision.write_text(f"{version}\n", encoding="utf-8")
            partial.rename(self.path(version))
        return self.path(version)

    def current(self) -> Sha | None:
        """The release that ``current`` names; None when there is no such link."""
        try:
            name = self.link.readlink().name
        except OSError:
            return None
        return name if re.fullmatch("[0-9a-f]{40}", name) else None

    def point(self, version: Sha) -> None:
        """Make ``current`` name the release, in one step."""
        if self.current() == version:
            return
        new = self.link.with_name("current.new")
        new.unlink(missing_ok=True)
        new.symlink_to(Path("releases") / version)
        new.replace(self.link)

    def _remove_partial(self) -> None:
        """Whoever holds the deployment lock is alone, so every partial release is a dead process's."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for partial in self._folder.glob("*.partial-*"):
            shutil.rmtree(partial)
