"""``[[site]]``, read in one way from wattmark.toml and from ledger.toml."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from wattmark.core.errors import ConfigError
from wattmark.core.site import Site
from wattmark.fields import Fields, parse_toml
from wattmark.stated.sites import sites


def read(text: str, folder: Path | None = None, zone: Any = UTC) -> tuple[Site, ...]:
    """The sites of this text."""
    return sites(Fields("x.toml", "", parse_toml(text, "x.toml")).tables("site"), zone, folder)


WHOLE = """
[[site]]
name = "paris-1"
country = "fra"
zone = "FR"
latitude = 48.9
longitude = 2.3
pue = 1.3
kind = "declared"
valid_from = 2026-07-01
valid_to = 2027-01-01
relative_error = 0.05
carbon_free_share = 0.9
carbon_free_year = 2025
source = "contract of 2026"

[[site]]
name = "like-virginia"
region = "us-east-1"
subregion = "SRVC"
"""


def test_everything_that_is_written_is_read() -> None:
    """Days begin where the file says; codes of countries are in capitals."""
    paris, virginia = read(WHOLE, zone=ZoneInfo("Europe/Paris"))
    assert (paris.country, paris.zone, paris.latitude, paris.longitude) == ("FRA", "FR", 48.9, 2.3)
    assert (paris.carbon_free_share, paris.carbon_free_year) == (0.9, 2025)
    (pue,) = paris.pues
    assert (pue.pue, pue.kind, pue.relative_error, pue.source) == (1.3, "declared", 0.05, "contract of 2026")
    assert (pue.start_us, pue.end_us) == (1782856800_000_000, 1798758000_000_000)
    assert (virginia.region, virginia.subregion, virginia.pues) == ("us-east-1", "SRVC", ())
    assert read("") == ()


def test_a_file_of_a_project_lies_beside_it(tmp_path: Path) -> None:
    """A ledger finds its own, and says so."""
    text = "[[site]]\nname = 'a'\npue_file = 'pue/a.csv'"
    assert read(text, tmp_path)[0].pue_file == str(tmp_path / "pue/a.csv")
    with pytest.raises(ConfigError, match="is not said in a ledger"):
        read(text)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("country = 'FR'", "country: must be an ISO 3166 alpha-3 code such as FRA, not 'FR'"),
        ("latitude = 48.9", "and longitude go together"),
        ("latitude = 91.0\nlongitude = 0.0", "latitude: must be from -90 to 90"),
        ("kind = 'measured'", "kind: is said of a PUE, and there is none"),
        ("valid_from = 2026-01-01", "valid_from: is said of a PUE"),
        ("pue = 1.2\nvalid_from = 2026-01-02\nvalid_to = 2026-01-01", "must lie after `valid_from`"),
        ("pue = 0.9", "pue: must be from 1 to 1000, not 0.9"),
        ("carbon_free_share = 1.5", "carbon_free_share: must be from 0 to 1"),
        ("contry = 'FRA'", "did you mean 'country'"),
        ("", "says nothing of 'a'"),
    ],
)
def test_a_slip_names_its_place(line: str, said: str) -> None:
    """File, table and key."""
    with pytest.raises(ConfigError, match=said) as caught:
        read(f"[[site]]\nname = 'a'\n{line}")
    assert str(caught.value).startswith("x.toml: [[site]] 1")


def test_a_contradiction_names_the_later_table() -> None:
    """Two countries of one site, or two PUEs at once."""
    with pytest.raises(ConfigError, match=r"\[\[site\]\] 2: site 'a' is stated twice: country"):
        read("[[site]]\nname='a'\ncountry='FRA'\n[[site]]\nname='a'\ncountry='DEU'")
    with pytest.raises(ConfigError, match=r"\[\[site\]\] 2: site 'a' has two PUEs"):
        read("[[site]]\nname='a'\npue=1.2\n[[site]]\nname='a'\npue=1.3")
