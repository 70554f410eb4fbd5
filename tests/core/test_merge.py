"""Counted once: many observers of one device, devices inside devices, on clocks that may differ."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import a_row
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.merge import Observation, counted_once, handed_over, without_parts
from wattmark.core.run import SourceId

CPU, NODE, PACKAGE = "cpu:h/package-0", "node:h", "psys:h"


def seen(
    start: float = 0.0,
    seconds: float = 10.0,
    watts: float = 9.0,
    run: str = "a",
    clock: str = "h",
    **row: object,
) -> Observation:
    """A device at so many watts, observed all the time unless told otherwise."""
    fields: dict[str, object] = {
        "device_id": CPU,
        "t0_seconds": start,
        "duration_seconds": seconds,
        "energy_joules": watts * seconds,
        "observed_seconds": seconds,
    }
    return Observation(a_row(**{**fields, **row}), start, run, clock, "training")


def joules(observations: object) -> float:
    return math.fsum(o.row.energy_joules for o in observations)  # type: ignore[attr-defined]


def spans(observations: object) -> list[tuple[str, str, float, float]]:
    return [(o.row.device_id, o.record_id, o.start, o.end) for o in observations]  # type: ignore[attr-defined]


# --- one device, many observers ---------------------------------------------------------------------


def test_rows_that_follow_each_other_all_count() -> None:
    """Even when rounding makes them touch."""
    rows = [seen(0.0), seen(10.0 - 1e-9), seen(25.0)]
    assert counted_once(rows).kept == tuple(rows)
    assert counted_once(rows).losers == ()


def test_two_observers_of_one_device_give_one_energy() -> None:
    """Two ranks that watched the same package for 10 s at 9 W: 90 J, and the loser is named."""
    merged = counted_once([seen(run="b"), seen(run="a")])
    assert joules(merged.kept) == pytest.approx(90.0)
    assert merged.losers == (f"{CPU}: also watched by run b, counted from run a",)


@pytest.mark.parametrize("first", ["a", "b"])
def test_whoever_dies_first_the_device_is_counted_to_the_end(first: str) -> None:
    """One rank sees 10 s, the other 25 s: 25 s of energy, whichever it was."""
    other = "b" if first == "a" else "a"
    merged = counted_once([seen(0.0, 10.0, run=first), seen(0.0, 25.0, run=other)])
    assert joules(merged.kept) == pytest.approx(225.0)
    assert math.fsum(o.row.duration_seconds for o in merged.kept) == pytest.approx(25.0)


def test_the_better_known_row_wins_where_both_saw() -> None:
    """Grade first, then coverage, then the name of the source, then the id."""
    model = seen(watts=20.0, run="a", grade=Grade.D)
    assert counted_once([model, seen(run="z")]).kept[0].record_id == "z"
    torn = seen(run="a", observed_seconds=5.0, energy_joules=45.0)
    assert counted_once([torn, seen(run="z")]).kept[0].record_id == "z"
    other = seen(run="a", source=SourceId(name="zzz"))
    assert counted_once([other, seen(run="z")]).kept[0].record_id == "z"


def test_the_loser_counts_where_it_saw_alone() -> None:
    """A model before and after a counter: 5 s + 10 s + 5 s, each by who knew it best."""
    model = seen(0.0, 20.0, watts=20.0, run="m", grade=Grade.D)
    counter = seen(5.0, 10.0, run="c")
    merged = counted_once([model, counter])
    assert spans(merged.kept) == [(CPU, "m", 0.0, 5.0), (CPU, "c", 5.0, 15.0), (CPU, "m", 15.0, 20.0)]
    assert joules(merged.kept) == pytest.approx(100.0 + 90.0 + 100.0)


def test_a_hole_between_observers_stays_a_hole() -> None:
    """Nobody watched from 15 to 20 s: no row speaks of it."""
    merged = counted_once([seen(0.0, 10.0, run="a"), seen(5.0, 10.0, run="b"), seen(20.0, 5.0, run="c")])
    assert math.fsum(o.row.duration_seconds for o in merged.kept) == pytest.approx(20.0)


def test_clocks_that_differ_are_never_compared() -> None:
    """Two machines at the same second are two machines."""
    assert joules(counted_once([seen(clock="h1"), seen(clock="h2")]).kept) == pytest.approx(180.0)


stretches = st.lists(
    st.tuples(
        st.integers(0, 30), st.integers(1, 20), st.sampled_from("abc"), st.sampled_from([Grade.B, Grade.D])
    ),
    min_size=1,
    max_size=8,
)


@given(stretches)
def test_each_moment_is_counted_exactly_once(rows: list[tuple[int, int, str, Grade]]) -> None:
    """At equal power, the energy is the power times the union of all stretches, whoever saw them."""
    watched = [seen(float(start), float(seconds), run=run, grade=g) for start, seconds, run, g in rows]
    kept = counted_once(watched).kept
    moments = {t for start, seconds, _, _ in rows for t in range(start, start + seconds)}
    assert math.fsum(o.row.duration_seconds for o in kept) == pytest.approx(len(moments))
    assert joules(kept) == pytest.approx(9.0 * len(moments))


# --- devices inside devices -------------------------------------------------------------------------


def test_a_part_is_not_added_to_its_whole() -> None:
    """A node of 100 J that holds 40 J of CPU used 100 J."""
    node = seen(watts=10.0, device_id=NODE)
    cpu = seen(watts=4.0, part_of=NODE)
    assert without_parts([node, cpu]) == (node,)


@pytest.mark.parametrize("part_of", [None, "psys:nobody-read-it"])
def test_a_meter_of_the_machine_holds_what_other_runs_read_on_it(part_of: str | None) -> None:
    """One run knew of the node's meter and the other did not: their rows are not added."""
    node = seen(run="a", watts=10.0, device_id=NODE, boundary=Boundary.NODE)
    cpu = seen(run="b", watts=4.0, part_of=part_of)
    assert without_parts([node, cpu]) == (node,)
    elsewhere = seen(run="b", watts=4.0, clock="other")
    assert without_parts([node, elsewhere]) == (node, elsewhere)
    supplies = [node, seen(run="a", device_id="node:h/psu-2", boundary=Boundary.NODE)]
    assert without_parts(supplies) == tuple(supplies)


