"""``[[tariff]]``, read in one way from wattmark.toml and from ledger.toml."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from wattmark.core.errors import ConfigError
from wattmark.core.tariff import Band, Tariff
from wattmark.fields import Fields, parse_toml
from wattmark.stated.tariffs import tariffs

PRICES = b"start,per_mwh\n2026-05-04T00:00Z,84.30\n2026-05-04T01:00Z,-5.2\n"


def files(name: str) -> bytes:
    """One file lies beside the settings."""
    if name != "prices.csv":
        raise FileNotFoundError(2, "No such file or directory", name)
    return PRICES


def read(text: str, zone: Any = UTC) -> tuple[Tariff, ...]:
    """The tariffs of this text."""
    return tariffs(Fields("x.toml", "", parse_toml(text, "x.toml")).tables("tariff"), zone, files)


def one(line: str) -> Tariff:
    """A flat tariff with a line more."""
    (found,) = read(f'[[tariff]]\nplace = "DEU"\ncurrency = "EUR"\nper_kwh = 0.20\n{line}\n')
    return found


WHOLE = """
[[tariff]]
name = "office 2026"
place = "office"
currency = "EUR"
per_kwh = 0.20
time_zone = "Europe/Berlin"
valid_from = 2026-01-01
valid_to = 2027-01-01
pays = "it"
includes = ["taxes", "energy"]
holidays = [2026-12-25, "2026-12-26"]
holidays_as = "sat"
source = "contract 4711"
relative_error = 0.02
note = "without VAT"
bands = [
  { name = "peak", per_kwh = 0.34, days = "mon-fri", hours = "08:00-20:00" },
  { name = "night", per_kwh = -0.01, hours = "22:00-06:00", season = "10-01..04-01" },
]

[[tariff]]
place = "market"
currency = "EUR"
file = "prices.csv"
added_per_kwh = 0.12
"""


def test_everything_is_read() -> None:
    """Hours over midnight are two bands, the second on the next day."""
    office, market = read(WHOLE)
    berlin = ZoneInfo("Europe/Berlin")
    assert office == Tariff(
        name="office 2026",
        place="office",
        currency="EUR",
        per_kwh=0.20,
        bands=(
            Band(name="peak", per_kwh=0.34, days=(0, 1, 2, 3, 4), start_minute=480, end_minute=1200),
            Band(name="night", per_kwh=-0.01, start_minute=1320, season=((10, 1), (4, 1))),
            Band(name="night", per_kwh=-0.01, end_minute=360, season=((10, 1), (4, 1))),
        ),
        zone=berlin,
        holidays=frozenset({date(2026, 12, 25), date(2026, 12, 26)}),
        holidays_as=5,
        start_us=round(datetime(2026, 1, 1, tzinfo=berlin).timestamp()) * 1_000_000,
        end_us=round(datetime(2027, 1, 1, tzinfo=berlin).timestamp()) * 1_000_000,
        pays="it",
        includes=("energy", "taxes"),
        source="contract 4711",
        relative_error=0.02,
        note="without VAT",
    )
    assert (market.name, market.source) == ("electricity market", "prices.csv")
    assert [p.per_kwh for p in market.listed] == pytest.approx([0.0843, -0.0052])


def test_what_is_not_said_has_a_plain_default() -> None:
    """Everywhere, at the facility's meter, energy alone; nothing at all is no tariff."""
    (found,) = read('[[tariff]]\ncurrency = "USD"\nper_kwh = 0.1')
    assert (found.place, found.pays, found.includes) == ("*", "facility", ("energy",))
    assert (found.name, found.source) == ("electricity", "declared")
    assert read("") == ()


def test_days_may_run_over_the_week_and_midnight_may_end_a_band() -> None:
    """Friday to Monday; until 24:00 and until 00:00 are the same."""
    (band,) = one('bands = [{ name = "w", per_kwh = 0.1, days = "fri-mon", hours = "18:00-00:00" }]').bands
    assert (band.days, band.start_minute, band.end_minute) == ((0, 4, 5, 6), 1080, 1440)
    (listed,) = one('bands = [{ name = "w", per_kwh = 0.1, days = "sat, sun" }]').bands
    assert listed.days == (5, 6)


def test_one_tariff_may_follow_another_and_a_flat_one_fill_the_rest() -> None:
    """Each from the day on which the other ends; what holds always gives way."""
    head = '[[tariff]]\nplace = "DEU"\ncurrency = "EUR"\nper_kwh = 0.2\n'
    assert len(read(f"{head}valid_to = 2026-05-01\n{head}valid_from = 2026-05-01\n{head}")) == 3
    with pytest.raises(ConfigError, match=r"x.toml: \[\[tariff\]\] 2 *: holds at 'DEU' at the same time"):
        read(f"{head}valid_to = 2026-05-02\n{head}valid_from = 2026-05-01\n")
    with pytest.raises(ConfigError, match="at the same time"):
        read(head + head)
    banded = head + 'bands = [{ name = "a", per_kwh = 0.1, hours = "00:00-06:00" }]\n'
    with pytest.raises(ConfigError, match="at the same time"):
        read(f"{banded}{head}valid_from = 2026-05-01\n")


