"""Measured PUE put together: calendar edges, polled looks that become energy, a Prometheus by its address."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.errors import EvidenceError, MeterUnavailable, UsageError
from wattmark.core.pue_series import HOUR_US, Metered, MeterSeries
from wattmark.sources.facility_forms import Reading
from wattmark.wiring.pue import Polling, Wanted, edges_over, from_polled, poll, pue_of_meters

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
NOON_US = 1_793_534_400_000_000
PARIS = ZoneInfo("Europe/Paris")
MAIN, PDU = "/redfish/v1/PowerEquipment/Switchgear/1", "/redfish/v1/PowerEquipment/RackPDUs/1"


def test_days_are_those_of_their_zone() -> None:
    """The day on which clocks are put back has 25 hours; the edges lie around the whole stretch."""
    edges = edges_over(NOON_US - 7 * 24 * HOUR_US, NOON_US - 6 * 24 * HOUR_US, "day", PARIS)
    assert [(b - a) // HOUR_US for a, b in itertools.pairwise(edges)] == [25, 24]


def test_months_are_those_of_the_calendar() -> None:
    """October has 31 days and an hour, November 30 days."""
    edges = edges_over(NOON_US - 10 * 24 * HOUR_US, NOON_US, "month", PARIS)
    assert [(b - a) / HOUR_US / 24 for a, b in itertools.pairwise(edges)] == [
        pytest.approx(31 + 1 / 24),
        30.0,
    ]


@given(st.integers(0, 10**16), st.integers(1, 10**12), st.sampled_from(["15min", "hour", "day", "month"]))
def test_edges_lie_around_the_stretch_in_order(start: int, lasted: int, step: str) -> None:
    """Whatever the stretch: nothing of it lies outside, and no interval is empty."""
    edges = edges_over(start, start + lasted, step, PARIS)
    assert edges[0] <= start
    assert edges[-1] >= start + lasted
    assert all(a < b for a, b in itertools.pairwise(edges))


def test_too_many_intervals_are_refused() -> None:
    """Ten years of quarters of an hour."""
    with pytest.raises(UsageError, match="say --step day, or a shorter time"):
        edges_over(0, 10 * 366 * 24 * HOUR_US, "15min", UTC)


def test_a_meter_without_energy_is_named() -> None:
    """With why it has none."""
    one = MeterSeries((Metered(0, HOUR_US, 1.0),))
    with pytest.raises(EvidenceError, match=r"dcim.csv: the IT meter tells no energy: it fell"):
        pue_of_meters(one, MeterSeries((), ("it fell",)), Wanted(site="a"), "dcim.csv")


class Building:
    """A Redfish service whose clock goes on by half an hour at each look."""

    def __init__(self) -> None:
        self.looks = -1
        self.broken = False

    def get(self, path: str) -> Mapping[str, Any]:
        """62.5 and 50 kWh in each half hour."""
        if self.broken and path == PDU:
            raise OSError("HTTP Error 503")
        self.looks += path == MAIN
        return {"EnergykWh": {"Reading": self.looks * (62.5 if path == MAIN else 50.0)}}

    def now(self) -> datetime:
        """Of the last look."""
        return NOON + self.looks * timedelta(minutes=30)


def test_looks_become_energy(tmp_path: Path) -> None:
    """Five looks in two calls: two hours at 1.25; a service that fails later spoils nothing."""
    building, file = Building(), tmp_path / "looks.csv"
    pauses: list[float] = []
    asked = Polling(url="", facility=(MAIN,), it=(PDU,), file=file, times=3, every_seconds=1800)
    assert poll(asked, get=building.get, now=building.now, pause=pauses.append) == 3
    assert poll(asked, get=building.get, now=building.now, pause=pauses.append) == 6
    assert pauses == [1800.0] * 4
    building.broken = True
    with pytest.raises(MeterUnavailable, match=r"RackPDUs/1: HTTP Error 503"):
        poll(asked, get=building.get, now=building.now, pause=pauses.append)
    found = from_polled(file, Reading(), Wanted(site="hall", category=2))
    assert [i.pue for i in found.used] == [1.25, 1.25]
    assert (found.used[0].start_us, found.source) == (NOON_US, "Redfish, polled into looks.csv")
    assert found.intervals[-1].problem == "both meters were read for only 50% of it"


def test_counters_and_power_never_share_a_file(tmp_path: Path) -> None:
    """kWh and kW in one column would be nonsense."""
    file = tmp_path / "looks.csv"
    file.write_text(
        "time,facility,it,facility_form,it_form\n2026-11-01T12:00:00Z,1,1,kW,kW\n"
        "2026-11-01T13:00:00Z,2,1,kWh-counter,kW\n"
    )
    with pytest.raises(EvidenceError, match="holds looks at counters and at power"):
        from_polled(file, Reading(), Wanted(site="hall"))
