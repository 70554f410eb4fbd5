"""Which devices of an inventory runs took, and for how long."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import HOST, a_row, a_run
from tests.core.assets import START, an_asset, gpus
from wattmark.core.facts import Embodied
from wattmark.core.figure import Missing
from wattmark.core.inventory import HOUR_US, Asset
from wattmark.core.inventory_use import merged, used_by_runs
from wattmark.core.known import Scope
from wattmark.core.reserved import embodied_of
from wattmark.core.run import EnergyRow, Run

HOUR = 3600.0


def gpu_row(number: int = 0, **changes: Any) -> EnergyRow:
    """One GPU for the hour."""
    fields = {"device_id": f"GPU-{number}", "component": "gpu", "duration_seconds": HOUR}
    return a_row(**{**fields, **changes})


def an_hour(record: str = "r1", *rows: EnergyRow, **changes: Any) -> Run:
    """A run of an hour from START on."""
    return a_run(**{"record_id": record, "duration_seconds": HOUR, "energies": rows or (a_row(),), **changes})


def hours(assets: list[Asset], *runs: Run) -> dict[str, object]:
    """Name of the line -> hours."""
    return {r.name: pytest.approx(r.hours) for r in used_by_runs(assets, runs)}


def missing(assets: list[Asset], *runs: Run) -> str:
    """Why the carbon is not known."""
    told = embodied_of(used_by_runs(assets, runs))
    assert isinstance(told, Missing)
    return str(told)


def test_a_machine_is_taken_for_as_long_as_a_run_is_on_it() -> None:
    """Two runs side by side take it once; one on another clock time takes it again."""
    beside = an_hour("r2")
    later = an_hour("r3", started_at="2026-11-01T15:00:00Z")
    assert hours([an_asset()], an_hour(), beside) == {"server-1": 1}
    assert hours([an_asset()], an_hour(), later) == {"server-1": 2}


def test_accelerators_are_taken_one_by_one() -> None:
    """Two of four GPUs for an hour, a third for half of it."""
    half = gpu_row(2, t0_seconds=1800.0, duration_seconds=1800.0)
    run = an_hour("r1", gpu_row(0), gpu_row(1), half, a_row(duration_seconds=HOUR))
    assert hours([an_asset(), gpus()], run) == {"server-1": 1, "gpus": 2.5}


def test_a_device_by_its_id_goes_before_a_line_of_its_kind() -> None:
    """GPU-0 was bought on its own; wherever it is, its line carries it."""
    own = gpus(name="own", device_id="GPU-0", quantity=1.0, hosts=frozenset())
    run = an_hour("r1", gpu_row(0), gpu_row(1))
    assert hours([an_asset(), own, gpus()], run) == {"server-1": 1, "own": 1, "gpus": 1}
    assert hours([own, an_asset()], an_hour("r1", gpu_row(0))) == {"server-1": 1, "own": 1}


def test_parts_without_a_meter_go_with_their_machine() -> None:
    """Two CPUs bought apart: two device-hours an hour, metered or not."""
    cpus = an_asset(name="cpus", component="cpu", quantity=2.0, contains=frozenset({"cpu"}))
    assert hours([cpus], an_hour()) == {"cpus": 2}
    by_id = an_asset(name="cpu", component="cpu", device_id=f"cpu:{HOST.id}/package-0")
    assert hours([by_id], an_hour("r1", a_row(duration_seconds=HOUR))) == {"cpu": 1}


def test_a_machine_that_holds_its_gpus_carries_them() -> None:
    """A figure of the whole server needs no line for its GPUs."""
    whole = an_asset(contains=frozenset({"cpu", "gpu"}))
    assert hours([whole], an_hour("r1", gpu_row())) == {"server-1": 1}


def test_gpus_that_no_line_holds_are_missing() -> None:
    """A server without GPUs is not all of a machine that used one."""
    assert "every gpu" in missing([an_asset()], an_hour("r1", gpu_row()))


def test_more_gpus_than_the_inventory_names_are_missing() -> None:
    """Five in use, four bought."""
    run = an_hour("r1", *(gpu_row(n) for n in range(5)))
    assert "5 of machine hhhhhhhhhhhhhhhh were in use, and the inventory names 4" in missing(
        [an_asset(), gpus()], run
    )


def test_a_machine_that_no_line_names_is_missing() -> None:
    """Another machine's emissions are not known by this one's; its name tells it too."""
    other = an_hour("r2", host=replace(HOST, id="other"))
    assert "machine other" in missing([an_asset()], an_hour(), other)
    named = an_hour("r2", host=replace(HOST, id="other", names=("h" * 16,)))
    assert hours([an_asset()], named) == {"server-1": 1}


def test_hours_beyond_a_life_carry_nothing_and_say_so() -> None:
    """Its life ends half an hour into the run."""
    old = an_asset(lifespan_hours=10.5)
    (told,) = used_by_runs([old], [an_hour()])
    assert told.hours == pytest.approx(0.5)
    assert told.notes == ("server-1 (devices.csv:2) is used up: 0.5 h after its life carry nothing more",)
    early = an_asset(start_us=START + HOUR_US // 2)
    (told,) = used_by_runs([early], [an_hour()])
    assert "not in service yet in 0.5 h" in told.notes[0]


def test_old_gpus_beside_new_ones_carry_nothing_more() -> None:
    """Two are used up, two new: of four in use two carry, and it is said."""
    old = gpus(name="old", quantity=2.0, lifespan_hours=10.0)
    new = gpus(name="new", quantity=2.0, place="devices.csv:4")
    run = an_hour("r1", *(gpu_row(n) for n in range(4)))
    told = used_by_runs([an_asset(), old, new], [run])
    assert {r.name: r.hours for r in told} == {"server-1": 1, "new": 2, "old": 0}
    assert any("old (devices.csv:3) is used up" in note for r in told for note in r.notes)


def test_gpus_in_use_for_longer_than_expected_carry_no_more_than_all() -> None:
    """One GPU, expected in use for a tenth of twenty hours, was in use for 1 and 3: 2 h carry it all."""
    one = gpus(
        quantity=1.0, lifespan_hours=20.0, start_us=START - 10 * HOUR_US, mode="utilised", utilisation=0.1
    )
    first = an_hour("r1", gpu_row(0))
    later = an_hour("r2", gpu_row(0), started_at="2026-11-01T15:00:00.000000Z", duration_seconds=3 * 3600.0)
    longer = replace(later, energies=(replace(gpu_row(0), duration_seconds=3 * 3600.0),))
    machine = an_asset(mode="utilised", utilisation=1.0)
    told = next(r for r in used_by_runs([machine, one], [first, longer]) if r.name == "gpus")
    assert told.hours == pytest.approx(2)
    assert "4 h in use, and its life has 2" in told.notes[0]


def test_shares_of_a_device_take_no_time_of_their_own() -> None:
    """The whole device's row tells when it was there."""
    share = gpu_row(0, scope=Scope.SHARE, party="own")
    assert hours([an_asset(), gpus()], an_hour("r1", gpu_row(0), share)) == {"server-1": 1, "gpus": 1}