def test_a_model_of_the_machine_gives_way_to_its_meter_and_holds_no_device_by_itself() -> None:
    """What a model says of a node may leave the GPU out; a meter at its plug does not."""
    model = seen(run="b", device_id="node:h/model", boundary=Boundary.NODE, method=Method.MODELLED)
    gpu = seen(run="b", device_id="gpu", component="gpu")
    assert without_parts([model, gpu]) == (model, gpu)
    node = seen(run="a", device_id=NODE, boundary=Boundary.NODE)
    assert without_parts([node, model, gpu]) == (node,)


def test_a_model_gives_way_to_a_reading_of_the_same_component_by_another_source() -> None:
    """Root reads RAPL; the run beside it may not, and models the CPU: 40 J, not 40 and 50."""
    rapl = seen(2.0, 8.0, watts=4.0)
    model = seen(
        run="b",
        watts=5.0,
        device_id="cpu:h/model",
        method=Method.MODELLED,
        grade=Grade.D,
        source=SourceId(name="model"),
    )
    assert spans(without_parts([rapl, model])) == [(CPU, "a", 2.0, 10.0), ("cpu:h/model", "b", 0.0, 2.0)]
    elsewhere = seen(run="b", clock="other", watts=4.0)
    assert without_parts([model, elsewhere]) == (model, elsewhere)
    later = seen(20.0, watts=4.0)
    assert without_parts([model, later]) == (model, later)


def test_a_model_of_the_machine_has_the_processors_in_it_that_others_read() -> None:
    """At the node the model stands, of the GPU it knows nothing."""
    model = seen(
        run="b",
        device_id="node:h/model",
        component="node",
        boundary=Boundary.NODE,
        method=Method.MODELLED,
        source=SourceId(name="model"),
    )
    gpu = seen(device_id="GPU-1", component="gpu", source=SourceId(name="nvml"))
    assert without_parts([seen(watts=4.0), gpu, model]) == (gpu, model)


def test_a_reading_that_was_never_read_takes_no_model_away() -> None:
    """RAPL was denied: the model is all there is, and the gap is its own."""
    denied = seen(observed_seconds=0.0, energy_joules=0.0)
    model = seen(run="b", device_id="cpu:h/model", method=Method.MODELLED, source=SourceId(name="model"))
    assert model in without_parts([denied, model])


def test_a_device_lies_where_any_reading_of_it_says() -> None:
    """A calibrated run names the node around the CPU; another run's reading of the CPU won."""
    node = seen(run="z", watts=10.0, device_id="node:h/calibrated", method=Method.MODELLED)
    rows = [seen(run="a", watts=4.0), seen(run="z", watts=4.0, part_of="node:h/calibrated"), node]
    kept = counted_once(rows).kept
    assert without_parts(kept, rows) == (node,)


