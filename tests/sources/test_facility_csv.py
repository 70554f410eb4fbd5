"""A DCIM's export: declared columns, in whichever form the meters are, and mistakes named by line."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.pue_series import HOUR_US, MeterSeries
from wattmark.sources.facility_csv import Columns, meters_of
from wattmark.sources.facility_forms import FORMS, Reading, form_of

NOON = 1_793_534_400_000_000
USUAL = Reading()


def read(
    folder: Path, text: str, reading: Reading = USUAL, **columns: object
) -> tuple[MeterSeries, MeterSeries]:
    """Both meters of a file."""
    path = folder / "dcim.csv"
    path.write_text(text, encoding="utf-8")
    told = {"facility": ("main",), "it": ("ups",), **columns}
    return meters_of([path], Columns(**told), reading)  # type: ignore[arg-type]


COUNTERS = "time,main,ups\n2026-11-01T12:00:00Z,100,50\n2026-11-01T13:00:00Z,112,60\n"


def test_counters_are_read_by_their_difference(tmp_path: Path) -> None:
    """12 and 10 kWh in the hour from noon on."""
    facility, it = read(tmp_path, COUNTERS, facility_as="kWh-counter", it_as="kWh-counter")
    assert [(p.start_us, p.end_us, p.kwh) for p in facility.pieces] == [(NOON, NOON + HOUR_US, 12.0)]
    assert it.kwh == 10.0


def test_each_side_may_be_in_another_form(tmp_path: Path) -> None:
    """A counter of MWh for the building, kW for the machines; the name of a column tells power by itself."""
    text = "Date;main [MWh];it (kW)\n01.11.2026 13:00;1.000,5;100\n01.11.2026 14:00;1.000,62;100,0\n"
    facility, it = read(
        tmp_path,
        text,
        facility=("main [MWh]",),
        it=("it (kW)",),
        facility_as="MWh-counter",
        layout="%d.%m.%Y %H:%M",
        zone=ZoneInfo("Europe/Paris"),
    )
    assert facility.pieces[0].start_us == NOON
    assert facility.kwh == pytest.approx(120.0)
    assert it.kwh == 100.0


def test_several_columns_and_files_add_up(tmp_path: Path) -> None:
    """Two PDUs in one file, the building in another; times may be seconds or milliseconds since 1970."""
    other = tmp_path / "pdus.csv"
    other.write_text(f"timestamp,a,b\n{NOON // 1000},6,4\n{NOON // 1000 + 3_600_000},6,4\n")
    main = tmp_path / "main.csv"
    main.write_text(f"timestamp,main\n{NOON // 10**6},12\n{NOON // 10**6 + 3600},12\n")
    columns = Columns(facility=("main",), it=("a", "b"), facility_as="kWh-interval", it_as="kWh-interval")
    facility, it = meters_of([main, other], columns, USUAL)
    assert (facility.kwh, it.kwh) == (24.0, 20.0)


def test_an_empty_cell_is_a_gap_and_never_a_zero(tmp_path: Path) -> None:
    """The counter goes on at its next reading; an interval without a value is left open."""
    text = "time,main,ups\n2026-11-01T12:00Z,5,5\n2026-11-01T13:00Z,,5\n2026-11-01T14:00Z,5,nan\n"
    facility, it = read(
        tmp_path, text, Reading(lasted_us=HOUR_US), facility_as="kWh-interval", it_as="kWh-interval"
    )
    assert [(p.start_us - NOON) // HOUR_US for p in facility.pieces] == [0, 2]
    assert [(p.start_us - NOON) // HOUR_US for p in it.pieces] == [0, 1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (COUNTERS.replace("112", "much"), r"dcim.csv:3: main: 'much' is no number; leave the cell empty"),
        (COUNTERS.replace("112", "-1"), r"dcim.csv:3: main: -1 is impossible"),
        (COUNTERS.replace("2026-11-01T13:00:00Z", "soon"), r"dcim.csv:3: time: 'soon' is no time"),
        (COUNTERS.replace("2026-11-01T13:00:00Z", "17"), r"dcim.csv:3: time: '17' is no time"),
        (COUNTERS.replace("112,60", "112"), r"dcim.csv:3: has 2 cells, and the header 3"),
        (COUNTERS.replace("main", "mine"), r"no column 'main' for --facility: .* has time, mine, ups"),
        (COUNTERS.replace("time,", "when,"), "no column of times among when, main, ups: name it with --time"),
        (COUNTERS.replace("time,main", "time,ups"), "two columns of one name"),
        (COUNTERS.replace("main", '"ma'), "is no CSV"),
        ("time,main,ups\n2026-11-01T12:00:00Z,1,1\n", "two readings are needed"),
        (COUNTERS + "2026-11-01T13:00:00Z,113,60\n", "shows 112 and 113 at one moment"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    """File, line and column, and what to write instead."""
    with pytest.raises(EvidenceError, match=said):
        read(tmp_path, text, facility_as="kWh-counter", it_as="kWh-counter")


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    """Absent, in another encoding, or both with one column."""
    with pytest.raises(EvidenceError, match=r"none.csv: cannot be read"):
        meters_of([tmp_path / "none.csv"], Columns(facility=("a",), it=("b",)), USUAL)
    strange = tmp_path / "latin.csv"
    strange.write_bytes("time,Gebäude\n".encode("latin-1"))
    with pytest.raises(EvidenceError, match="is not UTF-8"):
        meters_of([strange], Columns(facility=("a",), it=("b",)), USUAL)
    one = tmp_path / "one.csv"
    one.write_text(COUNTERS)
    with pytest.raises(EvidenceError, match="both have a column 'main'"):
        meters_of([one, one], Columns(facility=("main",), it=("ups",)), USUAL)
    with pytest.raises(EvidenceError, match="no column 'when'; it has time, main, ups"):
        meters_of([one], Columns(facility=("main",), it=("ups",), time="when", facility_as="kW"), USUAL)


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("hall_power_kw", "kW"),
        ("Building (MW)", "MW"),
        ("ipmi_power_watts", "W"),
        ("node_rapl_package_joules_total", "J-counter"),
    ],
)
def test_a_name_tells_power_and_counters_of_joules(name: str, form: str) -> None:
    """Nothing else is guessed: kWh may count up, or be of each interval."""
    assert form_of(None, name, "--as") == FORMS[form]


def test_energy_must_be_said() -> None:
    """The message has the words to say; what was said goes before the name."""
    with pytest.raises(UsageError, match=r"'main_MWh' does not tell .* say --as MWh-counter .* MWh-interval"):
        form_of(None, "main_MWh", "--as")
    assert form_of("Wh-interval", "main_kw", "--as").factor == 1e-3
