"""A stretch without a row is a gap, and hardware without a row is named."""

from __future__ import annotations

import pytest

from tests.builders import a_row, a_run
from wattmark.core.figure import Figure
from wattmark.core.gaps import Fill
from wattmark.core.given import Given
from wattmark.core.holes import unread_components, with_holes
from wattmark.core.run import Hardware, Place, Series
from wattmark.core.totals import facts_of


def piece(t0: float, duration: float, joules: float = 10.0, **changes: object) -> object:
    """A fully observed row of one stretch."""
    return a_row(
        t0_seconds=t0, duration_seconds=duration, observed_seconds=duration, energy_joules=joules, **changes
    )


def test_a_whole_run_has_no_holes() -> None:
    """A row from edge to edge, or pieces that touch, leave the run as it is."""
    whole = a_run()
    assert with_holes(whole) is whole
    pieces = a_run(energies=(piece(0, 4), piece(4, 6)))
    assert with_holes(pieces) is pieces


def test_meters_take_a_moment_at_the_edges() -> None:
    """20 ms after the start and before the end are no hole."""
    run = a_run(energies=(piece(0.02, 9.96),))
    assert with_holes(run) is run


@pytest.mark.parametrize(
    ("rows", "hole"),
    [
        (((2.0, 8.0),), (0.0, 2.0)),
        (((0.0, 7.0),), (7.0, 3.0)),
        (((0.0, 4.0), (6.0, 4.0)), (4.0, 2.0)),
    ],
)
def test_a_missing_stretch_becomes_an_unobserved_row(
    rows: tuple[tuple[float, float], ...], hole: tuple[float, float]
) -> None:
    """Before, after or between the rows: nothing observed, no energy, the device's own limits kept."""
    run = with_holes(a_run(energies=tuple(piece(*r) for r in rows)))
    added = run.energies[-1]
    assert (added.t0_seconds, added.duration_seconds) == hole
    assert (added.energy_joules, added.observed_seconds, added.max_watts) == (0.0, 0.0, 100.0)


def test_leaving_a_row_out_lowers_coverage_and_is_estimated() -> None:
    """5 of 10 s at 9 W remain: 90 J estimated, half observed, between 45 J and 545 J."""
    run = a_run(energies=(piece(0, 5, 45.0),))
    facts = [facts_of([run], Given(), fill) for fill in (Fill.LEAST, Fill.MEAN, Fill.MOST)]
    energies = [f.energy for f in facts]
    assert all(isinstance(e, Figure) for e in energies)
    assert [e.value for e in energies if isinstance(e, Figure)] == [45.0, 90.0, 545.0]
    assert {e.coverage for e in energies if isinstance(e, Figure)} == {0.5}


def test_hardware_without_a_reading_is_named() -> None:
    """A GPU that the run lists and nobody read is a component that is missing from the total."""
    hardware = (
        Hardware(component="cpu", name="Model of a CPU"),
        Hardware(component="gpu", name="Model of a GPU"),
        Hardware(component="storage", name="Disk"),
    )
    run = a_run(place=Place(hardware=hardware))
    assert unread_components([run]) == ["gpu (Model of a GPU)"]
    assert unread_components([a_run()]) == []


def test_one_silent_accelerator_of_several_is_named() -> None:
    """Two GPUs listed and the rows of one left out: half of the energy is missing, not a better run."""
    rows = tuple(a_row(component="gpu", device_id=f"GPU-{i}") for i in range(2))
    place = Place(hardware=(Hardware(component="gpu", name="Model of a GPU", count=2.0),))
    assert unread_components([a_run(place=place, energies=rows)]) == []
    assert unread_components([a_run(place=place, energies=rows[:1])]) == ["1 of 2 gpu devices"]
    socketed = Place(hardware=(Hardware(component="cpu", name="Model of a CPU", count=2.0),))
    assert unread_components([a_run(place=socketed)]) == []


def test_a_device_with_a_series_and_no_row_is_named() -> None:
    """Memory and the rest of the node are in no list of hardware, and a run that read them kept a series."""
    series = Series(device_id="dram:0", component="dram", t_seconds=(0.0, 10.0), energy_joules=(0.0, 30.0))
    dram = a_row(component="dram", device_id="dram:0", energy_joules=30.0)
    assert unread_components([a_run(energies=(a_row(), dram), series=(series,))]) == []
    assert unread_components([a_run(series=(series,))]) == ["dram:0"]


def test_a_reading_of_the_whole_holds_its_parts() -> None:
    """With a node meter, or a module that holds both, nothing is missing."""
    place = Place(
        hardware=(Hardware(component="gpu", name="GPU part"), Hardware(component="cpu", name="CPU part"))
    )
    assert unread_components([a_run(place=place, energies=(a_row(component="node"),))]) == []
    assert unread_components([a_run(place=place, energies=(a_row(component="module"),))]) == []
