"""Zeus: windows as zeus 0.16.0 logged them, power as zeus-ml 0.10.1 wrote it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.text_world import FILES, TextWorld, notes_of, read
from wattmark.core.errors import EvidenceError, UsageError, WattmarkError
from wattmark.core.given import Given
from wattmark.core.imported import Imported
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.run import Run
from wattmark.core.totals import facts_of
from wattmark.sources.catalog import Asked
from wattmark.testing.source_suite import SourceSuite, SourceWorld

WINDOWS = FILES / "zeus" / "windows.csv"
POWER = FILES / "zeus" / "power.csv"


class TestZeusWindows(SourceSuite):
    """The rules that every source keeps, on windows."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> SourceWorld:
        lines = WINDOWS.read_text().splitlines()
        spoilt = lines[2].replace("epoch 1,0.5", "epoch 1,soon")
        return TextWorld(
            tmp_path / "zeus.csv", "zeus", lines[:4], more=lines[4:], spoil=(3, spoilt), headers=1
        )


class TestZeusPower(SourceSuite):
    """The rules that every source keeps, on power."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> SourceWorld:
        lines = [line.rpartition(",")[0] for line in POWER.read_text().splitlines()]  # one GPU
        spoilt = lines[3].replace("300.0", "watts")
        return TextWorld(tmp_path / "power.csv", "zeus", lines[:8], more=lines[8:], spoil=(4, spoilt))


def runs_of(portions: list[Imported]) -> dict[str, Run]:
    return {r.windows[0].name: r for p in portions for r in p.runs}


def test_a_window_is_a_run_of_its_gpus() -> None:
    """150 J on GPU 0 and 100 J on GPU 1 in half a second; the comma in its name is not the end of it."""
    run = runs_of(read("zeus", WINDOWS))["epoch 0, warm-up"]
    assert [(r.energy_joules, r.observed_seconds) for r in run.energies] == [
        (150.0, run.duration_seconds),
        (100.0, run.duration_seconds),
    ]
    assert run.duration_seconds == pytest.approx(0.502, abs=0.001)
    assert run.started_at.startswith("2026-11-21T23:5")


def test_it_is_sampled_power_until_somebody_says_counter() -> None:
    """The log does not say how a GPU was read, so it is not taken for the better way."""
    for settings, method, grade in (
        ({}, Method.INTEGRATED_POWER, Grade.C),
        ({"method": "counter"}, Method.HARDWARE_COUNTER, Grade.B),
    ):
        row = runs_of(read("zeus", WINDOWS, **settings))["training"].energies[0]
        assert (row.method, row.grade, row.boundary) == (method, grade, Boundary.DEVICE)


def test_a_zero_is_a_gap() -> None:
    """0 J of a GPU that is on says that nothing was read."""
    row = runs_of(read("zeus", WINDOWS))["epoch 1"].energies[1]
    assert (row.energy_joules, row.observed_seconds) == (0.0, 0.0)
    assert "no sensor was read" in row.gaps[0].reason


def test_a_negative_energy_is_a_gap() -> None:
    """-2050 J is a counter that was reset; the other GPU of the row is kept, and the reader is told where."""
    portions = read("zeus", WINDOWS)
    first, second = runs_of(portions)["epoch 2"].energies
    assert (first.energy_joules, second.observed_seconds) == (150.0, 0.0)
    assert f"{WINDOWS}:4: a gap, not 0: a negative energy" in notes_of(portions)


def test_a_row_with_nothing_but_nonsense_is_bad(tmp_path: Path) -> None:
    """When no GPU of it can be believed, the row is named."""
    path = tmp_path / "zeus.csv"
    path.write_text("start_time,window_name,elapsed_time,gpu0_energy\n1795305124.5,a,1.0,-262138.0\n")
    bad = [b for p in read("zeus", path) for b in p.bad]
    assert [(b.place, b.reason) for b in bad] == [
        (f"{path}:2", "a negative energy says that the counter was reset or wrapped")
    ]


def test_windows_inside_each_other_count_once() -> None:
    """The training holds its epochs: together they are its 450 J and no more, less what is a gap."""
    facts = facts_of(list(runs_of(read("zeus", WINDOWS)).values()), Given())
    joules = facts.energy.value  # type: ignore[union-attr]
    assert 700 < joules < 800  # 450 J + 300 J; the sum of all rows would be 1300 J


def test_uuids_join_the_gpus_to_other_meters() -> None:
    """What the columns cannot say, whoever imports can."""
    run = runs_of(read("zeus", WINDOWS, gpus="GPU-a, GPU-b"))["training"]
    assert [r.device_id for r in run.energies] == ["GPU-a", "GPU-b"]
    with pytest.raises(UsageError, match="names 1 GPUs, the file has 2"):
        read("zeus", WINDOWS, gpus="GPU-a")
    with pytest.raises(UsageError, match="twice"):
        read("zeus", WINDOWS, gpus="GPU-a,GPU-a")
    with pytest.raises(UsageError, match="counter or power"):
        read("zeus", WINDOWS, method="guess")


def test_no_gpu_is_not_no_energy() -> None:
    """Without a GPU Zeus logs empty columns: a run without energy that says why."""
    runs = runs_of(read("zeus", FILES / "zeus" / "no_gpu.csv"))
    assert [r.energies for r in runs.values()] == [(), (), ()]
    assert runs["training"].not_seen[0].reason == "Zeus found none"


def test_a_machine_with_a_name_is_the_same_in_every_file(tmp_path: Path) -> None:
    """Two logs of one host meet on its devices."""
    other = tmp_path / "other.csv"
    other.write_text(
        "start_time,window_name,elapsed_time,gpu0_energy,gpu1_energy\n1795305324.5,a,1.0,50.0,60.0\n"
    )
    hosts = {p.runs[0].host.id for f in (WINDOWS, other) for p in read("zeus", f, Asked(host="n1")) if p.runs}
    assert len(hosts) == 1


def test_power_becomes_energy_between_its_readings() -> None:
    """300 W and 200 W over a quarter of a second are 75 J and 50 J."""
    first, second = (s for p in read("zeus", POWER) for s in p.samples)
    assert first.energy_uj[0] == pytest.approx(75e6, rel=0.01)
    assert second.energy_uj[0] == pytest.approx(50e6, rel=0.01)
    assert first.stream.grade is Grade.C
    assert all(first.observed)


def test_a_power_that_was_not_read_is_a_gap(tmp_path: Path) -> None:
    """``nan`` between two readings: both intervals at it are unknown."""
    path = tmp_path / "power.csv"
    path.write_text("1795305100,100\n1795305101,nan\n1795305102,100\n1795305103,100\n")
    (samples,) = (s for p in read("zeus", path) for s in p.samples)
    assert list(samples.observed) == [False, False, True]
    assert list(samples.energy_uj) == [0, 0, 100_000_000]


def test_another_table_is_refused(tmp_path: Path) -> None:
    """The error says what was expected."""
    path = tmp_path / "x.csv"
    path.write_text("timestamp,power\n2026-11-01,5\n")
    with pytest.raises(EvidenceError, match="start_time,window_name,elapsed_time"):
        read("zeus", path)
    path.write_text("start_time,window_name,elapsed_time,cpu\n")
    with pytest.raises(EvidenceError, match="gpu0_energy"):
        read("zeus", path)
    path.write_text("")
    with pytest.raises(EvidenceError, match="is empty"):
        read("zeus", path)


@given(st.lists(st.text(alphabet='0123456789.,-+einfa "\n', max_size=60), max_size=5), st.booleans())
def test_garbage_is_named_and_never_crashes(
    tmp_path_factory: pytest.TempPathFactory, rows: list[str], windows: bool
) -> None:
    """Whatever stands under a good first line is a run, a sample, a bad row, or an error of ours."""
    path = tmp_path_factory.mktemp("zeus") / "zeus.csv"
    head = "start_time,window_name,elapsed_time,gpu0_energy" if windows else "1795305100.0,100.0"
    path.write_text("\n".join([head, *rows]) + "\n")
    try:
        portions = read("zeus", path)
    except WattmarkError:
        return
    lines = [line for line in path.read_text().splitlines() if line.strip()]
    rows_in = len(lines) - windows
    assert sum(p.taken + len(p.bad) + p.ignored for p in portions) == rows_in
