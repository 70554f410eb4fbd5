"""Devices inside devices: no total adds a part to its whole, and no part is dropped."""

from __future__ import annotations

from typing import Any

from tests.core.claims import GPU, NODE, a_claim, a_gap
from wattmark.core.claims import Claim
from wattmark.core.counting import Counted, count

MODULE, SITE = "module-0", "site"


def counted(*claims: Claim) -> Counted:
    return count(claims, 0, 1_000, lambda commons: "")


def holds(*claims: Claim) -> list[tuple[str, int, int, int]]:
    return sorted((r.device_id, r.start_us, r.end_us, r.hidden_from) for r in counted(*claims).rows)


def node(start: int = 0, end: int = 10, **changes: Any) -> Claim:
    return a_claim(start, end, 200, **{"device_id": NODE, "component": "node", "boundary": 1, **changes})


def module(start: int = 0, end: int = 10, **changes: Any) -> Claim:
    return a_claim(start, end, 120, **{"device_id": MODULE, "component": "module", **changes})


def test_a_part_is_hidden_while_its_whole_counts_and_no_longer() -> None:
    """The module is read from 4 to 8: the GPU counts before and after."""
    assert holds(a_claim(part_of=MODULE), module(4, 8)) == [
        (GPU, 0, 4, 3),
        (GPU, 4, 8, 0),
        (GPU, 8, 10, 3),
        (MODULE, 4, 8, 3),
    ]


def test_the_least_of_several_boundaries_hides() -> None:
    """GPU in module in node in site: hidden at device boundary already; the module from the node on."""
    site = a_claim(device_id=SITE, component="facility", boundary=2)
    assert holds(a_claim(part_of=MODULE), module(), node(), site) == [
        (GPU, 0, 10, 0),
        (MODULE, 0, 10, 1),
        (NODE, 0, 10, 2),
        (SITE, 0, 10, 3),
    ]


def test_a_grandparent_hides_where_the_parent_does_not_count() -> None:
    """Core in package in psys; the package was read until 5 only."""
    package = a_claim(0, 5, device_id="package", part_of="psys")
    core = a_claim(device_id="core", part_of="package")
    psys = a_claim(device_id="psys")
    assert [row[3] for row in holds(core, package, psys) if row[0] == "core"] == [0]


def test_a_model_of_the_node_holds_only_what_names_it_and_lies_in_a_meter_of_it() -> None:
    """Beside a model the GPU counts; a wall meter holds both."""
    model = node(modelled=True, grade="D")
    assert [row[3] for row in holds(a_claim(), model)] == [3, 3]
    assert [row[3] for row in holds(a_claim(part_of=NODE), model)] == [1, 3]
    wall = node(device_id="wall:h")
    assert [row[3] for row in holds(a_claim(), model, wall)] == [1, 1, 3]


def test_a_circle_has_an_outer_device_all_the_same() -> None:
    """Two that name each other: the lower id is outside; one that names itself is not inside itself."""
    a, b = a_claim(device_id="a", part_of="b"), a_claim(device_id="b", part_of="a")
    assert holds(a, b) == [("a", 0, 10, 3), ("b", 0, 10, 0)]
    assert holds(a_claim(part_of=GPU)) == [(GPU, 0, 10, 3)]


def test_a_narrow_device_never_holds_a_wider_one() -> None:
    """A node that says it is part of a GPU still holds it."""
    assert holds(a_claim(), node(part_of=GPU)) == [(GPU, 0, 10, 1), (NODE, 0, 10, 3)]


def test_a_lone_share_holds_shares_of_its_own_party_only() -> None:
    """A pod's share of the node holds its share of the GPU, and nobody else's reading."""
    pod = node(share=True, party="p")
    mine = a_claim(share=True, party="p")
    other = a_claim(device_id="gpu-1", record_id="b")
    assert holds(pod, mine, other) == [(GPU, 0, 10, 1), ("gpu-1", 0, 10, 3), (NODE, 0, 10, 3)]


def test_a_gap_of_a_device_that_was_read_at_times_still_holds_its_parts() -> None:
    """Its estimate stands for them."""
    assert holds(a_claim(0, 20), node(0, 10), node(10, 20)._replace(energy_uj=0, observed_us=0)) == [
        (GPU, 0, 20, 1),
        (NODE, 0, 20, 3),
    ]


