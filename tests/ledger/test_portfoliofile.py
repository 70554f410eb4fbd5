"""Frozen baselines in a ledger: never overwritten, never altered unseen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.core.test_frozen import frozen, grams
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.frozen import Frozen
from wattmark.ledger.portfoliofile import chain, check_name, keep, names, newest, sealed
from wattmark.ledger.store import LocalStore


def first() -> Frozen:
    """A sealed baseline."""
    return sealed(frozen(grams(100.0, 10.0), work={"inferences": 3.0}))


def second(before: Frozen) -> Frozen:
    """The one that replaces it."""
    return sealed(replace(before, revision=2, reason="a meter was wrong", replaces=before.digest))


def test_a_baseline_comes_back_as_it_was(tmp_path: Path) -> None:
    """Every field of it, and its digest."""
    store = LocalStore(tmp_path)
    assert keep(store, first()) == "baselines/fy2025.json"
    assert chain(store, "fy2025") == [first()]
    assert names(store) == ["fy2025"]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """Of two that freeze at once one is told."""
    store = LocalStore(tmp_path)
    keep(store, first())
    with pytest.raises(UsageError, match="is there already"):
        keep(store, first())


def test_a_revision_follows_the_one_before(tmp_path: Path) -> None:
    """The newest holds, and the chain leads back."""
    store = LocalStore(tmp_path)
    keep(store, first())
    assert keep(store, second(first())) == "baselines/fy2025.2.json"
    assert newest(store, "fy2025").reason == "a meter was wrong"
    assert [one.revision for one in chain(store, "fy2025")] == [1, 2]


def test_a_chain_with_a_hole_is_refused(tmp_path: Path) -> None:
    """A revision that is gone, and one that follows another one."""
    store = LocalStore(tmp_path)
    keep(store, second(first()))
    with pytest.raises(EvidenceError, match=r"fy2025\.json: is missing"):
        chain(store, "fy2025")
    keep(store, sealed(replace(first(), by="somebody else")))
    with pytest.raises(EvidenceError, match="does not follow the revision before it"):
        chain(store, "fy2025")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("100.0", "99.0", "was altered"),
        ('"fy2025"', '"fy2024"', "was altered"),
        ("wattmark.portfolio-baseline", "wattmark.baseline", "upgrade with"),
        ('"schema_version": 1', '"schema_version": 2', "upgrade with"),
        ('"frozen_at"', '"thawed_at"', "is no baseline"),
        ("{", "(", "is no baseline"),
    ],
)
def test_an_altered_document_is_refused(tmp_path: Path, old: str, new: str, problem: str) -> None:
    """A single digit is enough; the file is named."""
    store = LocalStore(tmp_path)
    keep(store, first())
    path = tmp_path / "baselines" / "fy2025.json"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(EvidenceError, match=problem) as error:
        newest(store, "fy2025")
    assert "baselines/fy2025.json" in str(error.value)


def test_a_name_that_is_not_there_names_the_others(tmp_path: Path) -> None:
    """And how to make one."""
    store = LocalStore(tmp_path)
    with pytest.raises(UsageError, match="it holds: none"):
        chain(store, "fy2025")
    keep(store, first())
    with pytest.raises(UsageError, match="it holds: fy2025"):
        chain(store, "other")


@pytest.mark.parametrize("name", ["FY2025", "", "../up", "a.b", "-a", "a" * 65])
def test_a_name_must_fit_a_file(name: str) -> None:
    """Nothing that leads elsewhere."""
    with pytest.raises(UsageError, match="no name of a baseline"):
        check_name(name)


def test_a_file_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    """Notes beside them are no baselines."""
    (tmp_path / "baselines").mkdir()
    (tmp_path / "baselines" / "README.md").write_text("ours")
    assert names(LocalStore(tmp_path)) == []
