"""Runs among each other: on one clock per boot, and in one family per attempt."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.builders import a_row, a_run
from tests.ledger.counting_world import NOON, SECOND
from wattmark.core.run import Host
from wattmark.ledger.families import Head, families, head_of
from wattmark.ledger.machines import Told


def a_head(record_id: str, **changes: Any) -> Head:
    fields: dict[str, Any] = {
        "record_id": record_id,
        "host_id": "h",
        "boot": "",
        "boot_us": 0,
        "wall_us": NOON,
        "lasted_us": SECOND,
        "parent": "",
        "rank": None,
        "quarantined": "",
        "told": Told("h", True),
    }
    return Head(**{**fields, **changes})


def parties(*heads: Head) -> dict[str, str]:
    return dict(families(heads).parties)


def test_runs_of_one_boot_stand_on_its_clock() -> None:
    """The earliest of them says where it stands; other boots, hosts and runs without one keep their own."""
    placed = families(
        [
            a_head("late", boot="b", boot_us=60 * SECOND, wall_us=NOON + 3600 * SECOND),
            a_head("first", boot="b", boot_us=10 * SECOND, wall_us=NOON),
            a_head("elsewhere", boot="b", host_id="h2", boot_us=60 * SECOND, wall_us=NOON + 7 * SECOND),
            a_head("by the wall", wall_us=NOON + 9 * SECOND),
        ]
    ).starts
    assert {name: (at - NOON) / SECOND for name, at in placed.items()} == {
        "late": 50,
        "first": 0,
        "elsewhere": 7,
        "by the wall": 9,
    }


def test_the_outermost_run_that_is_known_is_the_party() -> None:
    """A child of a child; a parent that is not there makes nobody a sibling, but ranks name their job."""
    assert parties(a_head("a"), a_head("b", parent="a"), a_head("c", parent="b")) == dict.fromkeys("abc", "a")
    assert parties(a_head("b", parent="gone"), a_head("c", parent="gone")) == {"b": "b", "c": "c"}
    assert parties(a_head("r0", parent="job", rank=0), a_head("r1", parent="job", rank=1)) == {
        "r0": "job",
        "r1": "job",
    }


def test_runs_that_are_each_other_s_parents_are_one_party() -> None:
    """The lowest id of the circle; who hangs on it too."""
    found = parties(a_head("a", parent="b"), a_head("b", parent="a"), a_head("c", parent="b"))
    assert set(found.values()) == {"a"}


@given(st.permutations([a_head("a"), a_head("b", parent="a", boot="x"), a_head("c", parent="b", boot="x")]))
def test_the_order_does_not_matter(heads: list[Head]) -> None:
    """Any order of the same runs."""
    assert families(heads) == families(sorted(heads))


def test_a_head_says_how_far_the_run_reaches() -> None:
    """To the end of its last row, where that is later than its own; a run of no length has some."""
    late = a_run(energies=(a_row(t0_seconds=5.0),))
    assert head_of(late, "").lasted_us == 15 * SECOND
    assert head_of(a_run(duration_seconds=0.0, energies=()), "").lasted_us == 1


def test_a_run_without_a_boot_or_its_clock_is_on_the_wall_s() -> None:
    """Both are needed."""
    assert head_of(a_run(), "").boot != ""
    assert head_of(a_run(started_monotonic_seconds=None), "").boot == ""
    assert head_of(a_run(host=Host(id="h", fingerprint="f")), "").boot == ""


def starts(*walls: float) -> list[float]:
    """Runs of one boot, a minute apart, whose wall clocks are so many seconds off: where each one stands."""
    heads = [
        a_head(f"r{n}", boot="b", boot_us=n * 60 * SECOND, wall_us=round(NOON + (n * 60 + off) * SECOND))
        for n, off in enumerate(walls)
    ]
    placed = families(heads).starts
    return [(placed[f"r{n}"] - NOON) / SECOND - n * 60 for n in range(len(walls))]


def test_a_clock_that_was_set_after_the_first_run_is_believed_where_most_runs_are() -> None:
    """An hour ahead until a time server answered; of two, the first holds; slow drift moves nothing."""
    assert starts(3600.0, 0.0, 0.0) == [0.0, 0.0, 0.0]
    assert starts(0.0, 3600.0) == [0.0, 0.0]
    assert starts(1.0, 2.0, 3.0, 40.0) == [1.0] * 4


def test_a_machine_that_did_not_know_the_time_takes_no_run_to_1970() -> None:
    """Its first runs stand where the others say, however few they are."""
    unset = -NOON / SECOND + 100.0
    assert starts(unset, unset, 0.0) == [0.0, 0.0, 0.0]
    assert starts(unset, unset)[0] == unset
