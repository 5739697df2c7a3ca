"""What ``analyze`` and ``minimize`` have in common: a history, a reproducer, and where to look."""

from __future__ import annotations

import argparse
import math
import os
import shlex
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from hotfix.adapters.command_reproducer import CommandReproducer
from hotfix.adapters.environments import Environments
from hotfix.adapters.git import GitRepository
from hotfix.adapters.installation import home
from hotfix.analysis.root_cause import Report
from hotfix.analysis.search.culprit_search import Limits
from hotfix.domain.document import Sha
from hotfix.domain.errors import HotfixError, WrongUsage
from hotfix.domain.incident import repository_path

EXIT_PROVED, EXIT_FAILED, EXIT_USAGE, EXIT_RANKED = 0, 1, 2, 3
WORKPLACE = "hotfix-analysis-"


@dataclass(frozen=True)
class Investigation:
    """Everything that the options say, checked, and the history to look at."""

    repository: GitRepository
    reproducer: CommandReproducer
    good: Sha
    bad: Sha
    report: Report
    limits: Limits
    progress: Callable[[str], None]


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--repo", required=True, type=Path, metavar="DIR", help="a git repository; it is never changed"
    )
    command.add_argument("--good", required=True, metavar="REF", help="a version where the reproducer passes")
    command.add_argument("--bad", required=True, metavar="REF", help="a version where it fails")
    command.add_argument(
        "--reproduce",
        required=True,
        metavar="CMD",
        help="run in a clean checkout of each version, without a shell; exit 0: passes, 125: cannot be tested",
    )
    command.add_argument(
        "--overlay",
        action="append",
        default=[],
        metavar="SRC:PATH_IN_REPO",
        help="a file that is put into every version before the command runs",
    )
    command.add_argument(
        "--stack-trace", type=Path, metavar="FILE", help="a stack trace or log of the failure; ranks the commits"
    )
    command.add_argument(
        "--suspect",
        action="append",
        default=[],
        metavar="PATH",
        help="a file or folder of the repository; ranks the commits",
    )
    command.add_argument(
        "--jobs", type=_number(int, at_least=1), default=1, metavar="N", help="versions that are tried at once"
    )
    command.add_argument(
        "--budget-runs", type=_number(int, at_least=0), metavar="N", help="at most so many runs; 0: only rank"
    )
    command.add_argument("--budget-seconds", type=_number(float, at_least=0), metavar="S", help="at most so much time")
    command.add_argument(
        "--time-limit",
        type=_number(float, at_least=0.1),
        default=300.0,
        metavar="S",
        help="for one run (default: 300); one that takes longer has failed",
    )
    command.add_argument(
        "--confidence", type=_share, default=0.95, metavar="P", help="at which it ends (default: 0.95)"
    )
    command.add_argument("--flaky", type=_share, metavar="P", help="the share of wrong answers, where it is known")
    command.add_argument(
        "--env", action="append", default=[], metavar="NAME", help="a variable that the command may see"
    )
    command.add_argument(
        "--setup",
        default="",
        metavar="CMD",
        help="makes the folder {environment}, which --reproduce may use, once for each state of the dependency files",
    )
    command.add_argument("--network", action="store_true", help="let the command use the network")
    command.add_argument("--json", type=Path, metavar="FILE", help="write the result there")
    command.add_argument("--quiet", action="store_true", help="no progress")


