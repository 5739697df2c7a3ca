"""What speaks against each commit: every kind of evidence spreads a mass of one over the commits that it points at."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TypeVar

from hotfix.analysis.ranking.bm25 import Bag, bm25
from hotfix.analysis.ranking.clues import Clues
from hotfix.analysis.ranking.executed_code import ExecutedCode
from hotfix.analysis.ranking.words import telling, words
from hotfix.domain.document import Sha
from hotfix.domain.history import CommitPatch, FilePatch

# The kinds, in words that a person reads as the reason: "this commit …".
NOTHING_ELSE = "changed little but lines that are executed differently now"
LATE = "changed a function that runs shortly before the failure"
FRAME_LINE = "wrote a line of the stack trace"
FRAME_FUNCTION = "changed a function of the stack trace"
FRAME_FILE = "changed a file of the stack trace"
SUSPECTED = "changed a path that the reporter suspects"
WORDS = "has words of the failure in its message or change"
CODE = "changed code"
# What is counted and not spread.
SIZE = "changed lines"
ELSEWHERE = "changed lines outside of the functions that run"

_NAME = re.compile(
    r"\b(?:def|class|func|fn|function|fun|sub|module|interface|struct|trait|impl)\s+(?:\([^)]*\)\s*)?(\w+)"
)
_CALLABLE = re.compile(r"(\w+)\s*\(")
_PROSE = (
    ".md", ".rst", ".txt", ".adoc", ".html", ".css", ".svg", ".png", ".po",
    ".lock", ".cfg", ".toml", ".yml", ".yaml", ".ini", ".gitignore", ".typed",
)  # fmt: skip
_PROSE_FOLDERS = ("docs/", "doc/", ".github/")
_TEST_FOLDERS = ("tests", "test", "testing", "__tests__", "spec")
_TEST_FILE = re.compile(r"(test_.*|.*_test|.*\.(test|spec)|conftest)\.\w+$")
# Of a huge commit the first part: reading takes time that a ranking has to save.
_TEXT_READ, _MESSAGE_READ = 48_000, 2_000

_Key = TypeVar("_Key", bound=Hashable)


class Gathering:
    """Reads the patches of a range, newest first and each once, and keeps what the clues ask for."""

    def __init__(self, clues: Clues) -> None:
        self._clues = clues
        self._wanted = Counter(words(clues.text))
        self._code = ExecutedCode.of(clues)
        self._functions: dict[tuple[str, str], list[Sha]] = defaultdict(list)
        self._hits: dict[Sha, int] = defaultdict(int)
        self._frame_functions: dict[Sha, float] = defaultdict(float)
        self._frame_files: dict[Sha, float] = defaultdict(float)
        self._suspected: dict[Sha, float] = defaultdict(float)
        self._texts: dict[Sha, Bag] = {}
        self._now: dict[str, str] = {}
        self._size: dict[Sha, int] = {}
        self._elsewhere: dict[Sha, int] = defaultdict(int)

    def read(self, patch: CommitPatch) -> None:
        sha, lines = patch.sha, 0
        read: list[str] = []
        for file in patch.files:
            path = self._path_at_production(file)
            if any(path == each or path.startswith(f"{each.rstrip('/')}/") for each in self._clues.suspected_paths):
                self._suspected[sha] = 1.0
            if is_prose(path) or is_test(path):
                continue
            lines += sum(len(hunk.lines) for hunk in file.hunks)
            self._read_file(sha, path, file)
            read += [line for hunk in file.hunks for line in (hunk.function, *hunk.lines)]
        self._size[sha] = lines
        change = "\n".join(read)[:_TEXT_READ]
        self._texts[sha] = Bag.of(words(f"{patch.message[:_MESSAGE_READ]}\n{change}"), self._wanted)

    def _read_file(self, sha: Sha, path: str, file: FilePatch) -> None:
        code = self._code
        functions: set[str] = set()
        for hunk in file.hunks:
            around = {*_names(hunk.function), *(name for line in hunk.lines for name in _NAME.findall(line))}
            functions |= around
            added, removed = _telling(hunk.added), _telling(hunk.removed)
            hits = sum(text in code.appeared for text in added) + sum(text in code.vanished for text in removed)
            if hits:
                self._hits[sha] += hits
            if not any((path, name) in code.functions for name in around):
                self._elsewhere[sha] += len(added) + len(removed)
        for name in functions:
            if (path, name) in code.lateness:
                self._functions[path, name].append(sha)
        for position, frame in enumerate(self._clues.frames, 1):
            if frame.path == path:
                self._frame_files[sha] += 1 / position
                if frame.function.rsplit(".", 1)[-1] in functions:
                    self._frame_functions[sha] += 1 / position

    def _path_at_production(self, file: FilePatch) -> str:
        """Newest first, a rename tells how everything older is called now."""
        now = self._now.get(file.path, file.path)
        if file.old_path != file.path:
            self._now[file.old_path] = now
        return now

    def evidence(self) -> dict[str, dict[Sha, float]]:
        """Kind → commit → share; kinds that point at nobody are left out."""
        lines = self._size
        masses = {
            NOTHING_ELSE: {sha: hits / lines[sha] for sha, hits in self._hits.items()},
            LATE: _spread(self._functions, self._code.lateness),
            FRAME_LINE: {sha: mass for sha, mass in self._clues.frame_authors.items() if sha in lines},
            FRAME_FUNCTION: self._frame_functions,
            FRAME_FILE: self._frame_files,
            SUSPECTED: self._suspected,
            WORDS: _sharpened(bm25(self._wanted, self._texts)),
            CODE: {sha: 1.0 for sha, changed in lines.items() if changed},
        }
        return {kind: shares for kind, mass in masses.items() if (shares := _normal(mass))}

    def counts(self) -> dict[str, Mapping[Sha, int]]:
        """SIZE and ELSEWHERE of the commits that were read, in lines of code."""
        return {SIZE: self._size, ELSEWHERE: self._elsewhere}


def _telling(lines: Sequence[str]) -> list[str]:
    return [text for line in lines if (text := telling(line))]


def _names(context: str) -> Iterable[str]:
    return _NAME.findall(context) or _CALLABLE.findall(context)[:1]


def _spread(where: Mapping[_Key, Sequence[Sha]], weights: Mapping[_Key, float]) -> dict[Sha, float]:
    """Each key's weight, in equal parts over the commits that it names."""
    total: dict[Sha, float] = defaultdict(float)
    for key, named in where.items():
        for sha in set(named):
            total[sha] += weights[key] / len(set(named))
    return total


def _sharpened(scores: Mapping[Sha, float]) -> dict[Sha, float]:
    """Cubed, since the sum over hundreds of weak likenesses would drown the strong ones."""
    return {sha: score**3 for sha, score in scores.items()}


def _normal(masses: Mapping[Sha, float]) -> dict[Sha, float]:
    total = sum(masses.values())
    return {sha: mass / total for sha, mass in masses.items() if mass > 0} if total else {}


def left_out() -> tuple[str, ...]:
    """Patterns of what ``Gathering`` takes no evidence from: every path that is prose or a test."""
    folders = [f"{start}{folder}/*" for folder in _TEST_FOLDERS for start in ("", "*/")]
    return (*(f"*{ending}" for ending in _PROSE), *(f"{folder}*" for folder in _PROSE_FOLDERS), *folders)


def is_prose(path: str) -> bool:
    """Documentation, data and settings: what hardly ever breaks a program."""
    return path.endswith(_PROSE) or path.startswith(_PROSE_FOLDERS)


def is_test(path: str) -> bool:
    *folders, name = PurePosixPath(path).parts or ("",)
    return any(folder in _TEST_FOLDERS for folder in folders) or _TEST_FILE.match(name) is not None
