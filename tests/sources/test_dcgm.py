"""DCGM: the tables of ``dcgmi dmon`` before and since 3.0, and CSV files with its fields."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.text_world import FILES, TextWorld, notes_of, read
from wattmark.core.errors import EvidenceError, UsageError, WattmarkError
from wattmark.core.known import Grade, Method
from wattmark.core.telemetry import Samples
from wattmark.sources.catalog import Asked
from wattmark.testing.source_suite import SourceSuite, SourceWorld

NEW = FILES / "dcgm" / "dcgmi-3.txt"
OLD = FILES / "dcgm" / "dcgmi-2.txt"
START = {"start": "2026-11-01T12:00:00Z"}
NOON_US = 1_793_534_400_000_000


class TestDcgmTable(SourceSuite):
    """The rules that every source keeps, on a table with times before its lines."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> SourceWorld:
        lines = [
            "2026-11-01T12:00:00.000000 #Entity   POWER   TOTEC",
            "2026-11-01T12:00:00.000100 ID   W   mJ",
        ]
        for second in range(8):
            lines.append(f"2026-11-01T12:00:0{second}.500000 GPU 0     100.000   {1000000 + second * 100000}")
        spoilt = "2026-11-01T12:00:03.500000 GPU 0     100.000   lots"
        return TextWorld(tmp_path / "dcgm.txt", "dcgm", lines[:8], more=lines[8:], spoil=(6, spoilt))