@contextmanager
def investigation(arguments: argparse.Namespace) -> Iterator[Investigation]:
    """The checked options, with a workplace that is removed afterwards.

    Raises:
        WrongUsage: an option does not make sense; nothing was run.
    """
    command = _command(arguments.reproduce, "--reproduce")
    setup = _command(arguments.setup, "--setup") if arguments.setup else ()
    overlays = dict(_overlay(value) for value in arguments.overlay)
    trace = _read(arguments.stack_trace, "--stack-trace") if arguments.stack_trace else ""
    for path in arguments.suspect:
        _checked_path(path, "--suspect")
    if arguments.json and not arguments.json.parent.is_dir():
        raise WrongUsage(f"--json: there is no folder {arguments.json.parent}.")
    with _workplace() as folder:
        try:
            repository = GitRepository.of_folder(folder, arguments.repo.resolve(strict=True))
        except OSError as error:
            raise WrongUsage(f"--repo: {arguments.repo} cannot be opened ({error.strerror}).") from None
        except HotfixError:
            raise WrongUsage(f"--repo: {arguments.repo} is not a git repository.") from None
        good, bad = _version(repository, arguments, "good"), _version(repository, arguments, "bad")
        if good != bad and repository.is_ancestor(bad, good):
            raise WrongUsage(f"--good {arguments.good} is newer than --bad {arguments.bad}.", "Exchange them.")
        if good == bad:
            raise WrongUsage(f"--good and --bad are the same version, {good[:10]}.")
        yield Investigation(
            repository=repository,
            reproducer=CommandReproducer(
                command=command,
                overlays=overlays,
                environment={name: os.environ[name] for name in arguments.env if name in os.environ},
                time_limit=arguments.time_limit,
                network=arguments.network,
                setup=setup,
                environments=Environments(home() / "environments") if setup else None,
                workplace=folder,
            ),
            good=good,
            bad=bad,
            report=Report(
                text="\n".join(overlays.values()),
                stack_trace=trace,
                suspected_paths=tuple(arguments.suspect),
                overlays=tuple(overlays),
            ),
            limits=Limits(
                runs=arguments.budget_runs,
                seconds=arguments.budget_seconds,
                jobs=arguments.jobs,
                confidence=arguments.confidence,
                flaky=arguments.flaky,
            ),
            progress=(lambda line: None) if arguments.quiet else _print,
        )


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@contextmanager
def _workplace() -> Iterator[Path]:
    """A folder for worktrees; those of processes that were killed are removed on the way."""
    root = Path(tempfile.gettempdir())
    for left in root.glob(f"{WORKPLACE}*"):
        owner = left.name.removeprefix(WORKPLACE).split("-", 1)[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists() and Path("/proc").exists():
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{WORKPLACE}{os.getpid()}-"))
    try:
        with _ending_at_once(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _ending_at_once(folder: Path) -> Iterator[None]:
    """Ctrl-C waits for no reproducer that is still running: it dies with us."""

    def stop(number: int, frame: FrameType | None) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        os.write(sys.stderr.fileno(), b"stopped\n")
        os._exit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _command(text: str, option: str) -> tuple[str, ...]:
    try:
        command = tuple(shlex.split(text))
    except ValueError as error:
        raise WrongUsage(f"{option}: {error}.") from None
    if not command:
        raise WrongUsage(f"{option} is empty.")
    return command


def _overlay(value: str) -> tuple[str, str]:
    source, separator, path = value.rpartition(":")
    if not separator or not source:
        raise WrongUsage(f"--overlay {value}: it must be SRC:PATH_IN_REPO.")
    try:
        # As it is, line ends included.
        return _checked_path(path, "--overlay"), Path(source).read_bytes().decode()
    except UnicodeDecodeError:
        raise WrongUsage(f"--overlay: {source} is no text in UTF-8.") from None
    except OSError as error:
        raise WrongUsage(f"--overlay: {source} cannot be read ({error.strerror}).") from None


def _checked_path(path: str, option: str) -> str:
    try:
        return repository_path(path)
    except ValueError as error:
        raise WrongUsage(f"{option}: {error}.") from None


def _read(file: Path, option: str) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise WrongUsage(f"{option}: {file} cannot be read ({error.strerror}).") from None


def _version(repository: GitRepository, arguments: argparse.Namespace, which: str) -> Sha:
    given = getattr(arguments, which)
    found = repository.resolve_in_place(given)
    if found is None:
        raise WrongUsage(f"--{which}: {arguments.repo} has no version {given!r}.")
    return found


def _number(kind: type[int] | type[float], at_least: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = kind(-1)
        if not at_least <= value < math.inf:
            what = "a whole number" if kind is int else "a number"
            raise argparse.ArgumentTypeError(f"{text!r} is not {what} of {at_least} or more")
        return value

    return parse


def _share(text: str) -> float:
    value = _number(float, at_least=0)(text)
    if value >= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not less than 1")
    return value
