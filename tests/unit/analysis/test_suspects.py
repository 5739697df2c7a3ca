"""Suspects are ranked by what points at them; nobody is cleared."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotfix.adapters.git import GitRepository
from hotfix.analysis.stack_trace import Frame
from hotfix.analysis.suspects import rank
from tests.support.git_history import GitHistory


class Shop:
    def __init__(self, folder: Path) -> None:
        history = GitHistory(folder / "remote.git")
        self.good = history.commit("Begin", {"shop/pricing.py": "a = 1\nb = 2\n", "shop/cart.py": "c = 3\n"})
        self.pricing = history.commit("Change b", {"shop/pricing.py": "a = 1\nb = 4\n"})
        self.docs = history.commit("Explain", {"docs/why.md": "Because.\n"})
        side = history.commit("Side", {"shop/cart.py": "c = 5\n"}, branch="side", parents=[self.docs])
        self.side = side
        self.merge = history.merge("Merge side", side, {"shop/cart.py": "c = 5\n"})
        self.bad = history.commit("Add a file", {"shop/new.py": "d = 6\n"})
        self.repository = GitRepository(folder / "mirrors", history.url)
        self.repository.fetch()
        self.commits = self.repository.commits(self.good, self.bad)

    def rank(self, trace: tuple[Frame, ...] = (), suspected: tuple[str, ...] = ()) -> dict[str, float]:
        suspects = rank(self.repository, self.commits, self.bad, trace, suspected)
        assert len(suspects) == len(self.commits) == 5
        assert sum(suspect.probability for suspect in suspects) == pytest.approx(1)
        assert all(suspect.probability > 0 for suspect in suspects), "evidence may mislead"
        assert [s.probability for s in suspects] == sorted((s.probability for s in suspects), reverse=True)
        return {suspect.commit.sha: suspect.probability for suspect in suspects}

    def first(self, trace: tuple[Frame, ...] = (), suspected: tuple[str, ...] = ()) -> tuple[str, tuple[str, ...]]:
        suspect = rank(self.repository, self.commits, self.bad, trace, suspected)[0]
        return suspect.commit.sha, suspect.evidence


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(tmp_path_factory.mktemp("shop"))


def test_who_wrote_the_failing_line_is_the_first_suspect(shop: Shop) -> None:
    sha, evidence = shop.first((Frame("shop/pricing.py", 2),))
    assert sha == shop.pricing
    assert any("wrote shop/pricing.py:2" in line for line in evidence)
    assert any("changed shop/pricing.py" in line for line in evidence)


def test_the_innermost_frame_tells_most(shop: Shop) -> None:
    inner, outer = Frame("shop/new.py", 1), Frame("shop/pricing.py", 2)
    assert shop.first((inner, outer))[0] == shop.bad
    assert shop.first((outer, inner))[0] == shop.pricing


def test_a_suspected_path_points_at_its_commits(shop: Shop) -> None:
    sha, evidence = shop.first(suspected=("shop/cart.py",))
    assert sha == shop.side
    assert evidence == ("changed shop/cart.py, which the reporter suspects",)


@pytest.mark.parametrize("folder", ["shop", "shop/"])
def test_a_suspected_folder_points_at_everything_below(shop: Shop, folder: str) -> None:
    ranked = shop.rank(suspected=(folder,))
    assert min(ranked[shop.pricing], ranked[shop.side], ranked[shop.bad]) > ranked[shop.docs]


def test_without_evidence_code_comes_before_prose_and_new_before_old(shop: Shop) -> None:
    ranked = list(shop.rank())
    assert ranked[:3] == [shop.bad, shop.side, shop.pricing]
    assert shop.first()[1] == ()


def test_a_line_or_a_file_that_is_not_there_accuses_nobody_of_having_written_it(shop: Shop) -> None:
    trace = (Frame("shop/pricing.py", 999), Frame("gone.py", 1))
    evidence = [
        line for suspect in rank(shop.repository, shop.commits, shop.bad, trace, ()) for line in suspect.evidence
    ]
    assert evidence == ["changed shop/pricing.py, in the stack trace"]