class TestDcgmCsv(SourceSuite):
    """The rules that every source keeps, on a CSV file."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> SourceWorld:
        lines = ["timestamp,Hostname,gpu,UUID,DCGM_FI_DEV_POWER_USAGE"]
        lines += [f"{1793534400 + s},n1,0,GPU-aa,{100 + s}.5" for s in range(9)]
        return TextWorld(
            tmp_path / "dcgm.csv",
            "dcgm",
            lines[:7],
            more=lines[7:],
            spoil=(4, "1793534402,n1,0,GPU-aa,lots"),
        )


def samples_of(path: Path, asked: Asked | None = None, **settings: str) -> list[Samples]:
    return [s for p in read("dcgm", path, asked, **settings) for s in p.samples]


def csv_file(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "dcgm.csv"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


@pytest.mark.parametrize("path", [NEW, OLD])
def test_the_counter_goes_before_the_power(path: Path) -> None:
    """105 000 mJ a second are 105 J; a counter is grade B, and what lies between two looks is not lost."""
    first, second = samples_of(path, **START)
    assert (first.stream.method, first.stream.grade) == (Method.HARDWARE_COUNTER, Grade.B)
    assert list(first.energy_uj) == [105_000_000] * 4
    assert list(first.start_us) == [NOON_US + s * 1_000_000 for s in range(4)]
    assert list(second.energy_uj) == [200_000_000, 400_000_000, 200_000_000]
    assert all(second.observed)


def test_power_alone_is_integrated(tmp_path: Path) -> None:
    """100 W and 110 W a second apart are 105 J; N/A is a gap on both its sides."""
    path = tmp_path / "dcgm.txt"
    path.write_text("\n".join(line[:28] for line in NEW.read_text().splitlines()) + "\n")
    first, second = samples_of(path, **START)
    assert (first.stream.method, first.stream.grade, first.stream.sensor_duty) == (
        Method.INTEGRATED_POWER,
        Grade.C,
        0.25,
    )
    assert list(first.energy_uj) == [105_000_000, 115_000_000, 125_000_000, 135_000_000]
    assert list(second.observed) == [True, False, False, True]


def test_a_table_without_times_needs_its_start() -> None:
    """Each row is bad with the advice, and none gets a time of ours."""
    bad = [b.reason for p in read("dcgm", NEW) for b in p.bad]
    assert len(bad) == 10
    assert all("-o start=" in reason for reason in bad)
    first, _ = samples_of(NEW, **START, delay_ms="500")
    assert first.end_us[0] - first.start_us[0] == 500_000
    for wrong in ({"start": "noon"}, {**START, "delay_ms": "0"}):
        with pytest.raises(UsageError):
            read("dcgm", NEW, **wrong)


def test_the_words_of_dmon_are_ignored() -> None:
    """Repeated headers, units, empty lines and its farewell."""
    portions = read("dcgm", NEW, **START)
    assert (sum(p.taken for p in portions), sum(p.ignored for p in portions)) == (10, 7)
    assert not any(p.bad for p in portions)


def test_instances_of_mig_are_left_out(tmp_path: Path) -> None:
    """Power and energy are those of the whole GPU; its instances repeat them."""
    path = tmp_path / "dcgm.txt"
    rows = [f"{kind:<10}100.000   " for _ in range(3) for kind in ("GPU 0", "GPU-I 0", "GPU-CI 0")]
    path.write_text("\n".join(["#Entity   POWER", "ID        W", *rows]) + "\n")
    portions = read("dcgm", path, **START)
    (samples,) = (s for p in portions for s in p.samples)
    assert list(samples.energy_uj) == [100_000_000, 100_000_000]
    assert "rows of GPU-I are left out" in notes_of(portions)


def test_a_gpu_that_is_never_read_is_told(tmp_path: Path) -> None:
    """It has no energy, which is not 0."""
    path = tmp_path / "dcgm.txt"
    path.write_text("#Entity   TOTEC\nID        mJ\n" + "GPU 3     N/A\n" * 3)
    portions = read("dcgm", path, **START)
    assert [s for p in portions for s in p.samples] == []
    assert "GPU 3 was never read" in notes_of(portions)


def test_a_counter_that_falls_was_reset(tmp_path: Path) -> None:
    """The driver was loaded again: a gap."""
    path = csv_file(
        tmp_path,
        "time,gpu,DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION",
        "2026-11-01T12:00:00Z,0,5000000",
        "2026-11-01T12:00:01Z,0,100",
        "2026-11-01T12:00:02Z,0,50100",
    )
    (samples,) = samples_of(path)
    assert (list(samples.observed), list(samples.energy_uj)) == ([False, True], [0, 50_000_000])


@pytest.mark.parametrize(
    "column",
    [
        "DCGM_FI_DEV_POWER_USAGE",
        "DCGM_FI_DEV_BOARD_POWER_WATTS",
        "155",
        "power_usage",
        "DCGM_FI_DEV_BOARD_POWER_RAW_WATTS",
    ],
)
def test_old_and_new_names_are_the_same(tmp_path: Path, column: str) -> None:
    """DCGM 4.6 renamed its power fields."""
    path = csv_file(tmp_path, f"time,gpu,{column}", "1793534400,0,100", "1793534401,0,100")
    (samples,) = samples_of(path)
    assert list(samples.energy_uj) == [100_000_000]


def test_uuid_and_host_are_taken_from_the_file(tmp_path: Path) -> None:
    """So that other meters of the same card meet it."""
    path = csv_file(
        tmp_path,
        "timestamp,hostname,GPU,UUID,DCGM_FI_DEV_POWER_USAGE",
        *[f"{1793534400 + s},{host},0,GPU-{host},100" for s in range(2) for host in ("n1", "n2")],
    )
    first, second = samples_of(path)
    assert (first.stream.device_id, second.stream.device_id) == ("GPU-n1", "GPU-n2")
    assert first.stream.host_id != second.stream.host_id


def test_uuids_can_be_named(tmp_path: Path) -> None:
    """GPU 0 is the first of the list; a card without one is told apart by machine and number."""
    first, second = samples_of(NEW, Asked(host="n1", settings={**START, "gpus": "GPU-aa"}))
    assert first.stream.device_id == "GPU-aa"
    assert second.stream.device_id == f"gpu:{second.stream.host_id}/unnamed-1"


def test_blanks_of_dcgm_are_not_read(tmp_path: Path) -> None:
    """Numbers from 2^47 on say that a value was not supported or not permitted."""
    path = csv_file(
        tmp_path,
        "time,gpu,155",
        *[f"{1793534400 + s},GPU 0,{w}" for s, w in enumerate(("100", "140737488355330", "100", "100"))],
    )
    (samples,) = samples_of(path)
    assert list(samples.observed) == [False, False, True]


@pytest.mark.parametrize(
    "row",
    [
        "1793534402,0,-5",
        "1793534402,0",
        "soon,0,100",
        "1793534401,0,100",
        "1793534402,0,100,1",
    ],
)
def test_an_impossible_row_is_bad(tmp_path: Path, row: str) -> None:
    """Negative, cut off, without a time, a time that stands still."""
    path = csv_file(tmp_path, "time,gpu,155", "1793534400,0,100", "1793534401,0,100", row, "1793534403,0,100")
    portions = read("dcgm", path)
    assert [b.place for p in portions for b in p.bad] == [f"{path}:4"]
    (samples,) = (s for p in portions for s in p.samples)
    assert sum(samples.energy_uj) == 300_000_000


def test_another_file_is_refused(tmp_path: Path) -> None:
    """The error says what was expected."""
    with pytest.raises(EvidenceError, match="neither a table of dcgmi dmon"):
        read("dcgm", csv_file(tmp_path, "a,b", "1,2"))
    with pytest.raises(EvidenceError, match="no column of a time"):
        read("dcgm", csv_file(tmp_path, "gpu,155", "0,2"))
    with pytest.raises(EvidenceError, match="neither"):
        read("dcgm", csv_file(tmp_path))


def test_long_files_come_in_portions(tmp_path: Path) -> None:
    """The seam between two portions is an interval like others."""
    rows = [f"{1793534400 + s},0,100" for s in range(45_000)]
    path = csv_file(tmp_path, "time,gpu,155", *rows)
    portions = [p for p in read("dcgm", path) if p.samples]
    assert len(portions) == 3
    assert sum(len(s) for p in portions for s in p.samples) == 44_999
    assert sum(sum(s.energy_uj) for p in portions for s in p.samples) == 44_999 * 100_000_000


@given(
    st.lists(st.text(alphabet='GPUI0123456789.,-: N/Aan#Entity\n"', max_size=40), max_size=6), st.booleans()
)
def test_garbage_is_named_and_never_crashes(
    tmp_path_factory: pytest.TempPathFactory, rows: list[str], table: bool
) -> None:
    """Whatever stands under a good header is a reading, a bad row, or an error of ours."""
    path = tmp_path_factory.mktemp("dcgm") / "dcgm.txt"
    path.write_text("\n".join(["#Entity   POWER" if table else "time,gpu,155", *rows]) + "\n")
    try:
        portions = read("dcgm", path, **START)
    except WattmarkError:
        return
    lines = sum(1 for _ in path.open())
    assert sum(p.taken + len(p.bad) + p.ignored for p in portions) == lines
