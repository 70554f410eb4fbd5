"""From lines of bills to records, whatever bill they come from."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.bill_world import csv_text
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.run import Run, SourceId
from wattmark.sources.bill_line import BillLine, hours_in, is_time, month_span
from wattmark.sources.bill_runs import Delivery
from wattmark.sources.bill_settings import BillSettings, bill_settings
from wattmark.sources.bill_tables import bill_files, bill_rows, property_of
from wattmark.sources.catalog import Asked

HOUR_US = 3_600_000_000
MAY = 1_777_593_600_000_000
"""2026-05-01T00:00:00Z."""
SETTINGS = bill_settings(Asked())


def line(hour: int = 0, lasts: int = 1, **changes: object) -> BillLine:
    """An instance-hour of an m5.large."""
    fields: dict[str, object] = {
        "provider": "aws",
        "account": "1",
        "region": "us-east-2",
        "service": "AmazonEC2",
        "start_us": MAY + hour * HOUR_US,
        "end_us": MAY + (hour + lasts) * HOUR_US,
        "month": "2026-05",
        "instance_type": "m5.large",
        "hours": float(lasts),
        "resource": "i-1",
        "costs": {"unblended": 0.1},
        "currency": "USD",
    }
    return BillLine(**{**fields, **changes})  # type: ignore[arg-type]


def records(*lines: BillLine, settings: BillSettings = SETTINGS) -> list[Run]:
    """The records of one delivery."""
    delivery = Delivery(SourceId(name="bill"), settings)
    for each in lines:
        delivery.add(each)
    return list(delivery.runs())


def joules(*lines: BillLine, settings: BillSettings = SETTINGS) -> float:
    """All energy of a delivery."""
    return sum(row.energy_joules for run in records(*lines, settings=settings) for row in run.energies)


@given(hours=st.floats(1e-3, 1e5), factor=st.floats(1e-3, 1e3))
def test_energy_is_proportional_to_hours(hours: float, factor: float) -> None:
    """Twice the hours are twice the energy, in a pool of any size."""
    once, more = (joules(line(lasts=24, resource="", hours=h)) for h in (hours, hours * factor))
    assert more == pytest.approx(once * factor)


@given(loads=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_energy_rises_with_the_load_and_stays_between_idle_and_full(loads: tuple[float, float]) -> None:
    """A busier machine never uses less."""
    low, high = sorted(loads)
    idle, one, two, full = (
        joules(line(), settings=bill_settings(Asked(settings={"utilisation": str(u)})))
        for u in (0.0, low, high, 1.0)
    )
    assert idle * (1 - 1e-12) <= one <= two * (1 + 1e-12)
    assert two <= full * (1 + 1e-12)


@given(cuts=st.sets(st.integers(1, 23)))
def test_lines_of_a_day_are_the_day_however_it_is_cut(cuts: set[int]) -> None:
    """Parts add up to the whole, and so does their cost."""
    edges = [0, *sorted(cuts), 24]
    parts = [line(a, b - a, costs={"unblended": 0.1 * (b - a)}) for a, b in pairwise(edges)]
    assert joules(*parts) == pytest.approx(joules(line(0, 24)))
    (cost,) = records(*parts)[-1].statements
    assert cost.value == pytest.approx(2.4)


@given(order=st.permutations(list(range(6))))
def test_the_order_of_lines_does_not_matter(order: list[int]) -> None:
    """Reports are not sorted."""
    lines = [line(h, resource=f"i-{h % 2}") for h in range(6)]
    assert records(*(lines[i] for i in order)) == records(*lines)


def test_two_payers_of_one_hour_are_one_hour() -> None:
    """A reservation covers a quarter of it, the rest is on demand: an hour."""
    assert joules(line(hours=0.25), line(hours=0.75)) == pytest.approx(joules(line()))


def test_a_pause_is_not_filled() -> None:
    """Hours 0 and 5 are two rows in a record of six hours."""
    (run, _) = records(line(0), line(5))
    assert [(r.t0_seconds, r.duration_seconds) for r in run.energies] == [(0, 3600), (5 * 3600, 3600)]
    assert run.duration_seconds == 6 * 3600


def test_a_record_is_a_day_of_a_machine() -> None:
    """The 25th hour is another record, so that a delivery of one more day changes no earlier record's id."""
    first, second, _ = records(*(line(h) for h in range(25)))
    assert (first.duration_seconds, second.duration_seconds) == (24 * 3600, 3600)
    assert first.record_id != second.record_id


def test_a_cost_record_holds_a_month_and_no_energy() -> None:
    """May has 31 days; an estimate is said."""
    run = records(line(estimated=True))[-1]
    assert run.energies == ()
    assert run.duration_seconds == 31 * 86400
    assert run.notes == ("estimated: the provider may still change these amounts",)


@pytest.mark.parametrize(
    ("month", "days"), [("2026-02", 28), ("2028-02", 29), ("2026-12", 31), ("2026-04", 30)]
)
def test_months_have_their_lengths(month: str, days: int) -> None:
    """Also the last of a year."""
    start, end = month_span(month)
    assert end - start == days * 24 * HOUR_US


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"hours": -1.0}, "-1 instance-hours cannot be"),
        ({"hours": float("nan")}, "nan instance-hours cannot be"),
        ({"hours": 1e308}, "1e.308 instance-hours cannot be"),
        ({"hours": 5e-324}, "4.94066e-324 instance-hours cannot be"),
        ({"gpu_hours": -2.0}, "-2 accelerator-hours cannot be"),
        ({"costs": {"unblended": 1e308}}, "unblended cost 1e.308 cannot be"),
        ({"costs": {"unblended": float("nan")}}, "unblended cost nan cannot be"),
        ({"end_us": MAY}, "ends before it begins"),
        ({"currency": "usd"}, "no ISO 4217 code"),
    ],
)
def test_a_line_that_cannot_be_counts_for_nothing(changes: dict[str, object], reason: str) -> None:
    """Neither its hours nor its cost."""
    delivery = Delivery(SourceId(name="bill"), SETTINGS)
    with pytest.raises(ValueError, match=reason):
        delivery.add(line(**changes))
    assert list(delivery.runs()) == []


