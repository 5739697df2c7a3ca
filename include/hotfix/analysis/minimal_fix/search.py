"""The smallest verified part of a culprit's reverse patch: the reproducer passes, the affected tests do not object."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hotfix.analysis.minimal_fix.kinds import Kind, kind_of
from hotfix.analysis.minimal_fix.meaning import broken, meaning
from hotfix.analysis.minimal_fix.minimise import minimise
from hotfix.analysis.minimal_fix.tests_guard import AffectedTests, Broken
from hotfix.domain.diagnosis import ReproducerRun, Verdict
from hotfix.domain.document import Sha
from hotfix.domain.fix import Alternative
from hotfix.domain.revert import Edit, FileState, LineEdit, ReversePatch, pieces
from hotfix.ports.repository import Repository

LISTED = 20
# How likely it is that a part is needed, before anything is known. In reverts of thirteen real regressions one hunk of
# a few was enough nearly always; of the lines of such a hunk a good part is needed.
HUNKS_NEEDED = 1.3
LINES_NEEDED = 0.25
# A larger hunk is a change of structure: lines cut out of it may work, but nobody could read them.
PARTS = 24
# When the whole does not pass, so many single hunks and files are tried on their own.
SINGLES = 8

Unit = tuple[Edit, ...]


@dataclass
class Budget:
    """What may be spent: runs of the reproducer, and time (``out_of_time``); ``spent`` counts the runs."""

    runs: int
    out_of_time: Callable[[], bool]
    spent: int = 0

    def exhausted(self) -> bool:
        return self.spent >= self.runs or self.out_of_time()


@dataclass(frozen=True)
class MinimalRevert:
    """``commit`` (None: nothing was found) is production with ``edits``. ``unguarded``: why no test guards it."""

    edits: tuple[Edit, ...]
    commit: Sha | None
    verified: bool
    why: str
    hunks_total: int
    hunks_kept: int
    lines_kept: int
    broken_tests: tuple[str, ...]
    alternatives: tuple[Alternative, ...]
    reverted: tuple[str, ...]
    stays: tuple[str, ...]
    conflicts: tuple[str, ...]
    minimal: bool
    unguarded: str
    runs: int
    test_runs: int


@dataclass
class _Tried:
    """A set of edits as a commit, and what is known of it."""

    description: str
    edits: tuple[Edit, ...]
    commit: Sha
    passes: bool
    why_not: str = ""
    broken: Broken | None = None


@dataclass
class MinimalRevertSearch:
    """One search. ``tests`` None: nothing but the reproducer judges, because of ``unguarded``."""

    patch: ReversePatch
    repository: Repository
    probe: Callable[[Sha], ReproducerRun]
    tests: Callable[[Sequence[str]], AffectedTests] | None
    unguarded: str
    budget: Budget
    message: str
    at: datetime
    progress: Callable[[str], None]
    _answers: dict[str, bool] = field(default_factory=dict)
    _probed: dict[Sha, ReproducerRun] = field(default_factory=dict)
    _tried: list[_Tried] = field(default_factory=list)
    _guard: AffectedTests | None = None
    _loose: bool = False
    _whole: dict[str, FileState | None] = field(default_factory=dict)
    _seconds: float = 0.0

    def run(self) -> MinimalRevert:
        """Search within the budget; the largest verified set is the result when nothing smaller is found in time."""
        self._answers[meaning(self.patch.files)] = False
        hunks = _by_hunk(self.patch.edits)
        source = [unit for unit in hunks if _kind(unit) is Kind.SOURCE]
        with_tests = [unit for unit in hunks if _kind(unit) is not Kind.PROSE]
        start = self._start(source, "all source hunks of the culprit")
        if not start and len(with_tests) > len(source):
            start = self._start(with_tests, "all hunks of the culprit but its documentation")
        if not start and self.patch.loose:
            self._loose = True
            loose = [unit for unit in _by_hunk(self.patch.loose) if _kind(unit) is Kind.SOURCE]
            start = self._start(loose, "all source hunks, with whole functions as they were before the culprit")
        if not start:
            return self._result(None, minimal=False)
        everything = self._try("all hunks that pass", _flat(start))
        whole = self._try("all source hunks of the culprit", _flat(source)) if source else everything
        kept, hunks_minimal = self._minimise(start, min(0.5, HUNKS_NEEDED / len(start)), "hunks")
        kept = self._single(start, kept)
        by_hunks = self._try("the smallest set of hunks", _flat(kept))
        parts = [part for unit in kept for part in _parts(unit)]
        candidates = [by_hunks]
        if len(parts) <= PARTS and not self._loose:
            smallest, lines_minimal = self._minimise(parts, LINES_NEEDED, "parts")
            candidates.insert(0, self._try("the smallest set of lines", _flat(smallest)))
            hunks_minimal = hunks_minimal and lines_minimal
        chosen = self._guarded(start, kept, [*candidates, everything], whole)
        return self._result(chosen, minimal=hunks_minimal and chosen is candidates[0])

    def _start(self, hunks: Sequence[Unit], description: str) -> list[Unit]:
        """Hunks that pass together: all of them, else a single one or those of one file; none is an empty list."""
        if not hunks:
            return []
        everything = _flat(hunks)
        self._whole = self.patch.result(everything)
        if self._good(everything, f"{description} ({len(hunks)})"):
            return list(hunks)
        self._try(description, everything)
        by_file: dict[str, list[Unit]] = defaultdict(list)
        for unit in hunks:
            by_file[_path(unit[0])].append(unit)
        clean = [unit for unit in hunks if not any(c.header == unit[0].header for c in self.patch.conflicts)]
        others = [clean, *(units for units in by_file.values()), *([unit] for unit in hunks)]
        tried: list[list[Unit]] = [list(hunks)]
        for some in others:
            if some and some not in tried and len(tried) <= SINGLES and not self.budget.exhausted():
                tried.append(some)
                if self._good(_flat(some), f"{len(some)} of {len(hunks)} hunks"):
                    return some
        return []

    def _single(self, start: Sequence[Unit], kept: list[Unit]) -> list[Unit]:
        """The smallest single hunk that passes and is smaller than ``kept``, if that needs several; else ``kept``.

        Where hunks hinder each other, a set from which none can be left out may be far from the smallest.
        """
        if len(kept) > 1:
            smaller = sorted((unit for unit in start if _lines(unit) < _lines(_flat(kept))), key=_lines)
            for unit in smaller[:SINGLES]:
                if self.budget.exhausted():
                    break
                if self._good(unit, f"1 of {len(start)} hunks"):
                    return [unit]
        return kept

    def _minimise(self, units: Sequence[Unit], needed: float, of: str) -> tuple[list[Unit], bool]:
        def passes(kept: frozenset[int]) -> bool:
            some = _flat(units[index] for index in sorted(kept))
            return self._good(some, f"{len(kept)} of {len(units)} {of}")

        found = minimise(len(units), passes, needed=needed, out_of_budget=self.budget.exhausted)
        if not found.minimal:
            self.progress(f"the budget is spent ({self.budget.spent} runs): the smallest set so far is used")
        return [units[index] for index in sorted(found.kept)], found.minimal

    def _guarded(
        self, start: Sequence[Unit], kept: Sequence[Unit], candidates: Sequence[_Tried], whole: _Tried
    ) -> _Tried | None:
        """The smallest candidate to which the affected tests do not object more than to the whole revert.

        ``candidates`` from the smallest to everything that passes. When the tests object to all that are smaller than
        everything, hunks come back until they do not.
        """
        if self.tests is None:
            return candidates[0]
        everything, smaller = candidates[-1], candidates[:-1]
        changed = {path for tried in (whole, everything) for path in self.patch.result(tried.edits)}
        self._guard = self.tests(sorted(changed))
        if problem := self._guard.prepare():
            self.unguarded = problem
            self.progress(f"the affected tests cannot guard the revert: {problem}")
            return candidates[0]
        for candidate in smaller:
            if self._tests_agree(candidate, whole):
                return candidate
        rest = [unit for unit in start if unit not in kept]
        best: _Tried | None = everything if self._tests_agree(everything, whole) else None

        def passes(added: frozenset[int]) -> bool:
            nonlocal best
            hunks = [unit for unit in start if unit in kept or unit in [rest[index] for index in added]]
            if not self._good(_flat(hunks), f"{len(hunks)} of {len(start)} hunks, for the tests"):
                return False
            more = self._try(f"{len(hunks)} hunks, so that fewer tests break", _flat(hunks))
            agreed = self._tests_agree(more, whole)
            best = more if agreed else best
            return agreed

        if rest and best is not None:
            minimise(len(rest), passes, needed=min(0.5, HUNKS_NEEDED / len(rest)), out_of_budget=self.budget.exhausted)
        return best

    def _tests_agree(self, candidate: _Tried, whole: _Tried) -> bool:
        assert self._guard is not None
        if candidate.broken is None:
            candidate.broken = self._guard.broken(candidate.commit)
            what = candidate.broken.problem or f"{len(candidate.broken.tests)} affected tests broken"
            self.progress(f"{candidate.description}: {what}")
        if candidate.broken.problem and (candidate is not whole or self._loose):
            candidate.why_not = f"the affected tests cannot be run with it: {candidate.broken.problem}"
            return False
        if not candidate.broken.tests or (candidate is whole and not self._loose):
            return True
        if whole.broken is None:
            whole.broken = self._guard.broken(whole.commit)
            count = len(whole.broken.tests)
            self.progress(f"{whole.description}: {count} affected tests broken {whole.broken.problem}".rstrip())
        # Half of a revert, or one that takes back what others did since, excuses nothing that breaks.
        excuses = not self._loose and (whole.passes or not self.patch.conflicts)
        allowed = len(whole.broken.tests) if excuses else 0
        if len(candidate.broken.tests) > allowed:
            candidate.why_not = f"breaks {len(candidate.broken.tests)} affected tests, the whole revert {allowed}"
            return False
        return True

    def _good(self, edits: tuple[Edit, ...], what: str) -> bool:
        """Whether the reproducer passes with ``edits``; what cannot work, or means what was run before, is not run."""
        files = self.patch.result(edits)
        if not files or broken(files, self.patch.files, self._whole):
            return False
        key = meaning({**self.patch.files, **files})
        if key not in self._answers:
            self._answers[key] = self._probe(edits, what).verdict is Verdict.GOOD
        return self._answers[key]

    def _probe(self, edits: tuple[Edit, ...], what: str) -> ReproducerRun:
        sha = self._commit(edits)
        if sha not in self._probed:
            run = self.probe(sha)
            self.budget.spent += 1
            self._seconds += run.seconds
            self._probed[sha] = run
            spent, limit = self.budget.spent, self.budget.runs
            each = self._seconds / (len(self._probed) or 1)
            left = f"{each:.1f} s a run, {limit - spent} more at most, {each * (limit - spent):.0f} s"
            self.progress(f"run {spent}: {what}, {_lines(edits)} lines: {run.verdict.value} ({left})")
        return self._probed[sha]

    def _commit(self, edits: tuple[Edit, ...]) -> Sha:
        return self.repository.commit_files(self.patch.production, self.patch.result(edits), self.message, self.at)

    def _try(self, description: str, edits: tuple[Edit, ...]) -> _Tried:
        commit = self._commit(edits)
        for tried in self._tried:
            if tried.commit == commit:
                return tried
        # A set that means the same as one that was run was not run itself.
        run = self._probe(edits, description)
        passes = run.verdict is Verdict.GOOD
        why_not = "" if passes else f"the reproducer does not pass ({run.verdict.value}: {run.signature})"
        tried = _Tried(description, edits, commit, passes, why_not)
        self._tried.append(tried)
        return tried

    def _result(self, chosen: _Tried | None, *, minimal: bool) -> MinimalRevert:
        hunks = _by_hunk(self.patch.edits)
        edits = chosen.edits if chosen else ()
        touched = {_label(edit) for edit in edits}
        verified = chosen is not None and chosen.passes
        lost = chosen.broken.tests if chosen and chosen.broken else ()
        unplaced = {(conflict.path, conflict.header) for conflict in self.patch.conflicts}
        return MinimalRevert(
            edits=edits,
            commit=chosen.commit if chosen else None,
            verified=verified,
            why=self._why(chosen, lost),
            hunks_total=len(unplaced | {_key(unit[0]) for unit in hunks}),
            hunks_kept=len(touched),
            lines_kept=_lines(edits),
            broken_tests=lost,
            alternatives=tuple(self._alternative(tried, tried is chosen) for tried in self._by_size()),
            reverted=tuple(dict.fromkeys(_label(edit) for edit in edits)),
            stays=tuple(label for unit in hunks if (label := _label(unit[0])) not in touched),
            conflicts=tuple(str(conflict) for conflict in self.patch.conflicts),
            minimal=minimal,
            unguarded=self.unguarded,
            runs=self.budget.spent,
            test_runs=self._guard.runs if self._guard else 0,
        )

    def _why(self, chosen: _Tried | None, lost: Sequence[str]) -> str:
        if chosen is None:
            if not self.patch.edits:
                return "no hunk of the culprit has a place in production's version"
            if any(tried.passes for tried in self._tried):
                return "whatever makes the reproducer pass breaks more affected tests than the whole revert"
            return "the reproducer does not pass, whatever is taken back"
        if not chosen.passes:
            return chosen.why_not
        tests = self.unguarded or (f"{len(lost)} affected tests broken" if lost else "no affected test broken")
        return f"the reproducer passes, {tests}"

    def _by_size(self) -> list[_Tried]:
        return sorted(self._tried, key=lambda tried: (_lines(tried.edits), len(tried.edits)))

    def _alternative(self, tried: _Tried, chosen: bool) -> Alternative:
        tests = tried.broken.tests if tried.broken else ()
        problem = tried.broken.problem if tried.broken else ""
        why_not = tried.why_not or (f"larger, and {problem}" if problem else "larger")
        return Alternative(
            description=tried.description,
            hunks=len({_label(edit) for edit in tried.edits}),
            lines=_lines(tried.edits),
            broken=len(tests) if tried.broken and not problem else None,
            broken_tests=tests[:LISTED],
            verified=tried.passes and (chosen or not tried.why_not),
            why_not="" if chosen else why_not,
        )


def _by_hunk(edits: Sequence[Edit]) -> list[Unit]:
    """The edits of each hunk of the reverse patch, in its order."""
    units: dict[tuple[str, str], list[Edit]] = defaultdict(list)
    for edit in edits:
        units[_key(edit)].append(edit)
    return [tuple(unit) for unit in units.values()]


def _parts(unit: Unit) -> list[Unit]:
    """The single lines of a hunk; blank lines and comments stay with the line before them, else with the one after."""
    found: list[Unit] = []
    for edit in unit:
        group: list[Unit] = []
        lead: Unit = ()
        for part in pieces(edit) if isinstance(edit, LineEdit) else (edit,):
            if not isinstance(part, LineEdit) or any(_is_code(line) for line in (*part.old, *part.new)):
                group.append((*lead, part))
                lead = ()
            elif group:
                group[-1] = (*group[-1], part)
            else:
                lead = (*lead, part)
        found += group if group else [lead]
    return found


def _is_code(line: bytes) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith((b"#", b"//"))


def _flat(units: Iterable[Unit]) -> tuple[Edit, ...]:
    return tuple(edit for unit in units for edit in unit)


def _key(edit: Edit) -> tuple[str, str]:
    return _path(edit), edit.header


def _path(edit: Edit) -> str:
    path = edit.path if edit.path is not None else None if isinstance(edit, LineEdit) else edit.new_path
    assert path is not None
    return path


def _label(edit: Edit) -> str:
    return f"{_path(edit)} {edit.header}".encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _kind(unit: Unit) -> Kind:
    return kind_of(_path(unit[0]))


def _lines(edits: Iterable[Edit]) -> int:
    return sum(edit.lines for edit in edits)
