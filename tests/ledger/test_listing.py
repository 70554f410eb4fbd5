"""Lists of a ledger: runs, who also watched, energy by subject, and what stands beside totals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="lists of a ledger need the extra `ledger`")

from tests.ledger.derived import DAY, NOON, SECOND, Derived
from tests.ledger.portfolio import RULES, Known, portfolio
from wattmark.core.errors import UsageError
from wattmark.core.known import Boundary
from wattmark.ledger.apart import apart_from
from wattmark.ledger.engines.duckdb import DuckDbEngine
from wattmark.ledger.listing import Choice, Listing
from wattmark.ledger.question import Question
from wattmark.ledger.rollup import Factors, roll_up

MJ = 10**12
"""Microjoules in a megajoule."""


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Derived:
    """The small portfolio."""
    return portfolio(tmp_path_factory.mktemp("derived"))


@pytest.fixture
def listing(snapshot: Derived) -> Iterator[Listing]:
    """Its lists."""
    with Listing(snapshot, Known()) as opened:
        yield opened


def ids(listing: Listing, choice: Choice, limit: int | None = None) -> list[str]:
    """The runs that are meant."""
    return [run.record_id for run in listing.runs(choice, limit)]


def test_runs_come_newest_first_with_what_was_counted(listing: Listing) -> None:
    """Estimates apart; what a run lost to others, too; one in quarantine counts nothing."""
    newest, first, slip, kept_out = listing.runs(Choice())
    assert (newest.record_id, newest.energy_uj, newest.gap_uj, newest.failed) == ("r2", 4 * MJ, MJ, True)
    assert (first.record_id, first.energy_uj, first.lost_uj) == ("r1", 9 * MJ, 0)
    assert (newest.grade, first.grade) == ("D", "B")  # a fifth of one is an estimate
    assert first.tags == {"team": "search", "model": "ranker", "stage": "inference", "label.branch": "main"}
    assert (slip.record_id, slip.lost_uj, slip.status) == ("r4", 123_000_000, "interrupted")
    assert kept_out.quarantined == "team is missing: state it"


def test_a_limit_takes_the_newest_and_the_count_goes_on(listing: Listing) -> None:
    """Two of four."""
    assert ids(listing, Choice(), 2) == ["r2", "r1"]
    assert listing.count(Choice()) == 4


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({"team": ("search", "ads")}, ["r2", "r1"]),
        ({"team": ("",)}, ["r5"]),
        ({"label.branch": ("main",)}, ["r1"]),
        ({"label.branch": ("",), "model": ("ranker",)}, ["r4"]),
        ({'label.it\'s "odd"': ("x",)}, []),
        ({"source": ("codecarbon",)}, ["r5"]),
        ({"status": ("interrupted",)}, ["r4"]),
        ({"host": ("h2",)}, ["r2"]),
        ({"site": ("lab",)}, ["r2"]),
        ({"team": ("'; DROP TABLE runs; --",)}, []),
    ],
)
def test_runs_are_chosen_by_tags_labels_and_what_they_are(
    listing: Listing, where: dict[str, tuple[str, ...]], found: list[str]
) -> None:
    """An empty value is what nobody stated; what stands in quotes stays in them."""
    assert ids(listing, Choice(where=where)) == found


def test_a_key_that_does_not_exist_is_refused(listing: Listing) -> None:
    """With those that do."""
    with pytest.raises(UsageError, match="'colour' is nothing to choose runs by; keys"):
        listing.runs(Choice(where={"colour": ("red",)}))
    with pytest.raises(UsageError, match="losses can be chosen by run, host and device, not by 'team'"):
        listing.losses(Choice(where={"team": ("a",)}))


def test_time_chooses_what_was_going_on(listing: Listing) -> None:
    """A run that ends just when the time begins is not in it."""
    assert ids(listing, Choice(start_us=NOON + DAY)) == ["r2"]
    assert ids(listing, Choice(start_us=NOON + 10 * SECOND)) == ["r2"]
    assert ids(listing, Choice(end_us=NOON + DAY)) == ["r1", "r4", "r5"]
    assert len(listing.losses(Choice(end_us=NOON))) == 0
    assert len(listing.losses(Choice(start_us=NOON + 10 * SECOND))) == 0


def test_the_boundary_decides_what_counts(listing: Listing) -> None:
    """At device boundary the node's reading is left out."""
    (first,) = listing.runs(Choice(where={"run": ("r1",)}, boundary=Boundary.DEVICE))
    assert first.energy_uj == 0


def test_losses_name_both_sides(listing: Listing) -> None:
    """With their sources."""
    (most,) = listing.losses(Choice())
    assert (most.record_id, most.counted_from, most.counted_source) == ("r4", "r1", "wattmark")
    assert listing.losses(Choice(), 1) == [most]
    assert listing.losses(Choice(where={"device": ("gpu-9",)})) == []


def test_a_beginning_of_an_id_finds_runs(listing: Listing) -> None:
    """No sign of it means anything else."""
    assert listing.beginning("r") == ["r1", "r2", "r4", "r5"]
    assert listing.beginning("r4") == ["r4"]
    assert listing.beginning("%") == []


def test_devices_of_a_run_are_those_that_were_counted_from_it(listing: Listing) -> None:
    """With allocation and boundary."""
    assert listing.devices_of("r1") == [("cpu:h1/package-0", "cpu", "whole", 1, 9 * MJ, 0, True)]


def test_subjects_hold_all_energy_but_what_nobody_claimed(listing: Listing) -> None:
    """Estimates and what is in quarantine included: 9 + 5 + 0.5 MJ, 7 J and 3 J."""
    uses = listing.subjects()
    assert [(use.subject.team, use.energy_uj, use.runs) for use in uses] == [
        ("search", 9 * MJ, 1),
        ("ads", 5 * MJ, 1),
        ("serch", MJ // 2, 1),
        (None, 7_000_000, 1),
        ("serch", 3_000_000, 0),
    ]
    assert uses[3].quarantined == 1
    assert uses[0].subject.labels == {"branch": "main"}


def test_beside_totals_stands_what_must_not_be_overlooked(snapshot: Derived) -> None:
    """Unallocated and untagged energy is in them, that of quarantined runs is not."""
    with DuckDbEngine() as engine:
        for by, named in {
            (): ("team", "model"),
            ("stage", "label.branch"): ("stage", "label.branch", "team", "model"),
        }.items():
            question = Question(by=by)
            roll_up(snapshot, question, Factors(), engine)
            found = {part.what: part for part in apart_from(engine, question, RULES, Known())}
            assert list(found) == ["unallocated", *(f"without {tag}" for tag in named), "quarantined"]
            assert found["unallocated"].energy_uj == MJ
            assert (found["quarantined"].energy_uj, found["quarantined"].within) == (10_000_000, False)
            assert "1 run and 1 stream kept out" in found["quarantined"].hint
    assert found["without stage"].energy_uj == MJ // 2
    assert found["without label.branch"].energy_uj == 5 * MJ + MJ // 2


def test_an_empty_ledger_has_empty_lists(tmp_path: Path) -> None:
    """Not an error."""
    with Listing(Derived(tmp_path)) as listing:
        assert listing.runs(Choice()) == []
        assert listing.losses(Choice()) == []
        assert listing.subjects() == []
