"""The installed releases of the package: a virtualenv each, and the link ``current`` to the one that is live."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "importlib_resources"
# Imported too, because a package that cannot be imported is not live.
ASK = f"import importlib.metadata, {PACKAGE}; print(importlib.metadata.distribution('{PACKAGE}').read_text('REVISION'))"


class Refused(Exception):
    """Nothing was switched; the text says why."""


class Releases:
    """``<root>/toolchain`` must be there to install: a virtualenv with pip and the package's build requirements."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._current = self.root / "current"

    def live(self) -> str | None:
        """The version that is really installed in the live virtualenv."""
        return _installed(self._current)

    def install(self, version: str, source: Path) -> None:
        """Build the checkout and install it in a virtualenv of its own; one left half done is made anew."""
        venv = self._venv(version)
        if _is_complete(venv):
            return
        shutil.rmtree(venv, ignore_errors=True)
        _run(sys.executable, "-m", "venv", "--without-pip", str(venv))
        with tempfile.TemporaryDirectory(prefix="build-", dir=self.root) as folder:
            wheel = self._build(version, source, Path(folder))
            self._pip("--python", str(venv / "bin" / "python"), "install", "--no-index", "--no-deps", str(wheel))
        (metadata,) = venv.glob(f"lib/python*/site-packages/{PACKAGE}-*.dist-info")
        (metadata / "REVISION").write_text(version, encoding="ascii")
        if _installed(venv) != version:
            raise Refused(f"{version} is installed but cannot be imported.")
        (venv / ".complete").touch()

    def switch(self, version: str) -> None:
        """Make an installed version the live one, in one step."""
        if not _is_complete(self._venv(version)):
            raise Refused(f"{version} is not installed: deploy it.")
        link = self.root / f"current.{os.getpid()}"
        link.unlink(missing_ok=True)
        link.symlink_to(Path("venvs") / version)
        link.replace(self._current)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Let one deployment or rollback at a time change anything."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _venv(self, version: str) -> Path:
        return self.root / "venvs" / version

    def _build(self, version: str, source: Path, folder: Path) -> Path:
        # A copy, because a build leaves files behind, and because the next one would take up those.
        copy = folder / "source"
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns(".git"))
        # Without git the build does not know which data files belong to the package.
        manifest = copy / "MANIFEST.in"
        if not manifest.exists():
            manifest.write_text(f"graft {PACKAGE}\n", encoding="ascii")
        self._pip(
            *("wheel", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(copy)),
            version=f"0+g{version[:12]}",
        )
        (wheel,) = folder.glob("*.whl")
        return wheel

    def _pip(self, *arguments: str, version: str = "0") -> None:
        toolchain = self.root / "toolchain" / "bin" / "python"
        if not toolchain.exists():
            raise Refused(f"There is no {toolchain}: make the toolchain first.")
        environment = {**os.environ, "SETUPTOOLS_SCM_PRETEND_VERSION": version, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        _run(str(toolchain), "-m", "pip", *arguments, environment=environment)


def _is_complete(venv: Path) -> bool:
    return (venv / ".complete").is_file()


def _installed(venv: Path) -> str | None:
    interpreter = venv / "bin" / "python"
    if not interpreter.exists():
        return None
    done = subprocess.run([str(interpreter), "-I", "-c", ASK], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def _run(*command: str, environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != 0:
        raise Refused(f"{' '.join(command)} ended with exit code {done.returncode}:\n{done.stdout}")
