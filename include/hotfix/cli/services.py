"""The service catalog from a terminal."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hotfix.adapters.catalog import YamlCatalog
from hotfix.adapters.git import GitRepository
from hotfix.adapters.installation import catalog_folder, home
from hotfix.domain.errors import HotfixError
from hotfix.steps.watch_prospects import watch_prospects

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def register(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    check = commands.add_parser("check-services", help="read every service profile and reach its repository")
    check.set_defaults(run=_check_services)


def _check_services(arguments: argparse.Namespace) -> int:
    catalog = YamlCatalog(catalog_folder())
    names = catalog.names()
    if not names:
        print(f"{catalog_folder()} holds no service profile", file=sys.stderr)
        return 1
    broken = 0
    for name in names:
        try:
            profile = catalog.profile(name)
            repository = GitRepository(home() / "mirrors", profile.repository)
            repository.fetch()
            head = repository.resolve(f"refs/heads/{profile.default_branch}")
            if head is None:
                raise HotfixError(f"{repository.remote} has no branch {profile.default_branch}.")
            missing = sorted(
                set(profile.tests.critical) - set(repository.files(head)) - _folders(repository.files(head))
            )
            if missing:
                raise HotfixError(f"critical tests are not in the repository: {', '.join(missing)}.")
            print(f"{name}: ok, {profile.default_branch} is at {head[:12]}")
            for note in watch_prospects(profile.monitoring):
                print(f"{name}: note: {note}")
        except HotfixError as error:
            broken += 1
            print(f"{name}: {error}", file=sys.stderr)
    return 1 if broken else 0


def _folders(files: Sequence[str]) -> set[str]:
    return {"/".join(parts[:depth]) for file in files for parts in [file.split("/")] for depth in range(1, len(parts))}
