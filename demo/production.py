"""The sample production: gunicorn serves the release which ``<root>/current`` points to."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType

from demo import traffic
from demo.loopback import free_port
from demo.sample_service.git import git

CONFIGURATION = Path(__file__).with_name("access_log.py")
BOOT_TIMEOUT = 15.0
STOP_TIMEOUT = 10.0
# Anything else in the environment of the demo could change how the service behaves.
INHERITED = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH")


class Production:
    """A directory with releases and the gunicorn which serves one of them on a loopback port.

    A deployer replaces ``current`` and upgrades the master with USR2, so the master changes.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.releases = self.root / "releases"
        self.current = self.root / "current"
        self.pid_file = self.root / "gunicorn.pid"
        self.access_log = self.root / "access.log"
        self.error_log = self.root / "error.log"
        self.releases.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._group: int | None = None

    def install(self, repository: Path, sha: str) -> Path:
        """Unpack a commit as a release, make it the current one and return its directory.

        Raises subprocess.CalledProcessError for an unknown commit, FileExistsError for a known release.
        """
        release = self.releases / sha
        with tempfile.NamedTemporaryFile(suffix=".tar") as archive:
            git(repository, "archive", f"--output={archive.name}", sha)
            release.mkdir()
            with tarfile.open(archive.name) as files:
                # An archive of our own making: the filter, which older patch releases of Python lack, guards nothing.
                files.extractall(release)
        (release / "REVISION").write_text(f"{sha}\n")
        link = self.root / "current.new"
        link.symlink_to(release.relative_to(self.root))
        link.replace(self.current)
        return release

    def start(self) -> None:
        """Start gunicorn and wait until it answers; raises RuntimeError with its log otherwise."""
        environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
        environment |= {"SHOP_ENV": "production", "PYTHONDONTWRITEBYTECODE": "1"}
        with self.error_log.open("a") as log:
            # The group outlives its first master: it holds every later master and worker.
            process = subprocess.Popen(
                self._command(),
                cwd=self.root,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._group = process.pid
        # Reap the first master when an upgrade retires it: a deployer waits for its end.
        threading.Thread(target=process.wait, daemon=True).start()
        deadline = time.monotonic() + BOOT_TIMEOUT
        while traffic.send(self.url, "/healthz")["status"] != 200:
            if process.returncode is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"gunicorn does not answer:\n{self.error_log.read_text()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop whichever masters run now, with their workers; does nothing when none runs."""
        told: set[int] = set()
        deadline = time.monotonic() + STOP_TIMEOUT
        # A master removes its pid file once its workers are gone.
        while (masters := self._masters()) and time.monotonic() < deadline:
            for pid in masters - told:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
            told |= masters
            time.sleep(0.05)
        if self._group:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._group, signal.SIGKILL)
            self._group = None
        for file in self._pid_files():
            file.unlink(missing_ok=True)

    def _masters(self) -> set[int]:
        """The masters which the pid files name: two of them while an upgrade is under way."""
        pids = set()
        for file in self._pid_files():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                pid = int(file.read_text())
                os.kill(pid, 0)
                pids.add(pid)
        return pids

    def _pid_files(self) -> tuple[Path, Path]:
        return self.pid_file, self.pid_file.with_name("gunicorn.pid.2")

    def _command(self) -> list[str]:
        # The script and not ``-m gunicorn``: an upgrade runs sys.argv again, as a script.
        gunicorn = Path(sysconfig.get_path("scripts")) / "gunicorn"
        options = {
            "--config": CONFIGURATION,
            "--chdir": self.current,
            "--bind": f"127.0.0.1:{self.port}",
            "--workers": 2,
            "--graceful-timeout": 5,
            "--pid": self.pid_file,
            "--access-logfile": self.access_log,
            "--error-logfile": self.error_log,
        }
        words = [str(word) for option in options.items() for word in option]
        return [sys.executable, str(gunicorn), *words, "shop.app:application"]

    def __enter__(self) -> Production:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
