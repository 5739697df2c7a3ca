"""A regression in a public repository, ready to be run."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Labels of cases whose folder has only the reproducer.
LABELS = ROOT / "bench" / "cases"


@dataclass(frozen=True)
class Case:
    """See the README of the cases' folder for the fields; ``repository`` is a bare repository on this machine."""

    name: str
    repository: Path
    good: str
    bad: str
    culprit: str
    commits: int
    reproducer: Path
    destination: str
    python_path: tuple[str, ...]
    requirements: tuple[str, ...]

    def command(self, python: Path, ini: Path) -> list[str]:
        return [
            "env",
            f"PYTHONPATH={':'.join(self.python_path)}",
            *("PYTHONHASHSEED=0", "TZ=UTC", "PYTHONDONTWRITEBYTECODE=1"),
            *(str(python), "-m", "pytest", "-q", "-x", "-c", str(ini)),
            *("--rootdir=.", "-p", "no:cacheprovider", "-W", "ignore", self.destination),
        ]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Which cases, and where their repositories are."""
    parser.add_argument("cases", type=_folder, help="a folder with a case in each of its folders")
    parser.add_argument("--only", nargs="*", metavar="CASE")
    parser.add_argument(
        "--repositories",
        type=Path,
        default=Path(os.environ.get("BENCH_REPOS", ROOT.parent / ".mirror")),
        help="where <owner>+<name>/repo are (default: BENCH_REPOS)",
    )


def _folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"there are no cases in {text}: nothing was measured")
    return Path(text)


def chosen(arguments: argparse.Namespace) -> Iterator[Case | str]:
    """The cases that the options name; a string is a case that is not run, and why."""
    for case in read_cases(arguments.cases, arguments.repositories):
        if isinstance(case, Case) and arguments.only and case.name not in arguments.only:
            yield f"{case.name}: not run this time"
        else:
            yield case


def read_cases(folder: Path, repositories: Path) -> Iterator[Case | str]:
    """The cases in ``folder``; a string is a case that cannot be run, and why."""
    for place in sorted(path for path in folder.iterdir() if path.is_dir()):
        label = place / "case.json"
        if not label.exists():
            label = LABELS / place.name / "case.json"
        if not label.exists():
            yield f"{place.name}: it has no case.json"
            continue
        given = json.loads(label.read_text())
        repository = repositories / given["repo"].replace("/", "+") / "repo"
        if not repository.is_dir():
            yield f"{place.name}: {given['repo']} is not in BENCH_REPOS ({repositories})"
            continue
        yield Case(
            name=place.name,
            repository=repository.resolve(),
            good=given["good"],
            bad=given["bad"],
            culprit=given["culprit"],
            commits=given["commits"],
            reproducer=(place / given["reproducer"]).resolve(),
            destination=given["destination"],
            python_path=tuple(given["python_path"]),
            requirements=tuple(given["requirements"]),
        )


def environment(case: Case, folder: Path) -> Path:
    """The Python of a virtual environment with the case's requirements; made once for each set of them."""
    wanted = sorted({*case.requirements, "pytest", "coverage"})
    home = folder / hashlib.sha256("\n".join(wanted).encode()).hexdigest()[:12]
    if not (home / "ready").exists():
        print(f"  installing {' '.join(wanted)} …", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        pip = [str(home / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, *wanted], check=True, stderr=subprocess.DEVNULL)
        (home / "ready").touch()
    return home / "bin" / "python"


def quoted(command: list[str]) -> str:
    return " ".join(map(shlex.quote, command))