def test_a_device_of_an_unlisted_machine_is_known_by_its_id() -> None:
    """A GPU that carries its id with it; a row of another kind beside it is the machine's."""
    own = gpus(name="own", device_id="GPU-0", quantity=1.0, hosts=frozenset())
    assert hours([own], an_hour("r1", gpu_row(0))) == {"own": 1}


def test_spans_that_meet_are_one() -> None:
    """Touching, nested and apart."""
    assert merged([(5, 6), (0, 2), (2, 3), (1, 2)]) == ((0, 3), (5, 6))


@given(st.lists(st.integers(1, 20), min_size=1, max_size=8), st.integers(1, 4))
def test_all_runs_of_a_life_together_carry_the_devices(lengths: list[int], number: int) -> None:
    """Runs one after the other over a whole life: TE of the machine and of each GPU, exactly."""
    life = float(sum(lengths))
    lines = [
        an_asset(start_us=START, lifespan_hours=life),
        gpus(start_us=START, lifespan_hours=life, quantity=float(number)),
    ]
    runs = []
    at = 0
    for n, length in enumerate(lengths):
        rows = tuple(gpu_row(g, duration_seconds=length * HOUR) for g in range(number))
        day, hour = divmod(12 + at, 24)
        runs.append(
            a_run(
                record_id=f"r{n}",
                started_at=f"2026-11-{1 + day:02d}T{hour:02d}:00:00Z",
                duration_seconds=length * HOUR,
                energies=rows,
            )
        )
        at += length
    told = embodied_of(used_by_runs(lines, runs))
    assert isinstance(told, Embodied)
    assert told.reserved_hours is not None
    carried = told.total_grams * told.reserved_hours / told.lifespan_hours
    assert carried == pytest.approx(1000 + 100 * number)