def test_a_chain_keeps_its_top() -> None:
    """Node over platform over package."""
    rows = [seen(device_id=NODE), seen(device_id=PACKAGE, part_of=NODE), seen(part_of=PACKAGE)]
    assert without_parts(rows) == (rows[0],)
    assert without_parts([rows[0], rows[2], seen(device_id="x", part_of=CPU)])[0] == rows[0]


def test_a_part_outside_the_times_of_its_whole_counts() -> None:
    """The node was read in the first run only: the second run's CPU is not lost."""
    rows = [
        seen(0.0, run="a", device_id=NODE),
        seen(0.0, run="a", watts=4.0, part_of=NODE),
        seen(50.0, run="b", watts=4.0),
    ]
    assert spans(without_parts(rows)) == [(NODE, "a", 0.0, 10.0), (CPU, "b", 50.0, 60.0)]
    assert without_parts(rows[::-1])[0].record_id == "b"


def test_a_part_that_lasts_longer_than_its_whole_counts_for_the_rest() -> None:
    """The node's meter started 4 s late: 4 s of the CPU, then the node."""
    rows = [seen(4.0, 6.0, device_id=NODE), seen(0.0, 10.0, watts=4.0, part_of=NODE)]
    assert spans(without_parts(rows)) == [(NODE, "a", 4.0, 10.0), (CPU, "a", 0.0, 4.0)]
    between = [seen(0.0, 2.0, device_id=NODE), seen(8.0, 2.0, device_id=NODE), rows[1]]
    assert spans(without_parts(between))[2:] == [(CPU, "a", 2.0, 8.0)]


def test_splinters_at_the_edges_are_no_parts() -> None:
    """Meters are read one after the other, so that rows of one window end milliseconds apart."""
    rows = [seen(0.003, 10.0, device_id=NODE), seen(0.0, 10.0, part_of=NODE)]
    assert spans(without_parts(rows)) == [(NODE, "a", 0.003, 10.003)]


def test_a_whole_that_was_never_read_hands_over_to_its_parts() -> None:
    """The BMC was silent: the CPU is told, and who was silent is named."""
    node = seen(device_id=NODE, observed_seconds=0.0, energy_joules=0.0)
    cpu = seen(watts=4.0, part_of=NODE)
    assert without_parts([node, cpu]) == (cpu,)
    assert handed_over([node, cpu]) == (NODE,)
    assert handed_over([cpu]) == ()


def test_a_whole_that_was_read_for_a_moment_keeps_its_gap() -> None:
    """It is estimated from its own power, which holds everything, not from its parts'."""
    node = seen(device_id=NODE, observed_seconds=1.0, energy_joules=10.0)
    assert without_parts([node, seen(watts=4.0, part_of=NODE)]) == (node,)


def test_where_nothing_was_read_the_whole_stands_for_its_parts() -> None:
    """One gap, not two."""
    node = seen(device_id=NODE, observed_seconds=0.0, energy_joules=0.0)
    cpu = seen(part_of=NODE, observed_seconds=0.0, energy_joules=0.0)
    assert without_parts([node, cpu]) == (node,)


def test_devices_that_claim_to_be_inside_each_other_are_both_kept_out_of_an_endless_search() -> None:
    """A damaged file: an answer, and not a hang."""
    rows = [seen(device_id="x", part_of="y"), seen(device_id="y", part_of="x")]
    assert without_parts(rows) == ()


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 10), st.booleans()), min_size=1, max_size=8))
def test_a_part_and_its_whole_never_both_count_at_one_moment(rows: list[tuple[int, int, bool]]) -> None:
    """With both at 9 W the total is 9 W times the moments at which either was counted."""
    node = [
        seen(float(t), float(n), device_id=NODE, run=f"r{i}") for i, (t, n, whole) in enumerate(rows) if whole
    ]
    cpu = [
        seen(float(t), float(n), part_of=NODE, run=f"r{i}")
        for i, (t, n, whole) in enumerate(rows)
        if not whole
    ]
    kept = without_parts(counted_once([*node, *cpu]).kept)
    moments = {m for t, n, _ in rows for m in range(t, t + n)}
    assert joules(kept) == pytest.approx(9.0 * len(moments))
