"""A git history made from the published source releases of importlib_resources, one commit a release."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

log = logging.getLogger(__name__)

PACKAGE = "importlib_resources"
VERSIONS = (
    "5.10.4",
    "5.11.0",
    "5.11.1",
    "5.12.0",
    "5.13.0",
    "6.0.0",
    "6.0.1",
    "6.1.0",
    "6.1.1",
    "6.1.2",
    "6.1.3",
    "6.2.0",
    "6.3.0",
)
GOOD = "5.10.4"
CULPRIT = "6.2.0"  # "Can't open orphan path", see reproducer_test.py.txt
BAD = "6.3.0"  # 6.3.2 fixed it
FIRST_DAY = datetime(2023, 1, 1, 12, tzinfo=timezone.utc)
DOWNLOADS_AT_ONCE = 4

_PERSON = {"NAME": "Release History", "EMAIL": "releases@example.org"}
_SETTINGS = {
    "commit.gpgsign": "false",
    "tag.gpgsign": "false",
    "core.autocrlf": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
}


class DownloadFailed(Exception):
    """A release could not be had from the package index; the text says which, and what pip said."""


@dataclass(frozen=True)
class RealHistory:
    """A bare repository and the commits that matter in it, as full SHAs; its tags are the versions."""

    repository: Path
    good: str
    bad: str
    culprit: str
    versions: tuple[str, ...]


def build(bare_repository: Path, cache: Path, toolchain: Path | None = None) -> RealHistory:
    """Make the repository, with the branch main and a tag a release: the same SHAs every time.

    Releases that ``cache`` has are not downloaded again. With the interpreter of a ``toolchain``, pip need not make a
    build environment for each release that it downloads, which is several times faster.

    Raises:
        DownloadFailed: the package index cannot be reached, or lacks a release.
        FileExistsError: there is something at ``bare_repository`` already.
    """
    archives = download(cache, toolchain)
    bare_repository.mkdir(parents=True)
    _git(bare_repository, "init", "--quiet", "--bare", "--initial-branch=main", "--object-format=sha1")
    commits: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="real-history-") as folder:
        worktree = Path(folder) / "worktree"
        worktree.mkdir()
        _git(worktree, "init", "--quiet", "--initial-branch=main", "--object-format=sha1")
        for number, version in enumerate(VERSIONS):
            _replace_files(worktree, archives[version])
            commits[version] = _commit(worktree, version, FIRST_DAY + timedelta(days=number))
        _git(worktree, "push", "--quiet", str(bare_repository.resolve()), "main", "--tags")
    return RealHistory(bare_repository, commits[GOOD], commits[BAD], commits[CULPRIT], VERSIONS)


def download(cache: Path, toolchain: Path | None = None) -> dict[str, Path]:
    """The source archive of each version, by version."""
    cache.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
        return dict(
            zip(VERSIONS, pool.map(lambda version: _download(version, cache, toolchain), VERSIONS), strict=True)
        )


def _download(version: str, cache: Path, toolchain: Path | None) -> Path:
    name = f"{PACKAGE}-{version}.tar.gz"
    archive = cache / name
    if archive.is_file():
        return archive
    log.info("downloading %s", name)
    # Next to the cache and moved at the end, so that an archive in the cache is always whole.
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        pip = (str(toolchain), "-m", "pip") if toolchain else (sys.executable, "-m", "pip")
        options = ("--quiet", "--no-deps", "--no-binary", PACKAGE, *(("--no-build-isolation",) if toolchain else ()))
        done = subprocess.run(
            [*pip, "download", *options, "--dest", folder, f"{PACKAGE}=={version}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode != 0 or not (Path(folder) / name).is_file():
            said = "\n".join(done.stdout.strip().splitlines()[-5:]) or "nothing"
            raise DownloadFailed(
                f"{PACKAGE} {version} could not be downloaded. Is the package index within reach? pip said:\n{said}"
            )
        (Path(folder) / name).replace(archive)
    return archive


def _replace_files(worktree: Path, archive: Path) -> None:
    """Make the files of a release those of the worktree, without what its build had generated."""
    for path in worktree.iterdir():
        if path.name == ".git":
            continue
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    with tempfile.TemporaryDirectory(dir=worktree.parent) as folder:
        with tarfile.open(archive) as files:
            _extract(files, Path(folder))
        (release,) = Path(folder).iterdir()
        for path in release.iterdir():
            if not _generated(path):
                shutil.move(path, worktree)


def _generated(path: Path) -> bool:
    if path.name == "NEWS.rst":
        # Assembled by towncrier when a release is made. Older releases have a CHANGES.rst, written by hand.
        return path.with_name("towncrier.toml").is_file()
    return path.name == "PKG-INFO" or path.suffix == ".egg-info"


def _extract(files: tarfile.TarFile, folder: Path) -> None:
    if hasattr(tarfile, "data_filter"):
        files.extractall(folder, filter="data")
        return
    # Python 3.10 before 3.10.12: take nothing but plain files in plain folders.
    for member in files:
        parts = Path(member.name).parts
        if not (member.isfile() or member.isdir()) or Path(member.name).is_absolute() or ".." in parts:
            raise DownloadFailed(f"{files.name!s} has the unsafe member {member.name}")
        files.extract(member, folder)


def _commit(worktree: Path, version: str, day: datetime) -> str:
    title = f"{PACKAGE} {version}"
    _git(worktree, "add", "--all", "--force")
    _git(worktree, "commit", "--quiet", "--allow-empty", f"--message=Release {title}", day=day)
    _git(worktree, "tag", "--annotate", f"--message={title}", version, day=day)
    return _git(worktree, "rev-parse", "HEAD")


def _git(folder: Path, *arguments: str, day: datetime = FIRST_DAY) -> str:
    """Run git so that only its arguments decide the outcome; return what it prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}
    for role in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{role}_{key}": value for key, value in _PERSON.items()}
        environment[f"GIT_{role}_DATE"] = day.isoformat()
    options = [option for name, value in _SETTINGS.items() for option in ("-c", f"{name}={value}")]
    command = ["git", "-C", str(folder), *options, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()