def test_parts_stand_for_a_device_that_was_never_read() -> None:
    """The node's estimate counts only where no part of it does; it is said where it gave way."""
    unread = a_gap(0, 30, device_id=NODE, component="node", boundary=1, silent=True, max_uw=10**7)
    result = counted(a_claim(10, 20), a_claim(12, 14, device_id="gpu-1"), unread)
    rows = sorted((r.device_id, r.start_us, r.end_us, r.hidden_from, r.gap_us) for r in result.rows)
    assert [row for row in rows if row[0] == NODE] == [(NODE, 0, 10, 3, 10), (NODE, 20, 30, 3, 10)]
    assert [row[3] for row in rows if row[0] != NODE] == [3, 3]
    again = unread._replace(start_us=40, end_us=50)
    assert len(counted(a_claim(10, 20), unread, again).rows) == 4
    (loss,) = result.losses
    assert (loss.start_us, loss.end_us, loss.record_id) == (10, 20, "a")
    assert loss.reason == "never read; gpu-0 stands for it"


def test_a_device_that_was_never_read_keeps_its_shares() -> None:
    """Shares that were read of it count, whatever became of the whole."""
    unread = a_gap(device_id=NODE, boundary=1, silent=True)
    share = a_claim(device_id=NODE, boundary=1, share=True, record_id="b")
    assert {r.allocation for r in counted(unread, share, a_claim()).rows} == {"share", "whole", "unallocated"}


def test_the_whole_of_named_parts_that_were_never_read_gives_way_to_them_too() -> None:
    """By part_of as by boundary."""
    unread = module()._replace(energy_uj=0, observed_us=0)
    unread = unread._replace(line=a_gap(device_id=MODULE, silent=True).line)
    assert [row[0] for row in holds(unread, a_claim(part_of=MODULE))] == [GPU]


def test_a_cpu_with_the_rest_of_its_node_reaches_the_node() -> None:
    """Both from 5 to 10; the CPU alone before; a facility reading reaches furthest."""
    cpu = a_claim(0, 10, device_id="cpu", component="cpu")
    rest = a_claim(5, 10, device_id="rest", component="rest_of_node")
    rows = counted(cpu, rest).rows
    assert [(r.device_id, r.start_us, r.reach) for r in rows] == [
        ("cpu", 0, 0),
        ("cpu", 5, 1),
        ("rest", 5, 1),
    ]
    site = a_claim(device_id=SITE, component="facility", boundary=2)
    assert {r.reach for r in counted(cpu, site).rows} == {2}


def test_a_row_reaches_at_least_its_own_boundary() -> None:
    """A node that was never read, and has no part."""
    unread = a_gap(device_id=NODE, component="node", boundary=1, silent=True)
    assert [r.reach for r in counted(unread).rows] == [1]


def test_a_device_lies_where_any_reading_of_it_says() -> None:
    """A calibrated run names the node around the GPU; another run's reading of the GPU won."""
    node_of_one = node(record_id="z", modelled=True, party="z", source="calibration")
    other = a_claim(record_id="z", part_of=NODE)
    assert [row[3] for row in holds(a_claim(record_id="a"), other, node_of_one)] == [1, 3]


def test_a_node_and_a_gpu_that_were_never_read_are_one_gap() -> None:
    """The estimate of the node holds the GPU's."""
    never = a_gap(device_id=NODE, component="node", boundary=1, silent=True, max_uw=900)
    gpu = a_gap(silent=True, max_uw=700, part_of=NODE)
    assert holds(never, gpu) == [(GPU, 0, 10, 1), (NODE, 0, 10, 3)]


def test_a_model_gives_way_to_a_reading_of_the_same_component_by_another_source() -> None:
    """One run may read the counter, the other only model the CPU: the energy is there once."""
    counter = a_claim(2, 10, device_id="cpu:h/package-0", component="cpu", source="rapl")
    model = a_claim(
        device_id="cpu:h/model", component="cpu", source="model", modelled=True, grade="D", record_id="b"
    )
    assert holds(counter, model) == [
        ("cpu:h/model", 0, 2, 3),
        ("cpu:h/model", 2, 10, 0),
        ("cpu:h/package-0", 2, 10, 3),
    ]


def test_all_packages_together_hold_each_of_them() -> None:
    """Kepler's figure and a run's own of package 0."""
    kepler = a_claim(device_id="cpu:h/package", component="cpu", source="kepler", record_id="k")
    own = a_claim(device_id="cpu:h/package-0", component="cpu", source="rapl")
    assert holds(own, kepler) == [("cpu:h/package", 0, 10, 3), ("cpu:h/package-0", 0, 10, 0)]
