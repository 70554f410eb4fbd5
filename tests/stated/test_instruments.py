"""[[instrument]], [[residual_mix]] and [[market]] as people write them, and the CSV of generation."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.errors import ConfigError
from wattmark.core.instruments import HOUR_US, Instrument
from wattmark.core.market import Markets
from wattmark.fields import Fields
from wattmark.stated.generation_csv import generation
from wattmark.stated.instruments import instruments, new_year
from wattmark.stated.residual_mixes import markets, residual_mixes

NOON = 1_793_534_400_000_000
"""2026-11-01T12:00:00Z."""
PARIS = ZoneInfo("Europe/Paris")
NO_MARKETS = Markets()
LOT = {"id": "GO", "kind": "certificate", "market": "EU", "vintage": 2026, "kwh": 10, "grams_per_kwh": 0}
FILES = {"wind.csv": b"start,kwh\n2026-11-01T12:00Z,1\n", "latin.csv": b"start,kwh\n\xff,1\n"}


def read(name: str) -> bytes:
    if name not in FILES:
        raise FileNotFoundError(name)
    return FILES[name]


def fields(key: str, *tables: dict[str, Any]) -> list[Fields]:
    return Fields("ledger.toml", "", {key: [*tables]}).tables(key)


def parsed(
    *tables: dict[str, Any], zone: tzinfo = UTC, among: Markets = NO_MARKETS
) -> tuple[Instrument, ...]:
    return instruments(fields("instrument", *tables), zone, read, among)


def without(*keys: str, **more: Any) -> dict[str, Any]:
    return {**{k: v for k, v in LOT.items() if k not in keys}, **more}


def test_a_vintage_says_both_ends_in_the_zone_of_the_settings() -> None:
    """2026 in Paris begins an hour before it does in Greenwich."""
    (lot,) = parsed(LOT, zone=PARIS)
    assert (lot.start_us, lot.end_us, lot.vintage) == (new_year(2026, PARIS), new_year(2027, PARIS), 2026)
    assert new_year(2026, UTC) - lot.start_us == HOUR_US
    assert (lot.basis, lot.renewable, lot.flat, lot.sold, lot.share) == ("direct", False, False, False, None)


def test_everything_that_can_be_said_of_one() -> None:
    """A contract with its hours in a file beside the settings."""
    told = {
        **without("vintage", "kwh", kind="ppa", file="wind.csv", renewable=True, technology="wind"),
        "from": "2026-01-01",
        "to": "2027-01-01",
        "basis": "lifecycle",
        "source": "contract 17",
        "reference": "17",
        "bundles": ["GO-1"],
        "certificates": "sold",
    }
    (ppa,) = parsed(told)
    assert ppa.hours == {NOON: 1.0}
    assert (ppa.technology, ppa.reference, ppa.bundles, ppa.sold) == ("wind", "17", ("GO-1",), True)


def test_a_supplier_holds_for_all_of_the_load_unless_it_says_otherwise() -> None:
    """Share 1; a green tariff must say."""
    supplier = without("kwh", kind="supplier", grams_per_kwh=120)
    assert parsed(supplier)[0].share == 1.0
    assert parsed({**supplier, "share": 0.5})[0].share == 0.5
    with pytest.raises(ConfigError, match="in one way"):
        parsed(without("kwh", kind="green_tariff"))


@pytest.mark.parametrize(
    ("table", "place", "told"),
    [
        (without("kind"), "kind", "is missing: give one of certificate, ppa"),
        (without(kwhs=3), "kwhs", "did you mean 'kwh'"),
        (without("vintage"), "from", "is missing: give from and to"),
        (without("vintage", **{"from": "2026-01-01"}), "to", "is missing"),
        (without(to="2028-01-01"), "vintage", "reach beyond that year"),
        (without("kwh", file="sun.csv"), "file", "sun.csv cannot be read: put it beside ledger.toml"),
        (without(renewable="yes"), "renewable", "must be true or false"),
        (without(market="FRA"), "", "FRA is part of the market EU"),
        (without("grams_per_kwh"), "grams_per_kwh", "is missing"),
        (without("kwh"), "", "in one way"),
    ],
)
def test_a_slip_names_its_place(table: dict[str, Any], place: str, told: str) -> None:
    """File, table, key, and what to write instead."""
    with pytest.raises(ConfigError, match=told) as raised:
        parsed(table)
    assert raised.value.place == f"[[instrument]] 1 {place}".strip()


def test_what_is_claimed_twice_names_the_second() -> None:
    """The first one may stay."""
    with pytest.raises(ConfigError, match=r"the id 'GO' stands in two instruments") as raised:
        parsed(LOT, LOT)
    assert raised.value.place == "[[instrument]] 2"


def test_a_file_that_is_no_text() -> None:
    """It is named itself."""
    with pytest.raises(ConfigError, match=r"latin.csv: line 2: is not UTF-8"):
        parsed(without("kwh", file="latin.csv"))


MIX = {"market": "EU", "year": 2026, "grams_per_kwh": 500, "source": "issuing bodies"}


def test_a_residual_mix_holds_for_its_year_or_from_when_to_when() -> None:
    """Two may follow each other, and stand beside each other on two bases."""
    half = {**MIX, "from": "2026-07-01"}
    first = {**MIX, "to": "2026-07-01", "relative_error": 0.1}
    found = residual_mixes(fields("residual_mix", first, half, {**MIX, "basis": "lifecycle"}), UTC, Markets())
    assert [m.start_us for m in found] == [new_year(2026, UTC), found[0].end_us, new_year(2026, UTC)]
    assert found[0].relative_error == 0.1


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        ([MIX, MIX], r"\[\[residual_mix\]\] 2: holds at once with \[\[residual_mix\]\] 1"),
        ([{**MIX, "market": "DEU"}], "part of the market EU"),
        ([{k: v for k, v in MIX.items() if k != "year"}], "from: is missing"),
        ([{**MIX, "to": "2026-01-01"}], "to: must lie after"),
        ([{k: v for k, v in MIX.items() if k != "source"}], "source: is missing"),
        ([{**MIX, "from": "2026-02-01", "year": 2025}], "must lie after"),
    ],
)
def test_a_slip_in_a_residual_mix(tables: list[dict[str, Any]], told: str) -> None:
    """Each names its place."""
    with pytest.raises(ConfigError, match=told):
        residual_mixes(fields("residual_mix", *tables), UTC, Markets())


def test_a_market_of_ones_own() -> None:
    """A bidding zone apart from the rest; a place cannot be in two."""
    found = markets(fields("market", {"name": "SE3", "zones": ["SE-SE3"]}))
    assert found.of("SE-SE3", "SWE") == "SE3"
    assert parsed({**LOT, "market": "SE3"}, among=found)[0].market == "SE3"
    with pytest.raises(ConfigError, match=r"\[\[market\]\] 2 zones: SE-SE3 is in the market SE3 already"):
        markets(fields("market", *({"name": n, "zones": ["SE-SE3"]} for n in ("SE3", "SE4"))))
    with pytest.raises(ConfigError, match="zones: is empty"):
        markets(fields("market", {"name": "SE3"}))


def test_hours_add_up_parts_of_them_and_take_any_offset() -> None:
    """Two half hours are one; 13:00 in Paris is noon in Greenwich in November."""
    text = "start,kwh,note\n2026-11-01T13:00,1,a\n2026-11-01T12:30Z,2,b\n2026-11-01T15:00+01:00,4,c\n"
    assert generation(text.encode(), "w.csv", PARIS) == {NOON: 3.0, NOON + 2 * HOUR_US: 4.0}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("start,mwh\n", "w.csv: line 1: lacks the column kwh"),
        ("start,kwh\n", "has no rows"),
        ("start,kwh\nyesterday,1\n", "line 2, start: 'yesterday' is no time"),
        ("start,kwh\n2026-11-01T12:00Z,-1\n", "line 2, kwh: is '-1': give kWh from 0 up"),
        ("start,kwh\n2026-11-01T12:00Z,x\n", "line 2, kwh"),
        ("start,kwh\n2026-11-01T12:00Z,1e308\n", "line 2, kwh"),
        ("start,kwh\n2026-11-01T12:00Z\n", "line 2: has 1 columns, not 2"),
        ("start,kwh\n2026-11-01T12:00Z,1,5\n", "line 2: has 3 columns, not 2: is a decimal comma in it"),
        ("start,kwh,kwh\n2026-11-01T12:00Z,1,2\n", "line 1, kwh: is there twice"),
        ("start,kwh\n0001-01-01T00:00+14:00,1\n", "line 2, start: '0001"),
        ('start,kwh\n2026-11-01T12:00Z,"1\n2026-11-01T13:00Z,2\n', "is no whole CSV file"),
        ("start,kwh\n2026-11-01T12:00Z,\0\n", "line 2: is no text"),
        ("start,kwh\n2026-11-01T12:00Z,1\n2026-11-01T13:00+01:00,1\n", "line 3, start: is the same moment"),
        ("start,kwh\n2026-11-01T00:00Z,1\n2026-11-02T00:00Z,1\n", "lies 24 hours after the row before it"),
    ],
)  # fmt: skip
def test_a_slip_in_the_hours(text: str, told: str) -> None:
    """Days are no hours; line and column are named."""
    with pytest.raises(ConfigError, match=told):
        generation(text.encode(), "w.csv", UTC)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=96))
def test_no_kilowatt_hour_is_lost_between_quarters_and_hours(kwh: list[float]) -> None:
    """The sum of quarters of an hour is the sum of their hours."""
    quarter = HOUR_US // 4
    rows = (
        f"{datetime.fromtimestamp((NOON + n * quarter) / 1e6, UTC).isoformat()},{k!r}"
        for n, k in enumerate(kwh)
    )
    found = generation("\n".join(["start,kwh", *rows]).encode(), "w.csv", UTC)
    assert sum(found.values()) == pytest.approx(sum(kwh))
    assert len(found) == -(-len(kwh) // 4)
