"""``ledger.toml`` is read strictly, and says what holds for everyone."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import resources
from zoneinfo import ZoneInfo

import pytest

from wattmark.core.errors import ConfigError
from wattmark.core.run import Subject
from wattmark.core.tags import TagMode
from wattmark.ledger.factors import EmbodiedShare, GridFactor, SitePue
from wattmark.ledger.settings import LedgerSettings
from wattmark.ledger.settingsfile import load_settings, parse_settings

WHOLE = """
format = 1
name = "ours"
time_zone = "Europe/Paris"
manual_steps = 2
[tags]
required = ["team", "label.tier"]
mode = "quarantine"
lower = ["environment"]
[tags.allowed]
team = ["search", "ads"]
[tags.aliases.team]
"search-eng" = "search"
[tags.from_labels]
squad = "team"
[tags.owners]
"team=search" = "search leads"
[sources]
priority = ["wattmark", "dcgm"]
[[site]]
name = "paris-1"
pue = 1.2
source = "its meters"
kind = "measured"
valid_from = 2026-07-01
relative_error = 0.02
[[grid]]
zone = "FRA"
grams_per_kwh = 44
from = 2026-01-01
to = 2027-01-01T00:00:00Z
accounting = "market"
basis = "direct"
source = "supplier"
year = 2025
relative_error = 0.1
[[embodied]]
name = "gpu"
total_kg = 164
lifespan_years = 5
source = "maker"
"""


class Kept:
    """A store of one file."""

    url = "s3://bucket/ledger/"

    def __init__(self, data: bytes | None) -> None:
        self._data = data

    def read(self, name: str) -> bytes:
        """What is kept under the name of the settings."""
        if self._data is None or name != "ledger.toml":
            raise FileNotFoundError(name)
        return self._data


def us(*moment: int) -> int:
    """Microseconds since 1970 of a moment in UTC."""
    return int(datetime(*moment, tzinfo=UTC).timestamp()) * 1_000_000  # type: ignore[misc,arg-type]


def read(text: str) -> LedgerSettings:
    """Settings from a text that states the format itself."""
    return parse_settings("format = 1\n" + text, "ledger.toml")


def test_everything_that_is_written_is_read() -> None:
    """A day begins at midnight where the ledger is: the first of July in Paris is 22:00 the day before."""
    settings = parse_settings(WHOLE, "ledger.toml")
    assert (settings.name, settings.time_zone, settings.manual_steps) == ("ours", "Europe/Paris", 2)
    assert settings.zone == ZoneInfo("Europe/Paris")
    assert settings.tags.mode is TagMode.QUARANTINE
    assert settings.tags.normalise(Subject(labels={"squad": "Search-Eng"})).team == "search"
    assert settings.priorities == {"wattmark": 0, "dcgm": 1}
    site = settings.sites[0]
    assert site.start_us == us(2026, 6, 30, 22)
    assert (site.site, site.pue, site.kind, site.relative_error) == ("paris-1", 1.2, "measured", 0.02)
    assert site.source == "its meters"
    grid = settings.grid[0]
    assert grid.start_us == us(2025, 12, 31, 23)
    assert grid.end_us == us(2027, 1, 1)
    assert (grid.accounting, grid.basis, grid.year) == ("market", "direct", 2025)
    assert settings.embodied == (
        EmbodiedShare(name="gpu", total_grams=164_000.0, lifespan_hours=43_830.0, source="maker"),
    )


def test_a_ledger_without_a_file_has_the_defaults() -> None:
    """UTC, no rules."""
    settings = load_settings(Kept(None))
    assert settings == LedgerSettings()
    assert settings.zone is UTC


def test_a_file_that_an_editor_marked_is_read() -> None:
    """Some put a byte order mark in front."""
    assert load_settings(Kept("﻿format = 1".encode())).file == "s3://bucket/ledger/ledger.toml"


def test_a_file_in_another_encoding_is_refused_by_its_place() -> None:
    """Not guessed."""
    with pytest.raises(ConfigError, match=r"s3://bucket/ledger/ledger\.toml: is not UTF-8"):
        load_settings(Kept(b'format = 1\nname = "\xe9"'))


def test_the_template_is_good_as_it_stands_and_switched_on() -> None:
    """What `ledger init` writes opens; every example in it, too."""
    text = (resources.files("wattmark") / "data" / "ledger_default.toml").read_text(encoding="utf-8")
    assert parse_settings(text, "x").tags.required == ()
    lines = [
        line[2:] if line.startswith("# ") and ("=" in line.partition("#")[2][:25] or "[" in line[2]) else line
        for line in text.splitlines()
    ]
    full = parse_settings("\n".join(lines), "x")
    assert full.tags.required == ("team", "model", "stage")
    assert full.tags.aliases == {"team": {"search-engineering": "search"}}
    assert full.sites[0].pue == 1.21
    assert full.grid[0].zone == "FRA"
    assert full.embodied[0].total_grams == 164_000.0
    assert full.priority == ("wattmark", "dcgm")
    assert [band.name for band in full.tariffs[0].bands] == ["peak"]
    assert full.water[0].litres_per_kwh == 0.3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nmae = 'x'", "nmae: unknown key; did you mean 'name'"),
        ("time_zone = 'Mars/Olympus'", "time_zone: no time zone 'Mars/Olympus'"),
        ("time_zone = '../etc'", "no time zone '../etc'"),
        ("manual_steps = 1.5", "manual_steps: must be a whole number"),
        ("tags = 1", r"tags: must be a table: write \[tags\]"),
        ("[tags]\nmode = 'drop'", r"\[tags\] mode: must be one of warn, quarantine, refuse"),
        ("[tags]\nignore_case = 1", r"\[tags\] ignore_case: must be true or false"),
        ("[tags]\nrequired = ['taem']", r"\[tags\]: 'taem' is no tag; did you mean 'team'"),
        ("[tags.allowed]\nteam = 'a'", r"\[tags.allowed\] team: must be a list"),
        ("[tags.aliases]\nteam = 'a'", r"write \[tags.aliases.team\]"),
        ("[tags.aliases.team]\na = 1", r"\[tags.aliases.team\] a: must be a string"),
        ("[sources]\npriorty = []", r"\[sources\] priorty: unknown key"),
        ("[[site]]\nname = 'a'", r"\[\[site\]\] 1: says nothing of 'a'"),
        ("[[site]]\nname = ' '\npue = 1.1", r"\[\[site\]\] 1 name: is empty"),
        ("[[site]]\nname = 'a'\npue = 0.9", "pue: must be from 1 to 1000, not 0.9"),
        ("[[site]]\nname = 'a'\npue = 1.1\nkind = 'good'", "kind: must be one of declared"),
        ("[[site]]\nname = 'a'\npue = 1.1\nvalid_from = 'soon'", "'soon' is no day and no time"),
        ("[[site]]\nname = 'a'\npue = 1.1\nvalid_from = 2026", "must be a day or a time"),
        ("[[site]]\nname='a'\npue=1.1\n[[site]]\nname='a'\npue=1.2", r"\[\[site\]\] 2: site 'a' has two"),
        ("[[grid]]\nzone = 'FRA'\ngrams_per_kwh = 44", r"\[\[grid\]\] 1 source: is missing"),
        (
            "[[grid]]\nzone='F'\ngrams_per_kwh=44\nsource='s'\nfrom=2026-01-01\nto=2026-01-01",
            "must lie after",
        ),
        ("[[grid]]\nzone='F'\ngrams_per_kwh=44\nsource='s'\nyear=20.5", "year: must be a whole number"),
        ("[[embodied]]\ntotal_kg = 1\nlifespan_years = 5", "name: is missing"),
        ("[[embodied]]\nname = 'a'\ntotal_kg = 1\nlifespan_years = 0", "lifespan_years: must be from 0.01"),
    ],
)
def test_a_slip_is_an_error_at_its_place(text: str, said: str) -> None:
    """File, table and key."""
    with pytest.raises(ConfigError, match=said) as caught:
        read(text)
    assert caught.value.file == "ledger.toml"


def test_a_file_without_a_format_or_with_a_newer_one_is_refused() -> None:
    """What this version does not know could change every total."""
    with pytest.raises(ConfigError, match="format: is missing: write `format = 1`"):
        parse_settings("", "f")
    with pytest.raises(ConfigError, match="pip install --upgrade wattmark"):
        parse_settings("format = 2\nnew_key = 1", "f")
    with pytest.raises(ConfigError, match="format: must be a whole number"):
        parse_settings("format = 'one'", "f")


def test_a_pue_holds_until_the_next_one_of_its_site() -> None:
    """Whatever the order in the file; other sites end nothing."""
    sites = read(
        "[[site]]\nname='a'\npue=1.3\nvalid_from=2026-01-01\n[[site]]\nname='a'\npue=1.5\n"
        "[[site]]\nname='b'\npue=1.1\nvalid_from=2025-01-01\n"
    ).sites
    assert [(s.start_us, s.end_us) for s in sites] == [
        (us(2026, 1, 1), None),
        (None, us(2026, 1, 1)),
        (us(2025, 1, 1), None),
    ]


GRID = "[[grid]]\nzone='F'\ngrams_per_kwh=1\nsource='s'\n"


@pytest.mark.parametrize(
    ("first", "second", "overlap"),
    [
        ("", "", True),
        ("to=2026-01-01", "from=2026-01-01", False),
        ("from=2026-01-01", "to=2026-01-01", False),
        ("to=2026-01-02", "from=2026-01-01", True),
        ("from=2026-01-01\nto=2027-01-01", "from=2026-06-01\nto=2026-07-01", True),
        ("", "from=2026-01-01", False),
        ("", "accounting='market'", False),
        ("", "basis='direct'", False),
    ],
)
def test_two_factors_for_one_moment_are_refused(first: str, second: str, overlap: bool) -> None:
    """Another accounting or basis is another figure; `to` is not meant; one without bounds fills the rest."""
    text = f"{GRID}{first}\n{GRID}{second}\n"
    if overlap:
        with pytest.raises(ConfigError, match=r"\[\[grid\]\] 2: overlaps \[\[grid\]\] 1"):
            read(text)
    else:
        assert len(read(text).grid) == 2


def test_times_can_be_written_in_every_usual_way() -> None:
    """A day, a time without an offset (the ledger's zone), with one, and each as text."""
    zone = "time_zone = 'Europe/Paris'\n"
    for written, meant in {
        "2026-01-01": us(2025, 12, 31, 23),
        "'2026-01-01'": us(2025, 12, 31, 23),
        "2026-01-01T12:00:00": us(2026, 1, 1, 11),
        "'2026-01-01T12:00:00+00:00'": us(2026, 1, 1, 12),
    }.items():
        assert read(f"{zone}{GRID}from = {written}").grid[0].start_us == meant


def test_the_hash_changes_with_what_is_counted_only() -> None:
    """Rules and the order of sources; not PUE, grid or names."""
    plain = LedgerSettings()
    assert plain.hash == LedgerSettings(name="x", sites=(SitePue(site="a", pue=1.1),)).hash
    assert plain.hash == LedgerSettings(grid=(GridFactor(zone="F", grams_per_kwh=1.0, source="s"),)).hash
    assert plain.hash != LedgerSettings(priority=("a",)).hash
    assert plain.hash != read("[tags]\nrequired = ['team']").hash


INVENTORY = b"name,component,host,total_kg,purchased,lifespan_years\ns1,machine,n1,1000,2026-01-15,5\n"


def test_an_inventory_lies_beside_the_settings() -> None:
    """Its days begin at midnight of the ledger's zone."""
    text = 'format = 1\ntime_zone = "Europe/Paris"\n[[embodied]]\ninventory = "devices.csv"\n'
    files = {"devices.csv": INVENTORY}
    (asset,) = parse_settings(text, "ledger.toml", files.__getitem__).factors.devices
    assert (asset.name, asset.total_grams, asset.place) == ("s1", 1e6, "devices.csv:2")
    assert asset.purchased_us % 86_400_000_000 == 23 * 3_600_000_000


def test_an_inventory_stands_alone() -> None:
    """A device is counted in one place; a file that is not there is named."""
    beside = (
        'format = 1\n[[embodied]]\ninventory = "d.csv"\n'
        '[[embodied]]\nname = "gpu"\ntotal_kg = 1\nlifespan_years = 1'
    )
    with pytest.raises(ConfigError, match="a device is counted in one place"):
        parse_settings(beside, "ledger.toml")
    with pytest.raises(ConfigError, match=r"\[\[embodied\]\] 1 inventory: d.csv: there is no such file"):
        parse_settings('format = 1\n[[embodied]]\ninventory = "d.csv"\n', "ledger.toml")


def test_embodied_carbon_is_shared_out_in_one_mode() -> None:
    """By hours in use where a utilisation is told; the two modes never meet in one device."""
    told = 'format = 1\n[[embodied]]\nname = "gpu"\ntotal_kg = 164\nlifespan_years = 5\n'
    (share,) = parse_settings(f'{told}mode = "utilised"\nutilisation = 0.6\n', "ledger.toml").embodied
    assert (share.mode, share.utilisation) == ("utilised", 0.6)
    with pytest.raises(ConfigError, match="never both"):
        parse_settings(f"{told}utilisation = 0.6\n", "ledger.toml")
    with pytest.raises(ConfigError, match="utilisation: is missing"):
        parse_settings(f'{told}mode = "utilised"\n', "ledger.toml")