def test_a_list_holds_as_long_as_its_file() -> None:
    """Another tariff may follow the last price, and none may hold beside it."""
    listed = '[[tariff]]\nplace = "DEU"\ncurrency = "EUR"\nfile = "prices.csv"\n'
    later = '[[tariff]]\nplace = "DEU"\ncurrency = "EUR"\nper_kwh = 0.2\nvalid_from = {}\n'
    assert len(read(listed + later.format("2026-05-05"))) == 2
    assert (
        len(read(f"{listed}valid_from = 2026-05-04\nvalid_to = 2026-05-05\n" + later.format("2026-05-05")))
        == 2
    )
    with pytest.raises(ConfigError, match="at the same time"):
        read(listed + later.format("2026-05-04"))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('colour = "red"', "colour: unknown key"),
        ('time_zone = "Mars/Base"', "time_zone: no time zone 'Mars/Base'"),
        ("valid_from = 2026-05-02\nvalid_to = 2026-05-01", "valid_to: must lie after"),
        ('pays = "roof"', "pays: must be one of facility, it"),
        ('includes = ["energy", "love"]', "includes: must be some of energy, network, taxes"),
        ("includes = []", "includes: is empty"),
        ("holidays = 3", "holidays: must be a list of days"),
        ('holidays = ["Easter"]', "holidays: 'Easter' is no day"),
        ("holidays = [2026-05-01T10:00:00Z]", "is no day"),
        ('holidays_as = "someday"', "holidays_as: must be one of mon"),
        ("added_per_kwh = 0.1", "comes on top of a file's prices"),
        ('file = "prices.csv"', "has a list and a price of its own"),
        ("bands = 3", "bands: must be written as"),
        ("bands = [{ per_kwh = 0.1 }]", r"bands 1 name: is missing"),
        ('bands = [{ name = "a" }]', r"bands 1 per_kwh: is missing"),
        ('bands = [{ name = "a", per_kwh = 0.1, from = 8 }]', r"bands 1 from: unknown key"),
        ('bands = [{ name = "a", per_kwh = 0.1, days = "noday" }]', "days: 'noday' is no day"),
        ('bands = [{ name = "a", per_kwh = 0.1, days = "mon-noday" }]', "days: 'mon-noday' is no day"),
        ('bands = [{ name = "a", per_kwh = 0.1, days = "," }]', "days: names no day"),
        ('bands = [{ name = "a", per_kwh = 0.1, hours = "8-20" }]', "hours: '8-20' are no hours"),
        ('bands = [{ name = "a", per_kwh = 0.1, hours = "08:00-25:00" }]', "are no hours"),
        ('bands = [{ name = "a", per_kwh = 0.1, hours = "08:00-08:00" }]', "are no hours"),
        ('bands = [{ name = "a", per_kwh = 0.1, season = "winter" }]', "season: 'winter' is no season"),
        ('bands = [{ name = "a", per_kwh = 0.1, season = "02-30..04-01" }]', "is no season"),
        ('bands = [{ name = "a", per_kwh = 0.1, season = "04-01..04-01" }]', "is no season"),
        ('bands = [{ name = "a", per_kwh = 34 }]', "is it in hundredths"),
    ],
)
def test_a_slip_of_the_pen_names_its_place(line: str, said: str) -> None:
    """File, table, key, and what to write."""
    with pytest.raises(ConfigError, match=said) as told:
        one(line)
    assert str(told.value).startswith("x.toml: [[tariff]] 1")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            'currency = "ct"\nper_kwh = 28',
            "currency: 'ct' is no currency of ISO 4217: give the price in whole",
        ),
        ("per_kwh = 0.2", "currency: is missing"),
        ('currency = "EUR"\nfile = "gone.csv"', "file: gone.csv cannot be read: No such file"),
        ('currency = "EUR"', "states no price"),
    ],
)
def test_money_that_is_not_told_is_an_error(line: str, said: str) -> None:
    """No currency, a wrong one, no price, no file."""
    with pytest.raises(ConfigError, match=said):
        read(f"[[tariff]]\n{line}\n")


def test_days_begin_in_the_zone_of_the_ledger() -> None:
    """A tariff that names none takes that of its file."""
    berlin = ZoneInfo("Europe/Berlin")
    text = '[[tariff]]\ncurrency = "EUR"\nper_kwh = 0.2\nvalid_from = 2026-01-01\n'
    (there,), (here,) = read(text, berlin), read(text + 'time_zone = "UTC"\n', berlin)
    assert there.start_us is not None
    assert here.start_us is not None
    assert here.start_us - there.start_us == 3_600_000_000
