"""What a bill states of a machine stands where nothing better is known, and gives way where something is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.claims import NODE, a_claim, a_gap
from wattmark.core.claims import Claim
from wattmark.core.counting import Counted, count

CPU, GPU, POOLED = "cpu:h/package-0", "GPU-1", "gpu:h/unnamed"


def counted(*claims: Claim) -> Counted:
    """Counted over a thousand microseconds."""
    return count(claims, 0, 1_000, lambda commons: "")


def bill(start: int = 0, end: int = 100, **changes: Any) -> Claim:
    """10 uJ per us of a machine, stated, grade E."""
    stated = {"record_id": "bill", "device_id": NODE, "component": "node", "boundary": 1, "grade": "E"}
    return a_claim(
        start, end, 10 * (end - start), **{**stated, "source": "bill", "declared": True, **changes}
    )


def measured(device: str, component: str, start: int, end: int, **changes: Any) -> Claim:
    """1 uJ per us, read."""
    return a_claim(start, end, end - start, **{"device_id": device, "component": component, **changes})


def at(boundary: int, result: Counted) -> dict[str, int]:
    """Device -> energy of a total at a boundary."""
    found: dict[str, int] = {}
    for r in result.rows:
        if r.boundary <= boundary < r.hidden_from:
            found[r.device_id] = found.get(r.device_id, 0) + r.energy_uj
    return found


def test_a_bill_alone_is_all_there_is() -> None:
    """It reaches the node."""
    result = counted(bill())
    assert at(1, result) == {NODE: 1000}
    assert {r.reach for r in result.rows} == {1}


def test_the_measured_part_of_the_day_stands_and_the_bill_fills_the_rest() -> None:
    """CPU read from 40 to 60: the bill counts for 80 of 100, and its 200 uJ are listed with the reason."""
    result = counted(bill(), measured(CPU, "cpu", 40, 60))
    assert at(1, result) == {NODE: 800, CPU: 20}
    (loss,) = result.losses
    assert (loss.start_us, loss.end_us, loss.energy_uj, loss.record_id) == (40, 60, 200, "bill")
    assert loss.reason == f"stated, grade E; {CPU} was read, grade B"
    reach = {(r.start_us, r.end_us): r.reach for r in result.rows if r.device_id == NODE}
    assert set(reach.values()) == {1}
    assert {r.reach for r in result.rows if r.device_id == CPU} == {0}


def test_a_meter_of_the_machine_wins_over_the_bill() -> None:
    """The same device: 20 uJ measured where 200 were stated, and every part of the bill is inside it."""
    gpus = bill(device_id=POOLED, component="gpu", boundary=0)
    wall = measured(NODE, "node", 40, 60, boundary=1, grade="A")
    result = counted(bill(), gpus, wall)
    assert at(1, result) == {NODE: 820, POOLED: 800}


def test_measured_gpus_replace_those_of_the_bill_and_leave_the_machine_around_them() -> None:
    """The bill states its GPUs apart, so the rest of it goes on."""
    gpus = bill(device_id=POOLED, component="gpu", boundary=0)
    result = counted(bill(), gpus, measured(GPU, "gpu", 40, 60))
    assert at(1, result) == {NODE: 1000, POOLED: 800, GPU: 20}


def test_a_statement_that_holds_gpus_gives_way_to_a_measured_one() -> None:
    """Nobody knows what of it was GPUs: beside their reading it would count them twice."""
    assert at(1, counted(bill(), measured(GPU, "gpu", 40, 60))) == {NODE: 800, GPU: 20}


@pytest.mark.parametrize("component", ["dram", "rest_of_node"])
def test_any_part_of_a_machine_is_better_evidence(component: str) -> None:
    """A model of the rest, grade D, too."""
    part = measured(f"{component}:h", component, 40, 60, grade="D", modelled=True)
    assert at(1, counted(bill(), part)) == {NODE: 800, f"{component}:h": 20}


def test_what_is_no_better_lies_inside() -> None:
    """Another statement, about the CPU: the machine's holds it."""
    assert at(1, counted(bill(), measured(CPU, "cpu", 40, 60, grade="E", declared=True))) == {NODE: 1000}


def test_a_part_that_could_not_be_read_replaces_nothing() -> None:
    """A gap is no evidence."""
    gap = a_gap(40, 60, device_id=CPU, component="cpu")
    assert at(1, counted(bill(), gap)) == {NODE: 1000}


def test_a_share_of_somebody_replaces_nothing() -> None:
    """What one process used says nothing of the machine."""
    share = measured(CPU, "cpu", 40, 60, share=True, record_id="b", party="b")
    assert at(1, counted(bill(), share))[NODE] == 1000


def test_a_record_does_not_replace_itself() -> None:
    """Its own better row is what it adds."""
    own = measured(CPU, "cpu", 40, 60, record_id="bill")
    assert at(1, counted(bill(), own))[NODE] == 1000


def test_shares_of_a_machine_stay_where_its_statement_goes() -> None:
    """A share of the node by somebody else, and a CPU that was read."""
    share = measured(NODE, "node", 0, 100, boundary=1, share=True, record_id="b", party="b", grade="D")
    rows = counted(bill(), share, measured(CPU, "cpu", 40, 60)).rows
    assert sum(r.energy_uj for r in rows if r.record_id == "b") == 100


def test_a_measured_machine_is_no_statement() -> None:
    """A meter of the node holds its CPU; it does not give way to it."""
    wall = measured(NODE, "node", 0, 100, boundary=1, grade="C")
    assert at(1, counted(wall, measured(CPU, "cpu", 40, 60))) == {NODE: 100}


@given(
    spans=st.lists(st.tuples(st.integers(0, 99), st.integers(1, 40)), max_size=6),
    components=st.lists(st.sampled_from(["cpu", "dram", "gpu"]), min_size=6, max_size=6),
)
def test_no_moment_counts_twice_and_none_is_lost(spans: list[tuple[int, int]], components: list[str]) -> None:
    """The bill counts exactly where nothing better does; what it gives up is listed."""
    reads = [
        measured(f"{c}-{n}", c, a, a + d, record_id=f"r{n}")
        for n, ((a, d), c) in enumerate(zip(spans, components, strict=False))
    ]
    result = counted(bill(), *reads)
    free = 100 - len({t for a, d in spans for t in range(a, min(a + d, 100))})
    assert at(1, result).get(NODE, 0) == 10 * free
    assert sum(x.energy_uj for x in result.losses if x.record_id == "bill") == 10 * (100 - free)