@pytest.mark.parametrize("unit", ["Hrs", "hours", "1 Hour", "10 Hours", "Instance-Hours"])
def test_hours_have_many_names(unit: str) -> None:
    """None of them is a factor."""
    assert is_time(unit)
    assert hours_in("24", unit) == 24


def test_seconds_are_hours_too_and_gigabytes_are_not() -> None:
    """3600 s are an hour."""
    assert hours_in("3600", "seconds") == 1
    assert not is_time("GB-Mo")
    with pytest.raises(ValueError, match="unit 'GB-Mo' of quantity is not known"):
        hours_in("1", "GB-Mo")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"utilisation": "50"}, "utilisation is a share from 0 to 1"),
        ({"gpu_utilisation": "-1"}, "gpu_utilisation is a share from 0 to 1"),
        ({"utilisation_error": "x"}, "utilisation_error is a share"),
        ({"delivered": "June"}, "delivered=June is no time"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, str], told: str) -> None:
    """Before anything is read."""
    with pytest.raises(UsageError, match=told):
        bill_settings(Asked(settings=settings))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "is not there"),
        ("machine,cpu\na,1\n", "has no column resource or instance_type"),
        ("resource,load\na,1\n", "has no column cpu or gpu"),
        ("resource,cpu\n,1\n", "loads.csv:2: names no resource"),
        ("resource,cpu\na,90\n", "loads.csv:2: cpu is a share"),
    ],
)
def test_a_file_of_loads_that_cannot_be_is_refused(tmp_path: Path, text: str | None, told: str) -> None:
    """With the place in it."""
    path = tmp_path / "loads.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises((UsageError, EvidenceError), match=told):
        bill_settings(Asked(settings={"utilisation": str(path)}))


def test_a_file_of_loads_may_say_how_busy_accelerators_are(tmp_path: Path) -> None:
    """Else they are as busy as the CPU."""
    path = tmp_path / "loads.csv"
    path.write_text("resource,cpu,gpu\na,0.2,0.9\nb,0.3,\n")
    settings = bill_settings(Asked(settings={"utilisation": str(path)}))
    assert [settings.load_of(r, "").gpu for r in "ab"] == [0.9, 0.3]
    assert settings.load_of("c", "m5.large") == settings.load


def test_folders_are_searched_for_bills(tmp_path: Path) -> None:
    """Deep inside, and an error where there is none."""
    with pytest.raises(EvidenceError, match="holds no"):
        bill_files([str(tmp_path)])
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "x.csv.gz").write_text("")
    assert [p.name for p in bill_files([str(tmp_path)])] == ["x.csv.gz"]


def test_an_empty_bill_is_said(tmp_path: Path) -> None:
    """Not an import of nothing with success."""
    path = tmp_path / "bill.csv"
    path.write_text("")
    with pytest.raises(EvidenceError, match="is empty: a bill begins with"):
        list(bill_rows(path, ["a"], "a bill"))
    path.write_text(csv_text([{"a": "1", "b": "2"}]) + "3\n")
    assert [row for _, row in bill_rows(path, ["a"], "a bill")] == [{"a": "1", "b": "2"}, None]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ""),
        ('{"A": "1"}', "1"),
        ('"A": 1', "1"),
        ('{"B": "2"}', "2"),
        ("[1]", ""),
        ("{broken", ""),
        ('{"A": null}', ""),
        ('{"A":' * 100_000, ""),
    ],
)
def test_properties_are_found_in_cells(text: str, found: str) -> None:
    """With and without braces; what is no object has none."""
    assert property_of(text, "A", "B") == found


def own_types(folder: Path, text: str) -> BillSettings:
    """Settings with a table of one's own."""
    path = folder / "mine.csv"
    path.write_text(text)
    return bill_settings(Asked(settings={"instances": str(path)}))


def test_types_that_the_table_lacks_can_be_added(tmp_path: Path) -> None:
    """Ten threads of Skylake and no memory beyond theirs: half of 6.13 + 41.04 W; the table's own stay."""
    rows = "".join(f"aws,{name},10,20,Skylake\n" for name in ("z99.large", "m5.large"))
    settings = own_types(tmp_path, f"provider,type,vcpus,memory_gb,architecture\n{rows}")
    expected = 3600 * 10 * (0.613 + 4.1042) / 2
    assert joules(line(instance_type="z99.large"), settings=settings) == pytest.approx(expected)
    assert joules(line(), settings=settings) == pytest.approx(expected)
    assert joules(line(instance_type="m5.xlarge"), settings=settings) == joules(
        line(instance_type="m5.xlarge")
    )


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("aws,z99.large,10,20,Round", "architecture 'Round' is not known: Broadwell"),
        ("aws,z99.large,ten,20,Skylake", "vcpus 'ten' is no number above 0"),
        ("aws,z99.large,,20,Skylake", "needs provider, type and vcpus"),
        (",z99.large,10,20,Skylake", "needs provider, type and vcpus"),
    ],
)
def test_types_that_cannot_be_are_refused(tmp_path: Path, row: str, told: str) -> None:
    """With the line."""
    with pytest.raises(EvidenceError, match=f"mine.csv:2: .*{told}"):
        own_types(tmp_path, f"provider,type,vcpus,memory_gb,architecture\n{row}\n")
