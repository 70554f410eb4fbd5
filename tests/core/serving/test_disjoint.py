"""Devices that may be added, and what is left of an outer one."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.readings import Device
from wattmark.core.serving.disjoint import Piece, Remainder, clipped, disjoint
from wattmark.core.units import Power


def device(device_id: str, component: str, part_of: str | None = None, **more: object) -> Device:
    """A device that is read."""
    told = {"method": Method.HARDWARE_COUNTER, "grade": Grade.B, "source": "test", **more}
    return Device(
        id=device_id,
        component=component,
        part_of=part_of,
        max_power=Power(1000.0),
        relative_error=0.05,
        **told,  # type: ignore[arg-type]
    )


NODE = device("node:h", "node", boundary=Boundary.NODE)


def names(*devices: Device) -> dict[str, tuple[str, ...]]:
    """The devices of a window, with what is taken out of each."""
    return {part.device.id: part.less for part in disjoint(devices)}


def test_devices_beside_one_another_stay_as_they_are() -> None:
    """A package and a GPU hold nothing of each other."""
    assert names(device("cpu:h/package-0", "cpu"), device("GPU-1", "gpu")) == {
        "cpu:h/package-0": (),
        "GPU-1": (),
    }


def test_a_node_stands_as_its_rest() -> None:
    """Node power less processor and GPU is rest_of_node, of the node's boundary."""
    parts = disjoint([NODE, device("cpu:h/package-0", "cpu", "node:h"), device("GPU-1", "gpu", "node:h")])
    rest = next(part for part in parts if part.less)
    assert (rest.device.id, rest.device.component, rest.of) == ("rest_of_node:h", "rest_of_node", "node:h")
    assert rest.less == ("cpu:h/package-0", "GPU-1")
    assert rest.device.boundary is Boundary.NODE


def test_a_node_alone_stays_a_node() -> None:
    """Where nothing inside it is read, the node is one device."""
    assert names(NODE) == {"node:h": ()}


def test_parts_of_the_same_kind_are_inside_their_device() -> None:
    """Cores are inside their package, whose memory is taken out of nothing: it lies beside."""
    package, core = device("cpu:h/package-0", "cpu"), device("cpu:h/package-0/core", "cpu", "cpu:h/package-0")
    assert names(package, core, device("dram:h/package-0", "dram")) == {
        "cpu:h/package-0": (),
        "dram:h/package-0": (),
    }


def test_memory_inside_cores_of_a_platform_is_taken_out_of_the_platform() -> None:
    """psys holds the package (the same kind) and its memory, which is another kind: psys less memory."""
    psys, package = device("cpu:h/psys", "cpu"), device("cpu:h/package-0", "cpu", "cpu:h/psys")
    core = device("cpu:h/package-0/core", "cpu", "cpu:h/package-0")
    dram = device("dram:h/package-0", "dram", "cpu:h/package-0/core")
    assert names(psys, package, core, dram) == {
        "cpu:h/psys/rest": ("dram:h/package-0",),
        "dram:h/package-0": (),
    }


def test_a_module_less_its_parts_is_inside_its_node() -> None:
    """Node > module > GPU: each outer one stands as what is left."""
    module = device("MOD-1", "module", "node:h")
    assert names(NODE, module, device("GPU-1", "gpu", "MOD-1")) == {
        "rest_of_node:h": ("MOD-1",),
        "MOD-1/rest": ("GPU-1",),
        "GPU-1": (),
    }


def test_a_node_without_a_machine_in_its_name_is_named_by_itself() -> None:
    """An id without a colon is taken as it is."""
    meter = device("plug", "node", boundary=Boundary.NODE)
    assert names(meter, device("GPU-1", "gpu", "plug")) == {"rest_of_node:plug": ("GPU-1",), "GPU-1": ()}


def test_a_site_is_no_device_of_a_node() -> None:
    """A facility's meter holds other machines too."""
    site = device("site", "facility", boundary=Boundary.FACILITY)
    assert names(site, device("GPU-1", "gpu", "site")) == {"GPU-1": ()}


def test_devices_that_name_each_other_lie_beside_one_another() -> None:
    """A circle has no outside."""
    assert names(device("a", "cpu", "b"), device("b", "gpu", "a")) == {"a": (), "b": ()}


def test_the_rest_is_the_whole_less_its_parts() -> None:
    """A node of 100 J with a CPU of 30 and a GPU of 50 J leaves 20 J."""
    rest = Remainder(["cpu", "gpu"])
    rest.outer(Piece(0, 10, 100.0))
    rest.inner("cpu", Piece(0, 10, 30.0))
    assert rest.ready() == []
    rest.inner("gpu", Piece(0, 10, 50.0))
    assert rest.ready() == [Piece(0, 10, 20.0)]
    assert rest.ready() == []
    assert rest.of("cpu")
    assert not rest.of("node")


def test_what_is_owed_is_taken_from_what_follows() -> None:
    """A sensor that lags shows 10 J beside 15 J inside it: 0 now, and 5 J less the next time."""
    rest = Remainder(["cpu"])
    for start, whole, inside in ((0, 10.0, 15.0), (10, 20.0, 5.0)):
        rest.outer(Piece(start, start + 10, whole))
        rest.inner("cpu", Piece(start, start + 10, inside))
    assert rest.ready() == [Piece(0, 10, 0.0), Piece(10, 20, 10.0)]
    assert rest.debt == 0.0


@pytest.mark.parametrize("gap", ["outer", "inner"])
def test_where_one_was_not_observed_the_rest_was_not(gap: str) -> None:
    """A gap of the node or of what is inside it is a gap of the rest, for its reason."""
    rest = Remainder(["cpu"])
    rest.outer(Piece(0, 10, None if gap == "outer" else 9.0, "asleep"))
    rest.inner("cpu", Piece(0, 10, None if gap == "inner" else 5.0, "asleep"))
    assert rest.ready() == [Piece(0, 10, None, "asleep")]


def test_a_part_that_was_read_later_leaves_a_gap() -> None:
    """The CPU is known from 5 on only: from 0 to 10 nobody knows the rest; then it goes on."""
    rest = Remainder(["cpu"])
    rest.outer(Piece(0, 10, 10.0))
    rest.outer(Piece(10, 20, 10.0))
    rest.inner("cpu", Piece(5, 25, 20.0))
    assert rest.ready() == [Piece(0, 10, None, "it was not read yet"), Piece(10, 20, 0.0)]


def test_a_piece_is_cut_in_proportion() -> None:
    """The first quarter of 100 J is 25 J; what lies beside is nothing; gaps stay gaps."""
    whole = Piece(0, 100, 100.0)
    assert whole.us == 100
    assert clipped(whole, 0, 25) == Piece(0, 25, 25.0)
    assert clipped(whole, 100, 200) is None
    assert clipped(whole, -5, 200) == whole
    assert clipped(Piece(0, 10, None, "off"), 5, 8) == Piece(5, 8, None, "off")


@given(st.data())
def test_over_time_rest_and_parts_are_the_whole(data: st.DataObject) -> None:
    """Whatever the sensors show and whenever they look: rest + debt = node - CPU, to rounding."""
    edges = sorted(data.draw(st.sets(st.integers(0, 1000), min_size=2, max_size=8)))
    inner = sorted({edges[0], edges[-1], *data.draw(st.sets(st.integers(edges[0], edges[-1]), max_size=8))})
    joules = st.floats(0.0, 1e4)
    rest = Remainder(["cpu"])
    whole = part = 0.0
    for a, b in pairwise(inner):
        used = data.draw(joules)
        part += used
        rest.inner("cpu", Piece(a, b, used))
    for a, b in pairwise(edges):
        used = data.draw(joules)
        whole += used
        rest.outer(Piece(a, b, used))
    told = rest.ready()
    assert [piece[:2] for piece in told] == list(pairwise(edges))
    assert all(piece.joules is not None and piece.joules >= 0 for piece in told)
    total = math.fsum(piece.joules or 0.0 for piece in told) + rest.debt
    assert math.isclose(total, whole - part, rel_tol=1e-9, abs_tol=1e-6)


TREE = st.integers(0, 6).flatmap(
    lambda n: st.tuples(
        *(
            st.tuples(st.none() | st.integers(0, n), st.sampled_from(("cpu", "dram", "gpu", "node")))
            for _ in range(n + 1)
        )
    )
)


@given(TREE)
def test_the_devices_of_a_window_hold_all_energy_once(tree: tuple[tuple[int | None, str], ...]) -> None:
    """However devices lie in one another, parts add up to the outermost, none taken out twice."""
    devices = [
        device(f"d:{n}", component, None if outer is None else f"d:{outer}")
        for n, (outer, component) in enumerate(tree)
    ]
    parts = disjoint(devices)
    energy = {d.id: 1.0 + n for n, d in enumerate(devices)}
    kept = {part.of for part in parts}
    taken = [name for part in parts for name in part.less]
    assert len(taken) == len(set(taken))
    assert set(taken) <= kept
    total = sum(energy[part.of] - sum(energy[name] for name in part.less) for part in parts)
    outermost = kept - set(taken)
    assert total == pytest.approx(sum(energy[name] for name in outermost))
    assert len({part.device.id for part in parts}) == len(parts)
